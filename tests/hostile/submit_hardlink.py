"""Submit a file that has a second name, under which it could still be changed."""

import os
from pathlib import Path

Path("other").write_text("id,label\n1,2\n")
os.link("other", "submission.csv")
