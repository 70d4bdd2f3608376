"""Connect to a service by a socket in the file system, as a bus of the user's."""

import json
import socket
from pathlib import Path

targets = json.loads(Path("targets.json").read_text())
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(targets["unix"])
    connection.sendall(b"hello")
