"""How the columns of a file are written, each in the light of the others, and what is to be said where that leaves a doubt."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from budgetmlagent.inside.briefing import numerals, written
from budgetmlagent.inside.briefing.numbered import counted
from budgetmlagent.inside.briefing.numerals import Habit, Numeral
from budgetmlagent.inside.briefing.written import Written, missing
from budgetmlagent.new.corrected import Corrections, form_of
from budgetmlagent.new.metrics import FEW_VALUES
from budgetmlagent.new.tablefile import Table
from budgetmlagent.wording import some

TOLD = 3  # columns of one doubt that are told one by one
SHOWN = 12  # columns of quantities in several units that are told
LOOKED_AT = 200  # different values by which quantities that are not read are told from words
# A number of Python that may be one with a mark of thousands.
UNSURE = re.compile(r"\s*[-+]?\d{1,3}(?:\.\d{3})?\s*")


def forms(columns: Mapping[str, Any], table: Table, said: Corrections, time: str) -> dict[str, Written]:
    """How the numbers and dates of each column are written, words and plain numbers left out."""
    habit = Habit(free=table.free)
    found = {
        name: form_of(name, columns[name], said.types[name], habit, said.ways.get(name, ""))
        for name in said.of("number", "date")
    }
    judged = set[str]()  # by the ways in which people write, which other columns tell more of
    for name, cells in columns.items():
        if name in said.types:
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        plain = cells[numbers.isna()].map(missing).all()
        if plain and (dated := counted(name, numbers.astype(float), wanted=name == time)):
            found[name] = Written(dated, [])
        elif not (plain and _sure(cells)) and (form := written.judged(cells, habit)):
            found[name] = form
            judged.add(name)
    settled = written.settled(found.values(), habit)
    unsure = [form.form for form in found.values() if isinstance(form.form, Numeral) and form.form.unsure]
    others = (columns[name] for name in columns if name not in found)
    points = bool(unsure) and not settled.decimal and any(map(_pointed, others))
    settled = replace(settled, hint=_hint(unsure, table, points))
    for name in judged:
        if found[name].form.unsure:
            form = (written.judged(columns[name], settled) if settled != habit else None) or found[name]
            found[name] = _certain(form) if points else form
    return {name: found[name] for name in columns if name in found}


def _pointed(cells: Any) -> bool:
    """Whether a column of plain numbers certainly has decimal points."""
    known = cells[cells.str.contains(".", regex=False)].drop_duplicates().head(200)
    return bool(numeric(known).all()) and any(numerals.surely_decimal(cell.strip()) == "." for cell in known)


def _certain(written: Written) -> Written:
    """How a column is written without a doubt where the decimal mark is a point, as it is in other columns."""
    form = written.form
    as_said = isinstance(form, Numeral) and form.other == ("thousands" if form.mark == "." else "decimal")
    return replace(written, form=replace(form, other="")) if as_said else written


def _hint(unsure: Sequence[Numeral], table: Table, points: bool) -> str:
    """The decimal mark that the marks before three digits in a file, and what parts its cells, speak for; "" for none.

    Other columns may certainly have decimal `points`; beside semicolons these say little, since places on earth have them in
    any file. All numbers of a file with three digits behind a point may be measured so; those of a single column are rather
    counted, unless all have as many digits before it.
    """
    if points:
        return "" if table.semicolon else "."
    used = {form.mark for form in unsure}
    uneven = [form for form in unsure if form.mark == "." and not form.even]
    alone = sum(form.mark == "." for form in unsure) == 1
    told = {form.mark for form in unsure if form.other == "decimal" and (table.free or form.mark == ".")}
    if len(told) == 1:
        return "," if told == {"."} else "."
    if table.semicolon:
        return "," if "," in used or (alone and uneven) or any(form.long for form in uneven) else ""
    return "." if len(used) > 1 or any(form.long for form in unsure if form.mark == ",") else ""


def numeric(cells: Any) -> Any:
    """Whether each cell that has a value is a number of Python."""
    return pd.to_numeric(cells[cells.str.strip() != ""], errors="coerce").notna()


def _sure(cells: Any) -> bool:
    """Whether pandas certainly reads a column of numbers, and of missing values that it knows, rightly."""
    words = {
        cell for cell in cells[pd.to_numeric(cells, errors="coerce").isna()].drop_duplicates() if cell.strip()
    }
    known = cells[cells != ""].head(200)
    marked = known.str.fullmatch(UNSURE).all() and cells.str.contains(".", regex=False).any()
    return not marked and not words


def doubted(found: Mapping[str, Written], columns: Mapping[str, Any]) -> list[str]:
    """What is to be said of numbers that pandas reads as they stand, though they may be others."""
    names = [name for name, form in found.items() if form.plain and form.form.other]
    if len(names) > TOLD:
        shown = some(names, TOLD)
        return [f"read with a decimal point, {other(names[0], found[names[0]])}, and so on: {shown}"]
    first = {name: next(cell for cell in columns[name] if "." in cell) for name in names}
    return [
        f"{name!r}: {first[name]!r} is read with a decimal point, {other(name, found[name])}"
        for name in names
    ]


def other(name: str, found: Written) -> str:
    """How a column may be read as well, with the option that says so."""
    way = found.form.other
    option = f"--as {shlex.quote(f'{name}={way}')}"
    if isinstance(found.form, Numeral):
        what = "a mark of thousands" if way == "thousands" else "the decimal mark"
        return f"though it may be {what}: {option}"
    return f"as {option} says"


def staying(columns: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Columns of quantities that are written in several ways, so that they stay words; none of those `known`."""
    notes = []
    for name, cells in columns.items():
        kinds = [] if name in known else cells.drop_duplicates().head(LOOKED_AT)
        different = [cell for cell in kinds if not missing(cell)]
        if len(different) > FEW_VALUES and (found := written.unread(different)):
            odd, usual = found
            why = f"is not written like {usual!r}" if usual else "is no number that is known"
            notes.append(f"{name!r} stays words: {odd!r} in row {cells.tolist().index(odd) + 1} {why}")
    return notes[:SHOWN]
