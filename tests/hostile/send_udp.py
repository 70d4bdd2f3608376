"""Send a datagram to a service of the host."""

import json
import socket
from pathlib import Path

target = json.loads(Path("targets.json").read_text())["target"]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"hello", ("127.0.0.1", target))
