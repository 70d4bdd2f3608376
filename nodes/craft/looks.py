"""Looks into the data: short scripts that print something, and what they printed, kept in the notes of who ran them."""

import re
from typing import Any

from memory.attempts import Reader
from memory.state import RunState
from nodes.craft.fingerprint import without_paths
from nodes.craft.within import within
from nodes.deps import Execution

LOOK = "look"  # the action
KEPT = "looks"  # in a node's notes
NEWEST = 3
ID = re.compile("[0-9a-f]{64}")
ASKED, SHOWN = 400, 2_000  # characters of what was asked, and of what was printed
ENDED = 300  # of these for how a script ended that failed


def with_look(state: RunState, node: str, asked: str, said: str) -> dict[str, Any]:
    """Return the node's own notes with one more look; `said` is the artifact of what it printed."""
    own = state.notes.get(node, {})
    return {**own, KEPT: [*own.get(KEPT, []), {"asked": within(asked, ASKED), "said": said}][-NEWEST:]}


def looked(state: RunState, artifacts: Reader) -> list[dict[str, str]]:
    """Return what was asked of the data in this branch, oldest first, and what was printed: {asked, said}."""
    notes = [note.get(KEPT) for note in state.notes.values() if isinstance(note, dict)]
    looks = [look for kept in notes if isinstance(kept, list) for look in kept if isinstance(look, dict)]
    told = [
        (str(look.get("asked")), str(look.get("said"))) for look in looks
    ]  # a stranger's run may hold any
    return [{"asked": asked, "said": artifacts.text(said)} for asked, said in told if ID.fullmatch(said)]


def looks_told(state: RunState, artifacts: Reader) -> list[str]:
    """Return the looks of this branch, oldest first, each as it is told in a prompt."""
    return [f"A look into the data: {look['asked']}\n{look['said']}" for look in looked(state, artifacts)]


def printed(execution: Execution, output: str = "") -> str:
    """Return what is told of a look's `output`, all of it or the end that its execution keeps, and how it ended where it failed."""
    text = (output or execution.tail).strip()
    if execution.killed:
        end = f"(stopped: it went over its limit of {execution.killed})"
    else:
        end = without_paths(execution.tail.strip())[-ENDED:] if execution.exit and len(text) > SHOWN else ""
    told = "\n".join(filter(None, [cut(text, SHOWN - len(end)), end]))
    return told or "(it printed nothing)"


def cut(text: str, most: int) -> str:
    """Return a text without paths of the machine, or its beginning and a note that the rest was cut."""
    note = f"\n(cut here: {len(text):,} characters in all)"
    return without_paths(within(text, most, note))


def kept_here(state: RunState) -> dict[str, str]:
    """Return what marks an item for the history that is made after a look: a model has seen rows, and may say them.

    Where the task lets no row leave the machine, such an item is for tasks alone whose data stay.
    """
    looks = any(isinstance(note, dict) and note.get(KEPT) for note in state.notes.values())
    return {"data": "stays"} if looks else {}
