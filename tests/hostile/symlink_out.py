"""Leave links that lead out of the workspace, and write through one, for now or for whoever tidies up."""

import json
import os
from pathlib import Path

home = Path(json.loads(Path("targets.json").read_text())["target"])
os.symlink(home, "link")
os.makedirs("folder")
os.symlink(home, "folder/link")
Path("link/written").write_text("written")
