"""Change, remove and exchange the data."""

import os
from pathlib import Path

done = []
for name, action in {
    "write": lambda: Path("train.csv").write_text("changed"),
    "remove": lambda: os.remove("train.csv"),
    "rename": lambda: os.rename("train.csv", "other.csv"),
    "replace": lambda: (Path("new").write_text("changed"), os.replace("new", "train.csv")),
}.items():
    try:
        action()
        done.append(name)
    except OSError:
        pass
print("done", done)
