"""Runs the package from its folder alone: `python -I FOLDER`."""

import importlib
import sys
from pathlib import Path

folder = Path(__file__).resolve().parent
sys.path[0] = str(folder.parent)  # not the folder itself: a metric's `import tables` means another
importlib.import_module(f"{folder.name}.program").main()
