"""Repairs without a model, a file a family of errors; `cures` is the way in and says where a new one goes."""

import re
from collections.abc import Callable, Sequence

from nodes.craft.fingerprint import Failure
from nodes.craft.source import Edit, Source

Cure = tuple[str, str]  # the new script, and what was done in one sentence
Match = re.Match[str]
Rule = Callable[[Source, Failure, Match], Cure | None]  # cures an error by the match of its message


def cured(source: Source, edits: Sequence[Edit], done: str) -> Cure | None:
    """Return the script with `edits` made and what was `done`; None where they change nothing or leave no script."""
    script = source.edited(edits)
    return (script, done) if script else None
