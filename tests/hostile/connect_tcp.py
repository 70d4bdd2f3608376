"""Connect to a service of the host."""

import json
import socket
from pathlib import Path

targets = json.loads(Path("targets.json").read_text())
with socket.create_connection(("127.0.0.1", targets["tcp"]), 2) as connection:
    connection.sendall(b"hello")
