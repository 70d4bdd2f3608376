"""Kill a process of the host by its number: the one that runs the agent."""

import json
import os
import signal
from pathlib import Path

os.kill(json.loads(Path("targets.json").read_text())["neighbour"], signal.SIGKILL)
