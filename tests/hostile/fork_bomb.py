"""Fork as fast as can be, each child again, up to 512 processes: enough to show, too few to hurt a machine."""

import os
import time

for _ in range(9):
    os.fork()
time.sleep(20)
