"""Write files that nobody has: without a name, closed, and on the way in a socket's queue."""

import os
import socket
import time

sockets = []
for i in range(12):
    with open(f"f{i}", "wb") as file:
        os.unlink(f"f{i}")
        file.write(b"x" * (6 << 20))
        file.flush()
        sockets.append(socket.socketpair())
        socket.send_fds(sockets[-1][0], [b"x"], [file.fileno()])
time.sleep(30)
