"""Leave a daemon behind: a new session, two forks, deaf to the signals that ask."""

import json
import os
import signal
import sys
import time
from pathlib import Path

mark = json.loads(Path("targets.json").read_text())["mark"]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(null, handle)
        os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(60)", mark])
    os._exit(0)
time.sleep(0.3)
