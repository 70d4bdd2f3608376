"""Connect to a service by an abstract socket, which no file stands for."""

import json
import socket
from pathlib import Path

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect("\0" + json.loads(Path("targets.json").read_text())["target"])
    connection.sendall(b"hello")
