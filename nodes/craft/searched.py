"""Where the lines that a block searches for stand in a script, and the new ones in their place.

They are compared line by line, and trailing blanks do not count. A line `...` stands for all lines between those around it,
where the script has it not.
"""

from collections.abc import Sequence

from nodes.craft.definitions import SHOWN

GAP = "..."

# The lines of a script from the first on, until the second; those in their place.
Change = tuple[int, int, tuple[str, ...]]


def by_lines(
    number: int, search: Sequence[str], replace: tuple[str, ...], lines: Sequence[str]
) -> Change | str:
    """Return where the lines of block `number` stand, and those in their place; else what is wrong."""
    old, bare = ([line.rstrip() for line in part] for part in (search, lines))
    if not any(old):
        return f"block {number} has nothing to search for"
    head, tail = (old, []) if _places(old, bare) else _around_gap(old)
    begin = _place(number, head, bare)
    if isinstance(begin, str):
        return begin
    gap = end = begin + len(head)
    new = replace
    if tail:
        between = _place(number, tail, bare[gap:], f" behind the line {GAP!r}")
        if isinstance(between, str):
            return between
        new = _with_gap(replace, lines[gap : gap + between])
        end = gap + between + len(tail)
    return unwritten(number, replace, old) or (begin, end, new)


def unwritten(number: int, replace: Sequence[str], old: Sequence[str]) -> str:
    """Return what is wrong where the new lines of a block have more gaps than the `old` ones; "" where they have not.

    Such a line is valid Python: what it was to stand for would be lost without a word.
    """
    if sum(line.strip() == GAP for line in replace) <= sum(line.strip() == GAP for line in old):
        return ""
    return f"block {number}: a line {GAP!r} among the new ones stands for nothing that is left out of the old ones: write those lines"


def _around_gap(search: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines before the gap, and those behind it; all and none where there is none that has lines on both sides."""
    at = [i for i, line in enumerate(search) if line.strip() == GAP]
    if len(at) != 1 or not any(search[: at[0]]) or not any(search[at[0] + 1 :]):
        return search, []
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
