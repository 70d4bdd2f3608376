"""Changes of a script as search/replace blocks, which models know: read strictly, made only where each is certain.

<<<<<<< SEARCH
lines that stand in the script
=======
lines in their place
>>>>>>> REPLACE
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from nodes.craft.replies import said
from nodes.craft.scripts import LONGEST

BEGIN, DIVIDE, END = (
    re.compile(rf"{mark}{{5,9}}{word}[ \t]*\Z")
    for mark, word in (("<", " ?SEARCH"), ("=", ""), (">", " ?REPLACE"))
)
MOST = 60  # blocks of a reply
SHOWN = 80  # characters of a line that a fault names


class Block(NamedTuple):
    """One change: these lines, wherever they stand, become those."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


def blocks(reply: str) -> list[Block] | str | None:
    """Return the blocks of a reply in their order; None where it has no mark of one, a sentence where they are malformed."""
    text = said(reply)
    if len(text) > LONGEST:
        return None
    found, parts, state = list[Block](), (list[str](), list[str]()), ""
    marked = False
    for line in text.split("\n"):
        mark = next(
            (name for name, form in (("begin", BEGIN), ("divide", DIVIDE), ("end", END)) if form.match(line)),
            "",
        )
        if state == "" and mark != "begin":
            marked |= mark == "end"
            continue
        expected = {"": "begin", "search": "divide", "replace": "end"}[state]
        if mark and mark != expected:
            return f"block {len(found) + 1} is malformed: a line {line[:SHOWN]!r} stands where it may not"
        if not mark:
            parts[state == "replace"].append(line)
        elif mark == "begin":
            parts, state = ([], []), "search"
        elif mark == "divide":
            state = "replace"
        else:
            found.append(Block(tuple(parts[0]), tuple(parts[1])))
            state = ""
    if state:
        return f"block {len(found) + 1} has no end: its {'>>>>>>> REPLACE' if state == 'replace' else '======='} is missing"
    if len(found) > MOST:
        return f"there are {len(found)} blocks; at most {MOST} are taken"
    return found or ("a block has no beginning: its <<<<<<< SEARCH is missing" if marked else None)


def applied(script: str, changes: Sequence[Block]) -> tuple[str, str]:
    """Return the script with all changes made, and ""; or "" and a sentence that says which of them cannot be made.

    Each is looked for in the script as it was, line by line; trailing blanks do not count. It must stand there exactly once,
    and no two may meet.
    """
    lines = script.split("\n")
    bare = [line.rstrip() for line in lines]
    places: list[tuple[int, int, Block]] = []
    for number, block in enumerate(changes, 1):
        search = [line.rstrip() for line in block.search]
        if not any(search):
            return "", f"block {number} has nothing to search for"
        at = [i for i in range(len(bare) - len(search) + 1) if bare[i : i + len(search)] == search]
        if len(at) != 1:
            first = next(line for line in search if line)[:SHOWN]
            how = (
                f"stands {len(at)} times in the script: add lines around it"
                if at
                else "does not stand in the script"
            )
            return "", f"what block {number} searches for, beginning with {first!r}, {how}"
        places.append((at[0], at[0] + len(search), block))
    places.sort()
    for (_, end, _), (begin, _, _) in pairwise(places):
        if begin < end:
            return "", "two blocks change the same lines: make one of them"
    for begin, end, block in reversed(places):
        lines[begin:end] = block.replace
    return "\n".join(lines), ""
