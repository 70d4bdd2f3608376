"""Replies as text: what a model said, without its thoughts, as text that can be stored; and the JSON object in it."""

import json
import re
from typing import Any

# How models mark their thoughts. A chat template may have opened the mark, so that its end alone is in the reply.
MARKS = {"<think>": "</think>", "<thinking>": "</thinking>", "<thought>": "</thought>", "[THINK]": "[/THINK]"}
OPENED = re.compile(r"\s*(<think(?:ing)?>|<thought>|\[THINK\])")
UNQUOTED = r"""(?!["'\\]|`(?!``))"""  # in a string of a script it is no mark
LONGEST_JSON = 20_000  # characters; an answer has a few hundred, and mending a long text is slow


def said(reply: str) -> str:
    """Return a reply without its thoughts, in valid Unicode and with plain line ends. Takes linear time."""
    _, reply = thoughts(reply)
    reply = reply.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return valid(reply)


def thoughts(reply: str) -> tuple[str, str]:
    """Return the thoughts at the head of a reply and what is said after them. Takes linear time."""
    opened = OPENED.match(reply)
    for begin, end in MARKS.items():
        if end == "</think>" or (opened and opened[1] == begin):
            for closed in [*re.finditer(re.escape(end) + UNQUOTED, reply)][-1:]:
                return reply[: closed.start()].replace(begin, ""), reply[closed.end() :]
    return (reply[opened.end() :], "") if opened else ("", reply)  # unclosed: cut off amid a thought


def valid(text: str) -> str:
    """Return the text with what is no Unicode replaced: JSON may spell half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")


def json_object(reply: str) -> dict[str, Any] | None:
    """Read the JSON object in a reply, amid prose and fences, mended where that is possible.

    None where there is none, and where it was cut off: what mending would make of half an object is a guess.
    """
    text = said(reply)
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        value = _mended(text[start : end + 1])
    return value if isinstance(value, dict) else None


def _mended(text: str) -> Any:
    import json_repair

    if len(text) > LONGEST_JSON:
        return None
    try:
        return json_repair.loads(text)
    except (ValueError, RecursionError):
        return None
