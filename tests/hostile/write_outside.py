"""Write where the script has no business: the path in targets.json, a home or the checkpoint database."""

import json
from pathlib import Path

targets = json.loads(Path("targets.json").read_text())
Path(targets["write"]).parent.mkdir(parents=True, exist_ok=True)
Path(targets["write"]).write_text("written")
