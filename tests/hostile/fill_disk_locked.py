"""Write files into a folder that its owner may enter and not list."""

import os
import time

os.mkdir("locked")
os.chmod("locked", 0o333)
for i in range(12):
    with open(f"locked/f{i}", "wb") as file:
        file.write(b"x" * (6 << 20))
time.sleep(30)
