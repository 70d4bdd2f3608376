"""Connect to a service of the host."""

import json
import socket
from pathlib import Path

target = json.loads(Path("targets.json").read_text())["target"]
with socket.create_connection(("127.0.0.1", target), 2) as connection:
    connection.sendall(b"hello")
