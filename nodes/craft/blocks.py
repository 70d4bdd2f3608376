"""Changes of a script as blocks: search/replace, which models know, or a whole definition by its name.

They are read strictly, and made only where each is certain.

<<<<<<< SEARCH
lines that stand in the script
=======
lines in their place
>>>>>>> REPLACE

<<<<<<< DEF name, or Class.method
its new definition
>>>>>>> REPLACE
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from nodes.craft.definitions import SHOWN, defined_in, fitted, lacks, place_of, standing_before, undeletable
from nodes.craft.replies import said
from nodes.craft.scripts import LONGEST, parse

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
    bare = [line.rstrip() for line in lines]
    found = [
        _by_name(number, block, script) if block.name else _by_lines(number, block, bare)
        for number, block in enumerate(changes, 1)
    ]
    if wrong := [place for place in found if isinstance(place, str)]:
        more = f"; {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        return "", "; ".join(wrong[:TOLD]) + more
    places = sorted(place for place in found if not isinstance(place, str))
    for (_, end, _), (begin, _, _) in pairwise(places):
        if begin < end:
            return "", "two blocks change the same lines: make one of them"
    for begin, end, new in reversed(places):
        lines[begin:end] = new
    changed = "\n".join(lines)
    if any(block.name for block in changes) and parse(changed) is None:
        return "", "with all blocks the script does not parse: a definition is left without a body"
    for number, block in enumerate(changes, 1):
        if block.name and any(map(str.strip, block.replace)) and lacks(changed, block.name):
            return "", f"block {number}: the new {block.name} does not define it, and it is still used"
    return changed, ""


def _by_lines(number: int, block: Block, bare: Sequence[str]) -> Change | str:
    """Return where a block's lines stand, and those in their place; else what is wrong."""
    search = [line.rstrip() for line in block.search]
    if not any(search):
        return f"block {number} has nothing to search for"
    at = [i for i in range(len(bare) - len(search) + 1) if bare[i : i + len(search)] == search]
    if len(at) == 1:
        return at[0], at[0] + len(search), block.replace
    first = next(line for line in search if line)[:SHOWN]
    how = (
        f"stands {len(at)} times in the script: add lines around it" if at else "does not stand in the script"
    )
    return f"what block {number} searches for, beginning with {first!r}, {how}"


def _by_name(number: int, block: Block, script: str) -> Change | str:
    """Return the lines of a definition, and its new ones, none where it is deleted; else what is wrong."""
    name = block.name[:SHOWN]
    place = place_of(script, block.name)
    if isinstance(place, str):
        return f"block {number}: {name} {place}"
    if not any(line.strip() for line in block.replace):
        wrong = undeletable(script, place)
        return f"block {number}: {name} {wrong}" if wrong else (place.begin, place.end, ())
    new = fitted(block.replace, block.name, place, defined_in(script), standing_before(script, place))
    return (
        f"block {number}: the new {name} {new}"
        if isinstance(new, str)
        else (place.begin, place.end, tuple(new))
    )
