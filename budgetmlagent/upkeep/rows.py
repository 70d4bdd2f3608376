"""What `budgetml doctor` says of one thing."""

from collections.abc import Sequence
from typing import Any

from budgetmlagent.errors import one_line

Row = dict[str, Any]


def row(what: str, ok: bool, detail: str) -> Row:
    """Return one finding: one sentence, which says what to do where something is wrong."""
    return {"what": what, "ok": ok, "detail": one_line(detail)}


def rows(what: str, wrong: Sequence[str], well: str) -> list[Row]:
    """Return a row for each thing that is wrong; one where nothing is."""
    return [row(what, False, sentence) for sentence in wrong] or [row(what, True, well)]
