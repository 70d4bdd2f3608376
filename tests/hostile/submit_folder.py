"""Submit a folder that cannot be entered."""

import os
from pathlib import Path

Path("submission.csv/inner").mkdir(parents=True)
Path("submission.csv/inner/file").write_text("x")
os.chmod("submission.csv/inner", 0)
