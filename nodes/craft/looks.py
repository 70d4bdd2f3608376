"""Looks into the data: short scripts that print something, and what they printed, kept in the notes of who ran them."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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
NARROWEST = 200  # characters that are left of a line where not all that was printed has room
PART, LEAST = (
    400,
    200,
)  # characters of an older look where room is scarce, and of one below which it is left out


class Look(NamedTuple):
    """One look, as it is told: the name that it has in this branch, what was asked, what was printed, and its script's artifact id."""

    name: str
    asked: str
    said: str
    script: str = ""  # "" where an earlier version noted it

    @property
    def head(self) -> str:
        """How it begins in a prompt."""
        return f"{self.name[0].upper()}{self.name[1:]} into the data: "


def with_look(state: RunState, node: str, asked: str, said: str, script: str) -> dict[str, Any]:
    """Return the node's own notes with one more look; `said` is the artifact of what it printed, `script` that of itself."""
    own = state.notes.get(node, {})
    look = {"asked": within(asked, ASKED), "said": said, "script": script}
    return {**own, KEPT: [*own.get(KEPT, []), look][-NEWEST:]}


def noted(notes: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the looks in a state's `notes`, oldest first, as {asked, said, script}, the latter two artifact ids or ""."""
    kept = [note.get(KEPT) for note in notes.values() if isinstance(note, dict)]
    looks = [look for part in kept if isinstance(part, list) for look in part if isinstance(look, dict)]
    told = [{key: str(look.get(key, "")) for key in ("asked", "said", "script")} for look in looks]
    # A stranger's run may hold any words.
    return [
        look
        for look in told
        if ID.fullmatch(look["said"]) and (ID.fullmatch(look["script"]) or not look["script"])
    ]


def looked(state: RunState, artifacts: Reader) -> list[Look]:
    """Return the looks into the data in this branch, oldest first."""
    return [
        Look(f"look {number}", look["asked"], artifacts.text(look["said"]), look["script"])
        for number, look in enumerate(noted(state.notes), 1)
    ]


def looks_told(looks: Sequence[Look], room: int | None = None) -> tuple[str, ...]:
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


def needed(looks: Sequence[Look]) -> tuple[int, int]:
    """Return for how many characters there must be room, and should be.

    So many as the newest look has, and a part of each; else, the newest one whole beside a part of each of the others.
    """
    parts, newest = _parts(looks), len(_told(looks[-1])) if looks else 0
    return max(newest, sum(parts)), newest + sum(parts[:-1])


def _parts(looks: Sequence[Look]) -> list[int]:
    return [min(len(_told(look)), PART) for look in looks]


def _told(look: Look, most: int | None = None) -> str:
    """Return a look in at most so many characters: what was asked, and both ends of what was printed."""
    head, asked, said = look.head, look.asked, look.said
    if most is not None and len(head) + len(asked) + len(said) + 1 > most:
        room = most - len(head) - 1
        asked = within(asked, max(room // 3, room - len(said)))
        said = both_ends(said, room - len(asked))
    return f"{head}{asked}\n{said}"


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
    """Return a text without paths of the machine, or its beginning and a note that the rest was cut.

    Where that is enough, the ends of its longest lines are cut instead: a library's words of a failed download are such a line.
    """
    if len(text) > most and (shorter := _narrowed(text.splitlines(), most)):
        return without_paths(shorter)
    return without_paths(within(text, most, f"\n(cut here: {len(text):,} characters in all)"))


def _narrowed(lines: Sequence[str], most: int) -> str:
    """Return lines within `most` characters in all, each as long as they can be, or "" where they would be too short."""

    def needed(width: int) -> int:
        return sum(min(len(line), width) + 1 for line in lines) - 1

    widths = range(NARROWEST, most)
    fits = bisect_right(widths, most, key=needed) - 1
    return "\n".join(within(line, widths[fits]) for line in lines) if fits >= 0 and len(lines) > 1 else ""


def kept_here(state: RunState) -> dict[str, str]:
    """Return what marks an item for the history that is made after a look: a model has seen rows, and may say them.

    Where the task lets no row leave the machine, such an item is for tasks alone whose data stay.
    """
    looks = any(isinstance(note, dict) and note.get(KEPT) for note in state.notes.values())
    return {"data": "stays"} if looks else {}
