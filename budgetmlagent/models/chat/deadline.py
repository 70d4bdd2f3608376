"""A limit on a whole reply: the client library's own timeout begins anew with every byte that arrives."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

LARGEST = 32 * 2**20  # bytes of a reply's body


class BoundedBody(httpx2.SyncByteStream):
    """A body that must be whole by a time (`time.monotonic`) and within `LARGEST` bytes.

    Raises httpx2.ReadTimeout or httpx2.RemoteProtocolError, as a connection that fails does.
    """

    def __init__(self, body: Any, until: float) -> None:
        self.body, self.until = body, until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self.body:
            size += len(chunk)
            if time.monotonic() > self.until:
                raise httpx2.ReadTimeout("the reply was not whole in time")
            if size > LARGEST:
                raise httpx2.RemoteProtocolError(f"the reply is larger than {LARGEST} bytes")
            yield chunk

    def close(self) -> None:
        """Close the connection's end of it."""
        self.body.close()


def bounded(seconds: float) -> Any:
    """Return a response hook of an HTTP client that gives a reply `seconds` from now on."""
    until = time.monotonic() + seconds

    def hook(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = BoundedBody(response.stream, until)

    return hook
