"""Connect to a service by a socket in the file system."""

import json
import socket
from pathlib import Path

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(json.loads(Path("targets.json").read_text())["target"])
    connection.sendall(b"hello")
