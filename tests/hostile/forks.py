"""Fork 400 times, and keep them all."""

import os
import time

for _ in range(400):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
time.sleep(30)
