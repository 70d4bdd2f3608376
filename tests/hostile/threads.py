"""Start 400 threads, which no count of processes sees; each leaves a file."""

import threading
import time
from pathlib import Path

threading.stack_size(65536)
for number in range(400):
    Path(f"thread-{number}").touch()
    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
