"""Read the answers, or a key of the user's, and submit them."""

import json
from pathlib import Path

targets = json.loads(Path("targets.json").read_text())
Path("submission.csv").write_text(Path(targets["secret"]).read_text())
