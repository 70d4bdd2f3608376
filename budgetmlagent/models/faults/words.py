"""What a provider says in an error: one line for a person, whatever form its body has."""

import html
import json
import re
import unicodedata
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

MOST = 160  # characters
DEPTH = 10  # of lists, tables and JSON within JSON that are looked into
READ = 10_000  # characters of a text that is no JSON
# Where words stand, best first. The last ones are better than nothing.
KEYS = (
    "message", "error_description", "detail", "msg", "error", "errors", "title", "reason", "code", "type", "status",
)  # fmt: skip
# OpenRouter's message, beside which `metadata.raw` has the provider's.
SAYS_NOTHING = "provider returned error"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn"})  # among them what turns the direction of a text


def said(body: Any, status: int = 0) -> str:
    """The first sentences of an error's `body`, a text or parsed JSON, that fit into 160 characters, on one line.

    Without any words it is the phrase of the HTTP `status`, and "" where that has none. Raises nothing.
    """
    return _cut(_line(_found(body, DEPTH))) or _phrase(status)


def marks(body: Any) -> str:
    """What an error's `body` says for programs, in one string: its code, type and status, "" where it has none."""
    error = error_in(_parsed(body))
    found = [error.get(key) for key in ("code", "type", "status")]
    return " ".join(str(mark) for mark in found if isinstance(mark, str | int))


def error_in(body: Any) -> Mapping[str, Any]:
    """The table within a parsed body that tells of the error; empty where there is none."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body


def _found(value: Any, depth: int) -> str:
    """The words within `value`, uncut."""
    value = _parsed(value)
    if depth == 0:
        return ""
    if isinstance(value, str):
        return _of_page(value[:READ]) if value.lstrip().startswith("<") else value[:READ]
    if isinstance(value, Mapping):
        return _of_table({str(key).lower(): part for key, part in value.items()}, depth)
    if isinstance(value, list | tuple):
        return next((words for part in value if (words := _found(part, depth - 1).strip())), "")
    return ""


def _of_table(table: Mapping[str, Any], depth: int) -> str:
    words = next((words for key in KEYS if (words := _found(table.get(key), depth - 1).strip())), "")
    metadata = table.get("metadata")
    if isinstance(metadata, Mapping) and (not words or words.lower().startswith(SAYS_NOTHING)):
        return _found(metadata.get("raw"), depth - 1) or words
    where = table.get("loc")  # FastAPI: which field a problem is about
    if isinstance(where, list | tuple) and words:
        field = ".".join(str(part) for part in where if part != "body" and isinstance(part, str | int))
        return f"{field}: {words}" if field else words
    return words


def _of_page(text: str) -> str:
    """The title of an HTML page, else its heading, else all its text."""
    text = re.sub(r"(?is)<(script|style)\b.*?(</\1|$)", " ", text)
    for tag in ("title", "h1", "message"):
        found = re.search(rf"(?is)<{tag}\b[^<>]*>(.*?)</{tag}", text)
        if found and (words := _plain(found[1])):
            return words
    return _plain(text)


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>?", " ", text)).strip()


def _parsed(value: Any) -> Any:
    """A text that is JSON as what it holds; all else as it is."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "[", '"'):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _line(text: str) -> str:
    kinds = ((char, unicodedata.category(char)) for char in ANSI.sub("", text))
    seen = (" " if kind == "Cc" else char for char, kind in kinds if kind not in UNSEEN)
    return " ".join("".join(seen).split())


def _cut(line: str) -> str:
    """Whole sentences, else whole words: half a key could not be recognised as one and taken out."""
    if len(line) <= MOST:
        return line
    ends = [match.end() for match in re.finditer(r"[.!?](?= )|[。！？]", line) if 40 <= match.end() <= MOST]
    if ends:
        return line[: ends[-1]]
    head, rest = line[: MOST - 2], line[MOST - 2 :]
    if not rest.startswith(" "):
        head = re.sub(r"[!-~]+$", "", head)
    return f"{head.rstrip()} …" if head.strip() else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
