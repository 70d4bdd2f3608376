"""Looks into the data: short scripts that print something, and what they printed, kept in the notes of who ran them."""

import re
from typing import Any

from memory.attempts import Reader
from memory.state import RunState
from nodes.craft.fingerprint import without_paths
from nodes.deps import Execution

LOOK = "look"  # the action
KEPT = "looks"  # in a node's notes
NEWEST = 3
ID = re.compile("[0-9a-f]{64}")
ASKED, SHOWN = 160, 1_500  # characters of what was asked, and of what was printed


def with_look(state: RunState, node: str, asked: str, said: str) -> dict[str, Any]:
    """Return the node's own notes with one more look; `said` is the artifact of what it printed."""
    own = state.notes.get(node, {})
    return {**own, KEPT: [*own.get(KEPT, []), {"asked": asked[:ASKED], "said": said}][-NEWEST:]}


def looked(state: RunState, artifacts: Reader) -> list[dict[str, str]]:
    """Return what was asked of the data in this branch, oldest first, and what was printed: {asked, said}."""
    notes = [note.get(KEPT) for note in state.notes.values() if isinstance(note, dict)]
    looks = [look for kept in notes if isinstance(kept, list) for look in kept if isinstance(look, dict)]
    told = [
        (str(look.get("asked")), str(look.get("said"))) for look in looks
    ]  # a stranger's run may hold any
    return [{"asked": asked, "said": artifacts.text(said)} for asked, said in told if ID.fullmatch(said)]


def looks_told(state: RunState, artifacts: Reader) -> list[str]:
    """Return the looks of this branch as lines for a prompt."""
    return [f"A look into the data: {look['asked']}\n{look['said']}" for look in looked(state, artifacts)]


def printed(execution: Execution) -> str:
    """Return what is told of a look's output: its beginning and its end, or how it ended where it printed nothing."""
    text = without_paths(execution.tail.strip())
    if len(text) > SHOWN:
        half = SHOWN // 2
        text = f"{text[:half]}\n...\n{text[-half:]}"
    if execution.killed:
        return f"{text}\n(stopped: it went over its limit of {execution.killed})".strip()
    return text or "(it printed nothing)"


def kept_here(state: RunState) -> dict[str, str]:
    """Return what marks an item for the history that is made after a look: a model has seen rows, and may say them.

    Where the task lets no row leave the machine, such an item is for tasks alone whose data stay.
    """
    looks = any(isinstance(note, dict) and note.get(KEPT) for note in state.notes.values())
    return {"data": "stays"} if looks else {}
