"""In which form a model answers with a script: whole, or as blocks that change one; and the script that its answer makes."""

import re
from typing import Literal

from nodes.craft.blocks import applied, blocks
from nodes.craft.scripts import extract
from nodes.deps import Able

Form = Literal["whole", "edit", "either"]
LONG = 60  # lines of a script, from which blocks save more than they cost
# How a plan says that little of the old script will stand.
REWRITE = re.compile(r"(?i)\b(?:re-?writ|from scratch|re-?structur|whole new|start(?:ing)? (?:over|anew))")


def is_new(action: str, instruction: str) -> bool:
    """Tell whether a plan asks for a script that shares little with the one that it starts from."""
    return action == "draft" or (action in ("improve", "combine") and bool(REWRITE.search(instruction)))


def form_for(able: Able, base: str, *, new: bool = False, short: bool = False) -> Form:
    """Return how a model is to answer that starts from the script `base`; a `new` script is written whole.

    One that may be `short`, however long the other is, may always be.
    """
    lines = len(base.splitlines())
    if new or not able.edits:
        return "whole"
    if lines > able.lines and not short:
        return "edit"
    return "either" if lines > LONG else "whole"


def answered(reply: str, base: str, *, edits: bool) -> tuple[str, str]:
    """Return the script that a reply makes of `base`, and ""; or "" and what is wrong with the reply.

    Only from a model that `edits` are blocks taken for changes.
    """
    changes = blocks(reply) if edits else None
    if isinstance(changes, str):
        return "", changes
    if changes is not None:
        return applied(base, changes)
    script = extract(reply)
    return (script, "") if script is not None else ("", "the reply holds no Python script")
