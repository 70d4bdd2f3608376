"""What a client library raised, read without knowing the library: openai's, httpx', requests' or that of a chat class."""

import errno
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from budgetmlagent.models.faults.words import marks, said

NO_CONNECTION = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH})
# Classes that stand for a connection which failed or went silent: Python's own, and those of the usual libraries.
LOST = frozenset(
    {"ConnectionError", "TimeoutError", "gaierror", "SSLError"}  # Python
    | {"APIConnectionError", "TransportError"}  # openai and anthropic, httpx and httpx2
    | {"Timeout", "ChunkedEncodingError", "ClientConnectionError", "ClientPayloadError"}  # requests, aiohttp
)
# What openai and Ollama put around words, or in the place of them.
STATUS_ALONE = re.compile(r"^Error code: \d+( - )?|\s*\(status code: \d+\)$")


# A request that was not read; some of these are about how it is written.
UNREAD = frozenset({400, 422})


@dataclass(frozen=True)
class Told:
    """An answer that was an error."""

    status: int
    marks: str  # its code and type
    words: str  # for a person
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""  # all that it said
    param: str = ""  # the field of the request that it is about, where the library says so


def told_by(error: BaseException) -> Told | None:
    """The answer of a provider behind `error` or behind what caused it; None where there was none.

    Looks for an HTTP status in `status_code` or `code` (google-genai), of the error or of its `response`.
    """
    for link in chain(error):
        if status := _status(link):
            body = _body(link)
            headers = getattr(getattr(link, "response", None), "headers", None)
            kept = headers if isinstance(headers, Mapping) else {}
            code = getattr(link, "code", None)
            known = marks(body) or (code if isinstance(code, str) else "")
            param = str(getattr(link, "param", None) or "")
            return Told(status, known, said(body, status), kept, str(body), param)
    return None


def is_lost(error: BaseException) -> bool:
    """Whether a connection failed: no answer came."""
    links = chain(error)
    return any(not LOST.isdisjoint(kind.__name__ for kind in type(link).__mro__) for link in links)


def is_unsent(error: BaseException) -> bool:
    """Whether there certainly was no connection to send anything on: refused, no route, no such host, not in time."""
    return any(
        isinstance(link, socket.gaierror)
        or type(link).__name__ == "ConnectTimeout"
        or (isinstance(link, OSError) and link.errno in NO_CONNECTION)
        for link in chain(error)
    )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _status(link: BaseException) -> int:
    """The HTTP status of an error, 0 where it has none."""
    response = getattr(link, "response", None)
    found = (getattr(link, "status_code", 0), getattr(link, "code", 0), getattr(response, "status_code", 0))
    return next((int(value) for value in found if isinstance(value, int) and 300 <= value < 600), 0)


def _body(link: BaseException) -> Any:
    """What an answer said: its text, else what its library made of it."""
    text = _text(getattr(link, "response", None))
    if text is not None:
        return text
    fields = (getattr(link, name, None) for name in ("body", "details", "message", "error"))
    known = next((value for value in fields if value), str(link))
    return STATUS_ALONE.sub("", known) if isinstance(known, str) else known


def _text(response: Any) -> str | None:
    try:
        text = getattr(response, "text", None)
    except (RuntimeError, OSError):  # its body was not read, and cannot be any more
        return None
    return text if isinstance(text, str) else None
