"""Changes of a script as blocks: search/replace, which models know, or a whole definition by its name.

They are read strictly, and made only where each is certain.

<<<<<<< SEARCH
lines that stand in the script; `...` alone in a line stands for all between those before and those behind it
=======
lines in their place; where `...` is among them, too, it keeps what it stands for
>>>>>>> REPLACE

<<<<<<< DEF name, or Class.method
its new definition
>>>>>>> REPLACE
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from nodes.craft.definitions import (
    SHOWN,
    Place,
    beside,
    defined_in,
    fitted,
    lacks,
    only_assigned,
    place_of,
    standing_before,
    undeletable,
)
from nodes.craft.replies import said
from nodes.craft.scripts import LONGEST, parse
from nodes.craft.searched import Change, by_lines, unwritten

BEGIN, DIVIDE, END = (
    re.compile(rf"{mark}{{5,9}}{word}[ \t]*\Z")
    for mark, word in (("<", " ?SEARCH"), ("=", ""), (">", " ?REPLACE"))
)
NAMED = re.compile(r"<{5,9} ?(?:DEF|CLASS|def|class)[ \t]+([^\W\d]\w*(?:\.[^\W\d]\w*)*)(?:\(.*)?:?[ \t]*\Z")
MARKS = {"begin": BEGIN, "named": NAMED, "divide": DIVIDE, "end": END}
EXPECTED = {"": ("begin", "named"), "search": ("divide",), "replace": ("end",)}
MOST = 60  # blocks of a reply
TOLD = 5  # blocks that cannot be made and are named, so that one more reply mends them all


class Block(NamedTuple):
    """One change: these lines, wherever they stand, become those; or the definition of `name` does."""

    search: tuple[str, ...]
    replace: tuple[str, ...]
    name: str = ""


def blocks(reply: str) -> list[Block] | str | None:
    """Return the blocks of a reply in their order; None where it has no mark of one, a sentence where they are malformed."""
    text = said(reply)
    if len(text) > LONGEST:
        return None
    found, parts, state = list[Block](), (list[str](), list[str]()), ""
    name, marked = "", False
    for line in text.split("\n"):
        mark = next((kind for kind, form in MARKS.items() if form.match(line)), "")
        if state == "" and mark not in ("begin", "named"):
            marked |= mark == "end"
            continue
        if mark and mark not in EXPECTED[state]:
            return f"block {len(found) + 1} is malformed: a line {line[:SHOWN]!r} stands where it may not"
        if not mark:
            parts[state == "replace"].append(line)
        elif mark == "end":
            found.append(Block(tuple(parts[0]), tuple(parts[1]), name))
            state = ""
        elif mark == "divide":
            state = "replace"
        else:
            named = NAMED.match(line)
            parts, name, state = ([], []), named[1] if named else "", "replace" if named else "search"
    if state:
        return f"block {len(found) + 1} has no end: its {'>>>>>>> REPLACE' if state == 'replace' else '======='} is missing"
    if len(found) > MOST:
        return f"there are {len(found)} blocks; at most {MOST} are taken"
    if marked:
        return "a block has no beginning: its <<<<<<< SEARCH or <<<<<<< DEF NAME is missing"
    return found or None


def applied(script: str, changes: Sequence[Block]) -> tuple[str, str]:
    """Return the script with all changes made, and ""; or "" and what says which of them cannot be made.

    Each is looked for in the script as it was: line by line, trailing blanks do not count, or by its name. It must be there
    exactly once, and no two may meet.
    """
    lines = script.split("\n")
    numbered = [*enumerate(changes, 1)]
    at = [_where(number, block, script, lines) for number, block in numbered]
    # Names that the script sets in lines that no block takes away.
    others = defined_in(script, [(place[0], place[1]) for place in at if not isinstance(place, str)])
    found = [
        _by_name(number, block, script, place, others) if isinstance(place, Place) else place
        for (number, block), place in zip(numbered, at, strict=True)
    ]
    if wrong := [place for place in found if isinstance(place, str)]:
        more = f"; {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        return "", "; ".join(wrong[:TOLD]) + more
    places = [place for place in found if not isinstance(place, str)]
    if any(begin < end for (_, end, _), (begin, _, _) in pairwise(sorted(places))):
        return "", "two blocks change the same lines: make one of them"
    changed = _changed(lines, places)
    broken = _broken(changed, lines, places, changes)
    return ("", broken) if broken else (changed, "")


def _where(number: int, block: Block, script: str, lines: Sequence[str]) -> Place | Change | str:
    """Return where the definition of a block stands, or its lines, with those in their place; else what is wrong."""
    if not block.name:
        return by_lines(number, block.search, block.replace, lines)
    place = place_of(script, block.name)
    return f"block {number}: {block.name[:SHOWN]} {place}" if isinstance(place, str) else place


def _broken(changed: str, lines: Sequence[str], places: Sequence[Change], changes: Sequence[Block]) -> str:
    """Return what new definitions break in the script as all blocks together have `changed` it; "" for nothing."""
    if any(block.name for block in changes) and parse(changed) is None:
        return "with all blocks the script does not parse: a definition is left without a body"
    for number, block in enumerate(changes, 1):
        if block.name and any(map(str.strip, block.replace)) and lacks(changed, block.name):
            return f"block {number}: the new {block.name} does not define it, and it is still used"
        if name := _set_by_others(lines, places, number, block):
            what = f"the new {block.name} defines {name}, too, which another block sets"
            return f"block {number}: {what}: it needs another name"
    return ""


def _changed(lines: Sequence[str], places: Iterable[Change]) -> str:
    """Return the script with the new lines in their places."""
    new = list(lines)
    for begin, end, in_place in sorted(places, reverse=True):
        new[begin:end] = in_place
    return "\n".join(new)


def _set_by_others(lines: Sequence[str], places: Sequence[Change], number: int, block: Block) -> str:
    """Return a name that a block sets beside its definition and that what is around it sets, too, with all blocks; "" for none."""
    names = beside(block.replace, block.name) if block.name and "." not in block.name else []
    if not names:
        return ""
    begin, end, _ = places[number - 1]
    around = _changed(lines, [*places[: number - 1], (begin, end, ()), *places[number:]])
    known, text = defined_in(around), "\n".join(block.replace)
    clashes = [name for name in names if name in known]
    return next(
        (name for name in clashes if not all(only_assigned(name, each) for each in (text, around))), ""
    )


def _by_name(number: int, block: Block, script: str, place: Place, others: Collection[str]) -> Change | str:
    """Return the lines of a definition, and its new ones, none where it is deleted; else what is wrong; `others` are names that stay."""
    name = block.name[:SHOWN]
    if not any(line.strip() for line in block.replace):
        wrong = undeletable(script, place)
        return f"block {number}: {name} {wrong}" if wrong else (place.begin, place.end, ())
    if wrong := unwritten(number, block.replace, script.split("\n")[place.begin : place.end]):
        return wrong
    new = fitted(block.replace, block.name, place, others, standing_before(script, place))
    if isinstance(new, str):
        return f"block {number}: the new {name} {new}"
    return place.begin, place.end, tuple(new)
