"""Remove, rename and replace the data, where it lies for the script and where it lies on the host."""

import json
import os
from contextlib import suppress
from pathlib import Path

Path("new").write_text("changed")
for path in ("train.csv", json.loads(Path("targets.json").read_text())["target"]):
    with suppress(OSError):
        os.rename(path, path + ".old")
    with suppress(OSError):
        os.replace("new", path)
    with suppress(OSError):
        os.remove(path)
