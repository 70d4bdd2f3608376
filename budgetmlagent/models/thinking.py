"""Thinking that came with a reply: found where providers put it, beside the text, and counted."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# What it is called, as a part of the content or beside it.
PARTS = ("thinking", "reasoning", "reasoning_content")

CHARACTERS = 4  # of a token, about
DEPTH = 10  # of lists and tables that are looked into


def beside(content: Any, extra: Mapping[str, Any]) -> str:
    """Return the thinking that stands in parts of the content, or in fields of the message beside it."""
    parts = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
    told = [_text(part) for part in parts if isinstance(part, Mapping) and part.get("type") in PARTS]
    # Some say the same under two names.
    return "".join([*told, max((_text(extra.get(name)) for name in PARTS[1:]), key=len)])


def _text(value: Any, depth: int = DEPTH) -> str:
    """All text in a part."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        value = [item for key, item in value.items() if key not in ("type", "signature", "id")]
    if not isinstance(value, Sequence) or not depth:
        return ""
    return "".join(_text(item, depth - 1) for item in value)


def tokens(reported: int, out: int, thinking: str, text: str) -> int:
    """Tokens of a reply's `out` that were thinking: as `reported`, else by the share of what can be seen of it.

    Where nothing was counted, `out` being 0, it is estimated.
    """
    if thinking and not out:
        return math.ceil(len(thinking) / CHARACTERS)
    if reported or not thinking:
        return min(reported, out)
    return round(out * len(thinking) / (len(thinking) + len(text)))
