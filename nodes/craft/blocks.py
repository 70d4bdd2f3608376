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
    place_of,
    standing_before,
    undeletable,
)
from nodes.craft.replies import said
from nodes.craft.scripts import LONGEST, parse

BEGIN, DIVIDE, END = (
    re.compile(rf"{mark}{{5,9}}{word}[ \t]*\Z")
    for mark, word in (("<", " ?SEARCH"), ("=", ""), (">", " ?REPLACE"))
)
NAMED = re.compile(r"<{5,9} ?(?:DEF|CLASS|def|class)[ \t]+([^\W\d]\w*(?:\.[^\W\d]\w*)*)(?:\(.*)?:?[ \t]*\Z")
MARKS = {"begin": BEGIN, "named": NAMED, "divide": DIVIDE, "end": END}
EXPECTED = {"": ("begin", "named"), "search": ("divide",), "replace": ("end",)}
GAP = "..."  # a line that stands for all lines between those around it, where the script has it not
MOST = 60  # blocks of a reply
TOLD = 5  # blocks that cannot be made and are named, so that one more reply mends them all


class Block(NamedTuple):
    """One change: these lines, wherever they stand, become those; or the definition of `name` does."""

    search: tuple[str, ...]
    replace: tuple[str, ...]
    name: str = ""


# The lines of a script from the first on, until the second; those in their place.
Change = tuple[int, int, tuple[str, ...]]


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
    named = {number: place_of(script, block.name) for number, block in numbered if block.name}
    by_lines = {number: _by_lines(number, block, lines) for number, block in numbered if not block.name}
    at = [place for place in (*named.values(), *by_lines.values()) if not isinstance(place, str)]
    # Names that the script sets in lines that no block takes away.
    others = defined_in(script, [(place[0], place[1]) for place in at])
    found = [
        _by_name(number, block, script, named[number], others) if block.name else by_lines[number]
        for number, block in numbered
    ]
    if wrong := [place for place in found if isinstance(place, str)]:
        more = f"; {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        return "", "; ".join(wrong[:TOLD]) + more
    places = [place for place in found if not isinstance(place, str)]
    for (_, end, _), (begin, _, _) in pairwise(sorted(places)):
        if begin < end:
            return "", "two blocks change the same lines: make one of them"
    changed = _changed(lines, places)
    if any(block.name for block in changes) and parse(changed) is None:
        return "", "with all blocks the script does not parse: a definition is left without a body"
    for number, block in enumerate(changes, 1):
        if block.name and any(map(str.strip, block.replace)) and lacks(changed, block.name):
            return "", f"block {number}: the new {block.name} does not define it, and it is still used"
        if name := _set_by_others(lines, places, number, block):
            what = f"the new {block.name} defines {name}, too, which another block sets"
            return "", f"block {number}: {what}: it needs another name"
    return changed, ""


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
    around = defined_in(_changed(lines, [*places[: number - 1], (begin, end, ()), *places[number:]]))
    return next((name for name in names if name in around), "")


def _by_lines(number: int, block: Block, lines: Sequence[str]) -> Change | str:
    """Return where a block's lines stand, and those in their place; else what is wrong."""
    search, bare = ([line.rstrip() for line in part] for part in (block.search, lines))
    if not any(search):
        return f"block {number} has nothing to search for"
    head, tail = _around_gap(search)
    if tail and not _places(search, bare):
        begin = _place(number, head, bare)
        if isinstance(begin, str):
            return begin
        inner = begin + len(head)
        between = _place(number, tail, bare[inner:], f" behind the line {GAP!r}")
        if isinstance(between, str):
            return between
        kept = lines[inner : inner + between]
        wrong = _unwritten(number, block, search)
        return wrong or (begin, inner + between + len(tail), _with_gap(block.replace, kept))
    begin = _place(number, search, bare)
    if isinstance(begin, str):
        return begin
    return _unwritten(number, block, search) or (begin, begin + len(search), block.replace)


def _unwritten(number: int, block: Block, old: Sequence[str]) -> str:
    """Return what is wrong where the new lines of a block have more gaps than the `old` ones; "" where they have not.

    Such a line is valid Python: what it was to stand for would be lost without a word.
    """
    if sum(line.strip() == GAP for line in block.replace) <= sum(line.strip() == GAP for line in old):
        return ""
    return f"block {number}: a line {GAP!r} among the new ones stands for nothing that is left out of the old ones: write those lines"


def _around_gap(search: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the lines before the gap, and those behind it; all and none where there is none that has lines on both sides."""
    at = [i for i, line in enumerate(search) if line.strip() == GAP]
    if len(at) != 1 or not any(search[: at[0]]) or not any(search[at[0] + 1 :]):
        return search, ()
    return search[: at[0]], search[at[0] + 1 :]


def _with_gap(replace: Sequence[str], kept: Sequence[str]) -> tuple[str, ...]:
    """Return the new lines, with what the gap stood for in the place of the first one among them."""
    at = next((i for i, line in enumerate(replace) if line.strip() == GAP), None)
    return tuple(replace) if at is None else (*replace[:at], *kept, *replace[at + 1 :])


def _place(number: int, search: Sequence[str], bare: Sequence[str], where: str = "") -> int | str:
    """Return the one place of these lines; else what is wrong."""
    at = _places(search, bare)
    if len(at) == 1:
        return at[0]
    first = next(line for line in search if line)[:SHOWN]
    how = f"stands {len(at)} times in the script{where}: add lines around it"
    how = how if at else f"does not stand in the script{where}"
    return f"what block {number} searches for, beginning with {first!r}, {how}"


def _places(search: Sequence[str], bare: Sequence[str]) -> list[int]:
    return [i for i in range(len(bare) - len(search) + 1) if bare[i : i + len(search)] == search]


def _by_name(
    number: int, block: Block, script: str, place: Place | str, others: Collection[str]
) -> Change | str:
    """Return the lines of a definition, and its new ones, none where it is deleted; else what is wrong; `others` are names that stay."""
    name = block.name[:SHOWN]
    if isinstance(place, str):
        return f"block {number}: {name} {place}"
    if not any(line.strip() for line in block.replace):
        wrong = undeletable(script, place)
        return f"block {number}: {name} {wrong}" if wrong else (place.begin, place.end, ())
    if wrong := _unwritten(number, block, script.split("\n")[place.begin : place.end]):
        return wrong
    new = fitted(block.replace, block.name, place, others, standing_before(script, place))
    return (
        f"block {number}: the new {name} {new}"
        if isinstance(new, str)
        else (place.begin, place.end, tuple(new))
    )
