"""Connect to a service by an abstract socket, which no file stands for."""

import json
import socket
from pathlib import Path

targets = json.loads(Path("targets.json").read_text())
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\0" + targets["abstract"])
    connection.sendall(b"hello")
