"""Take memory in four processes, each below the limit."""

import os
import time

for _ in range(3):
    if os.fork() == 0:
        break
held = [bytearray(b"x" * (60 << 20))]
time.sleep(30)
