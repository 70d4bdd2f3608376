"""Take memory that no process maps: a file that only has a descriptor."""

import os
import time

handles = [os.memfd_create(str(i)) for i in range(24)]
for handle in handles:
    for _ in range(2):
        os.write(handle, b"x" * (4 << 20))
time.sleep(30)
