"""Fill the shared memory."""

import os

with open(f"/dev/shm/big-{os.getpid()}", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
