"""Write files that have no name any more, so that no listing shows them."""

import os
import time

files = []
for i in range(8):
    files.append(open(f"f{i}", "wb"))  # noqa: SIM115
    os.unlink(f"f{i}")
    files[-1].write(b"x" * (10 << 20))
    files[-1].flush()
time.sleep(30)
