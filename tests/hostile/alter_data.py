"""Change the data, where it lies for the script and where it lies on the host."""

import json
from contextlib import suppress
from pathlib import Path

for path in ("train.csv", json.loads(Path("targets.json").read_text())["target"]):
    with suppress(OSError):
        Path(path).write_text("changed")
