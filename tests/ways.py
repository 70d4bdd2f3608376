"""A way to a server that breaks once, at a word that is sent: so a fault comes where a test means it, however busy the machine is."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress


class Way:
    """A relay to `port` at `own`. What is sent by the connection that has `word` in it for the `at`-th time breaks there.

    It breaks before the word arrives, or after it did; `then` is called at that moment. With `at` 0 it never breaks.
    """

    def __init__(
        self,
        port: int,
        word: bytes,
        *,
        at: int = 1,
        arrives: bool = False,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        self.port, self.word, self.at, self.arrives, self.then = port, word, at, arrives, then
        self.seen = self.broken = 0
        self.turn = threading.Lock()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.own = self.door.getsockname()[1]
        self.ends = [self.door]
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.door.accept()
                self.ends.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self.port))
                except OSError:
                    near.close()
                    continue
                self.ends.append(far)
                threading.Thread(target=self._carry, args=(far, near, b""), daemon=True).start()
                threading.Thread(target=self._carry, args=(near, far, self.word), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, word: bytes) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                breaks = bool(word) and self._breaks(data.count(word))
                if breaks:
                    self.then()
                    source.shutdown(socket.SHUT_RDWR)
                if not breaks or self.arrives:
                    sink.sendall(data)
        time.sleep(0.2 if word else 0)  # what arrived is done
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _breaks(self, found: int) -> bool:
        with self.turn:
            self.seen += found
            if not found or self.broken or not 0 < self.at <= self.seen:
                return False
            self.broken = 1
            return True

    def close(self) -> None:
        """Let nobody in any more, and end all connections."""
        with suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        for end in self.ends:
            end.close()
