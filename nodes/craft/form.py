"""In which form a model answers with a script: whole, or as search/replace blocks; and the script that its answer makes."""

from typing import Literal

from nodes.craft.blocks import applied, blocks
from nodes.craft.scripts import extract
from nodes.deps import Able

Form = Literal["whole", "edit", "either"]
LONG = 60  # lines of a script, from which blocks save more than they cost


def form_for(able: Able, base: str, *, new: bool = False) -> Form:
    """Return how a model is to answer that starts from the script `base`; a `new` script is written whole."""
    lines = len(base.splitlines())
    if new or not able.edits:
        return "whole"
    if lines > able.lines:
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
