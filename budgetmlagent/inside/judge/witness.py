"""How a submission differs in kind from the starter's, which the metric takes: the starter is the best witness.

What it predicts may be wrong, and be one value for all rows. Its names, its types and its shapes are right.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from .facts import FEW_ROWS, MANY
from .forms import Column, columns
from .tables import WORD, named, number, plain

Kind = Literal["numbers", "texts", "lists", ""]
MOST = 0.95  # share of the cells that make a column's kind, and of one value that is "nearly all"
RARER = 10  # times less often than the starter predicts anything but the commonest value
WHOLE = re.compile(r"\s*-?\d+\s*")  # probabilities of a starter that is sure of them are 0.0 and 1.0
SEPARATORS = frozenset(";|, ")


def unlike(
    said: Path, shown: Path, known: dict[str, dict[str, Any]], *, scored: bool, fractions: bool
) -> str:
    """Return in what the submission `said` differs from the starter's, `shown`; "" where it is of the same kind.

    `known` are facts about each target. With `scored`, what columns there have to be is left to the metric. `fractions`
    tells that it takes them in the place of labels.
    """
    new, old = columns(said), columns(shown)
    if not new or not old:
        return ""
    if not scored and (problem := names_differ(said.name, list(new), list(old))):
        return problem
    both = [name for name in old if name in new]  # columns of ids, too: they are alike
    odd = (
        column_differs(name, new[name], old[name], known.get(name, {}), fractions=fractions) for name in both
    )
    return next(filter(None, odd), "")


def names_differ(file: str, new: list[str], old: list[str]) -> str:
    """Say that a column, an array or a part of a JSON value is missing, or one too many."""
    if missing := [name for name in old if name not in new]:
        return f"{file} lacks {missing[0][:WORD]!r}, which the starter writes; it has {named(new)}"
    if extra := [name for name in new if name not in old]:
        return f"{file} has {extra[0][:WORD]!r}, which the starter does not write; it writes {named(old)}"
    return ""


def column_differs(name: str, new: Column, old: Column, facts: dict[str, Any], *, fractions: bool) -> str:
    """Say in what the predictions `new` of one column are of another kind than the starter's, `old`."""
    called = f"predictions of {name[:WORD]!r}"
    if new.shape != old.shape:
        return f"the {called} have the shape {list(new.shape)}, the starter's {list(old.shape)}"
    was, now = kind_of(old.cells), kind_of(new.cells)
    if was and now and was != now:
        return f"the {called} are {now}, the starter's are {was}"
    if not was or not now:
        return ""
    if lists(old.cells) > 0.5 and not lists(new.cells):
        return f"the {called} are single values, the starter's are several in a cell"
    if not fractions and labelled(old.cells, facts) and (odd := broken(new.cells)):
        return f"{len(odd)} {called} are no whole numbers, the starter's are whole: labels"
    others, usual = rest(new.cells), min(share(rest(old.cells), old.cells), facts.get("rest", 1.0))
    if len(new.cells) >= FEW_ROWS and share(others, new.cells) < min(1 - MOST, usual / RARER):
        return f"nearly all {called} are the same, {len(new.cells) - others} of {len(new.cells)}; not so the starter's"
    if was == "texts" and "labels" not in facts and few(old.cells) and not set(old.cells) & set(new.cells):
        return f"none of the {called} is a label that the starter writes"
    return ""


def kind_of(cells: list[str]) -> Kind:
    """What nearly all cells that are not empty are, "" where there are none or they differ."""
    told = [cell.strip() for cell in cells if cell.strip()]
    counted = Counter(
        "numbers" if number(c) is not None else "lists" if c[0] in "[{(" else "texts" for c in told
    )
    for kind in ("numbers", "lists", "texts"):
        if counted[kind] > MOST * len(told):
            return kind
    return ""


def lists(cells: list[str]) -> float:
    """The share of cells that hold several words or numbers."""
    return sum(not SEPARATORS.isdisjoint(cell.strip()) for cell in cells) / max(1, len(cells))


def labelled(cells: list[str], facts: dict[str, Any]) -> bool:
    """Whether numbers are labels: few different ones, written as whole, and the training table does not say otherwise."""
    return few(cells) and all(map(WHOLE.fullmatch, cells)) and ("labels" in facts or not facts)


def broken(cells: list[str]) -> list[str]:
    """The numbers that are not whole."""
    return [cell for cell in cells if (value := number(cell)) is not None and not value.is_integer()]


def few(cells: list[str]) -> bool:
    """Whether the cells have several values, but so few that each is a label."""
    return 1 < len(set(cells)) <= min(MANY, len(cells) / 3)


def rest(cells: list[str]) -> int:
    """How many cells hold another value than the commonest."""
    return len(cells) - max(Counter(map(plain, cells)).values(), default=0)


def share(count: int, cells: list[str]) -> float:
    """How large a part of the cells that many are."""
    return count / max(1, len(cells))
