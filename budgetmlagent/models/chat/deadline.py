"""Limits on a whole reply: its time, for the client library's own begins anew with every byte that arrives, and its size."""

import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from threading import Timer
from typing import Any, Self

import httpx2

LARGEST = 32 * 2**20  # bytes of a reply's body, unpacked
PIECE = 2**16  # bytes that are unpacked at a time
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class UnreadableError(httpx2.RemoteProtocolError):
    """A body that is not read to its end: it would take the machine's memory, or is packed in a way that nobody asked for."""


class BoundedBody(httpx2.SyncByteStream):
    """A body, unpacked, that must be whole by a time (`time.monotonic`) and within `LARGEST` bytes.

    Raises httpx2.ReadTimeout, as a connection that fails does, and UnreadableError.
    """

    def __init__(self, body: Any, until: float, packed: str = "") -> None:
        self.body, self.until, self.packed = body, until, packed

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._unpacked():
            size += len(chunk)
            if time.monotonic() > self.until:
                raise httpx2.ReadTimeout("the reply was not whole in time")
            if size > LARGEST:
                raise UnreadableError(f"it is larger than {LARGEST} bytes")
            yield chunk

    def _unpacked(self) -> Iterator[bytes]:
        """Yield the body in pieces of a bounded size, however small it was packed."""
        if self.packed in ("", "identity"):
            yield from self.body
            return
        if self.packed not in ("gzip", "deflate"):
            raise UnreadableError(f"it is packed as {self.packed[:40]!r}, and was asked for as it is")
        unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
        try:
            for chunk in self.body:
                rest = chunk
                while rest and not unpacker.eof:
                    yield unpacker.decompress(rest, PIECE)
                    rest = unpacker.unconsumed_tail
        except zlib.error:
            raise UnreadableError(f"it is not packed as it says, {self.packed}") from None

    def close(self) -> None:
        """Close the connection's end of it."""
        self.body.close()


class Deadline:
    """The one end of a whole request: its connection, its head, which may come in drips or never end, and its body.

    Within `with`, `watch` is a request hook of an HTTP client and `bound` a response hook. When the time is over, the
    connection is shut, so that whatever is waited for ends; `passed` tells that it was this.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, request: httpx2.Request) -> None:
        """Have the connection of `request` known here."""
        request.extensions = {**request.extensions, "trace": self._traced}

    def bound(self, response: httpx2.Response) -> None:
        """Read the body of `response` within bounds."""
        assert isinstance(response.stream, httpx2.SyncByteStream)
        packed = response.headers.pop(
            "content-encoding", ""
        )  # else the library would unpack it, without a bound
        response.stream = BoundedBody(response.stream, self.until, packed.strip().lower())

    def _traced(self, event: str, info: Mapping[str, Any]) -> None:
        stream = info.get("return_value")
        if stream is not None and event.endswith(".complete") and hasattr(stream, "get_extra_info"):
            self._socket = stream.get_extra_info("socket")
            if self.passed:
                self._end()

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(
                    self._socket, socket.SHUT_RDWR
                )  # below TLS, which another thread may be reading


def is_deep(value: Any, most: int) -> bool:
    """Whether a parsed JSON value is nested deeper than `most` levels: whoever walks through it would not come back."""
    level = [value]
    for _ in range(most):
        inner = (
            part.values() if isinstance(part, dict) else part
            for part in level
            if isinstance(part, dict | list)
        )
        level = [part for parts in inner for part in parts]
        if not level:
            return False
    return True
