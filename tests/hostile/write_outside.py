"""Write where a script has no business: a home, the checkpoint database, the scorer."""

import json
from pathlib import Path

Path(json.loads(Path("targets.json").read_text())["target"]).write_text("written")
