"""Looks into the data: short scripts that print something, and what they printed, kept in the notes of who ran them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from memory.attempts import Reader
from memory.state import RunState
from nodes.craft.fingerprint import without_paths
from nodes.craft.output import both_ends
from nodes.craft.within import within
from nodes.deps import Execution

LOOK = "look"  # the action
KEPT = "looks"  # in a node's notes
NEWEST = 3
ID = re.compile("[0-9a-f]{64}")
ASKED, SHOWN = 400, 2_000  # characters of what was asked, and of what was printed
ENDED = 300  # of these for how a script ended that failed
HEAD = "A look into the data: "
PART, LEAST = (
    400,
    200,
)  # characters of an older look where room is scarce, and of one below which it is left out


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


def looks_told(looks: Sequence[Mapping[str, str]], room: int | None = None) -> tuple[str, ...]:
    """Return looks, oldest first, each as it is told in a prompt; where `room` is scarce, of the older ones what tells most.

    Of those that have no room at all it is said that there were some.
    """
    if room is None:
        return tuple(_told(look) for look in looks)
    kept, parts = list[str](), _parts(looks)
    for older in reversed(range(len(looks))):
        most = min(room, max(PART, room - sum(parts[:older])))
        if most < LEAST:
            return (f"(Earlier looks that have no room here: {older + 1}.)", *kept[::-1])
        kept.append(_told(looks[older], most))
        room -= len(kept[-1])
    return tuple(kept[::-1])


def needed(looks: Sequence[Mapping[str, str]]) -> tuple[int, int]:
    """Return for how many characters there must be room, and should be.

    So many as the newest look has, and a part of each; else, the newest one whole beside a part of each of the others.
    """
    parts, newest = _parts(looks), len(_told(looks[-1])) if looks else 0
    return max(newest, sum(parts)), newest + sum(parts[:-1])


def _parts(looks: Sequence[Mapping[str, str]]) -> list[int]:
    return [min(len(_told(look)), PART) for look in looks]


def _told(look: Mapping[str, str], most: int | None = None) -> str:
    """Return a look in at most so many characters: what was asked, and both ends of what was printed."""
    asked, said = look["asked"], look["said"]
    if most is not None and len(asked) + len(said) + len(HEAD) + 1 > most:
        room = most - len(HEAD) - 1
        asked = within(asked, max(room // 3, room - len(said)))
        said = both_ends(said, room - len(asked))
    return f"{HEAD}{asked}\n{said}"


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
