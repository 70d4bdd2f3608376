"""Kill a process of the host by its number."""

import json
import os
import signal
from pathlib import Path

os.kill(json.loads(Path("targets.json").read_text())["neighbour"], signal.SIGKILL)
