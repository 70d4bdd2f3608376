"""Leave a daemon behind: a new session, two forks, deaf to the signals that ask."""

import os
import signal
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(60)"
        null = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(null, handle)
        os.execv(sys.executable, [sys.executable, "-c", code, "left-behind-by-a-script"])
    os._exit(0)
time.sleep(0.5)
print("left")
