"""Numbers and dates of a new task are written one way, so that every script reads them: 1190.00 and 2020-01-31."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from budgetmlagent.errors import UsageError
from budgetmlagent.inside.briefing import numerals
from budgetmlagent.inside.briefing.moments import ISO, Moment
from budgetmlagent.inside.briefing.numerals import Numeral
from budgetmlagent.inside.briefing.written import Written, missing
from budgetmlagent.new import habits
from budgetmlagent.new.absent import taken
from budgetmlagent.new.corrected import NONE, Corrections
from budgetmlagent.new.metrics import FEW_VALUES, METRICS
from budgetmlagent.new.tablefile import Table

TOLD = 12  # columns that are told one by one
WORDS = frozenset(
    {"None", "NA", "N/A", "n/a", "null", "NULL"}
)  # missing values for pandas, and labels for people
PADDED = re.compile(r"0\d+")  # a whole number with zeros in front: a code, to people
TRUTH = frozenset({"true", "false"})


def spelled(cells: Sequence[str]) -> set[str]:
    """The labels among a target's cells that pandas would take for missing values: no others are numbers or truths."""
    told = {cell for cell in cells if cell.strip() and cell.strip() not in WORDS}
    labels = {cell for cell in told if not missing(cell)}
    if (
        not labels
        or all(cell.strip().lower() in TRUTH for cell in labels)
        or habits.numeric(pd.Series(sorted(labels))).all()
    ):
        return set()
    return {cell for cell in cells if cell.strip() in WORDS}


def padded(table: Table) -> set[str]:
    """The columns with values whose zeros in front are lost where they are read as numbers."""
    return {
        name
        for place, name in enumerate(table.header)
        if any(PADDED.fullmatch(row[place]) for row in table.rows)
    }


def plainly(table: Table, target: str, wanted: str | None, said: Corrections = NONE, time: str = "") -> Table:
    """The table with its numbers and dates written plainly, and notes that say what was done.

    `wanted` is the metric that was asked for, `said` what is known of kind and columns: whole numbers may be labels. `time` is a
    column that gives an order. Raises UsageError where values of the target do not fit to the others, or a column is not what
    is said of it.
    """
    columns = {
        name: pd.Series([row[place] for row in table.rows], dtype=object)
        for place, name in enumerate(table.header)
    }
    forms = habits.forms(columns, table, said, time)
    strict = bool(spelled(columns[target].tolist()))
    notes, changed = list[str](), dict[str, Any]()
    if target in forms or not habits.numeric(columns[target]).all():
        _check_target(target, columns[target], forms.get(target))
    for name, found in forms.items():
        stays = name == target and name not in said.types
        if stays and not _is_value(found, columns[name], wanted, said.kind):
            continue
        cells = _cells(found, columns[name], strict and name != target)
        if not cells.equals(columns[name]):
            changed[name] = cells
            notes += [note] if (note := _note(name, found, columns[name], cells)) else []
    told = habits.doubted(forms, columns) + habits.staying(columns, {target, *forms, *said.types})
    if not changed and not told:
        return table
    rest = [f"{len(notes) - TOLD} more columns are written plainly, too"] * (len(notes) > TOLD)
    columns |= changed
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return replace(table, rows=rows, notes=[*table.notes, *notes[:TOLD], *rest, *told])


def _is_value(found: Written, cells: Any, wanted: str | None, kind: str) -> bool:
    """Whether a target so written is a number: a few whole ones are labels, as they are in any other writing."""
    if isinstance(found.form, Moment) or found.plain:
        return False
    if kind:
        return kind == "regression"
    numbers = found.form.of(cells).dropna()
    whole = bool((numbers == numbers.round()).all())
    return (
        not whole
        or numbers.nunique() > FEW_VALUES
        or (wanted in METRICS and "regression" in METRICS[wanted].kinds)
    )


def _check_target(target: str, cells: Any, found: Written | None) -> None:
    """Raise UsageError where most of the target's values are numbers as people write them, and others are not."""
    if (
        found
        and isinstance(found.form, Moment)
        and cells.nunique() > FEW_VALUES
        and not habits.numeric(cells).all()
    ):
        shown = next(cell for cell in cells if not missing(cell))
        raise UsageError(
            f"--target {target!r}: holds dates, such as {shown!r}; predict a number made of them, such as the days until then"
        )
    if found and (found.plain or isinstance(found.form, Moment)):
        return
    different = [cell for cell in cells.drop_duplicates() if not missing(cell)]
    odd = found.odd if found else numerals.unlike(different) if len(different) > FEW_VALUES else []
    if odd:
        usual = next(cell for cell in different if cell not in set(odd))
        row = cells.tolist().index(odd[0]) + 1
        raise UsageError(
            f"--target {target!r}: {odd[0]!r} in row {row} is not written like {usual!r}; correct or empty it"
            + (f", and {len(odd) - 1} more" if len(odd) > 1 else "")
        )


def _cells(found: Written, cells: Any, strict: bool) -> Any:
    """The cells as scripts read them. With `strict`, words for a missing value must go even where pandas knows them."""
    gone = cells.map(missing)
    if found.plain:
        known = {cell: taken(cell) for cell in cells[gone].drop_duplicates()}
        unknown = gone & (cells.str.strip() != "") & (strict | ~cells.map(known).eq(True))
        odd = cells.isin(found.odd) if found.odd else pd.Series(False, index=cells.index)
        return cells.mask(unknown | odd, "")
    values = found.form.of(cells.mask(gone, ""))
    if isinstance(found.form, Moment):
        texts = _dates(found.form, values)
        return cells if found.form.format == ISO and _one_form(cells[~gone]) else texts
    if isinstance(found.form, Numeral):
        return found.form.texts(cells).where(values.notna(), "")
    return values.map("{:.12g}".format, na_action="ignore").fillna("").astype(object)


def _dates(form: Moment, when: Any) -> Any:
    """Moments as ISO 8601 has them: with times of day and an offset where the cells had them."""
    fine = bool((when.dropna().dt.microsecond != 0).any())
    how = "%Y-%m-%d" + (" %H:%M:%S" if form.timed else "") + (".%f" if form.timed and fine else "")
    return when.dt.strftime(how + ("+00:00" if form.zoned else "")).astype(object).where(when.notna(), "")


def _one_form(cells: Any) -> bool:
    """Whether all dates of ISO 8601 have the same parts: what begins with another one, pandas reads by that one alone."""
    return bool(cells.map(lambda cell: re.sub(r"\d", "0", cell)).nunique() <= 1)


def _note(name: str, found: Written, before: Any, after: Any) -> str:
    """What was done to a column, with its first changed cell, and the first value that did not fit."""
    odd = before.isin(found.odd)
    lost = ""
    if odd.any():
        place = int(odd.to_numpy().argmax())
        first = f"{before[place]!r} in row {place + 1}"
        number = int(odd.sum())
        lost = f"{number} values are left empty as they do not fit, the first {first}"
        lost = lost if number > 1 else f"1 value is left empty as it does not fit, {first}"
    words = sorted({cell for cell in before[(after == "") & ~odd] if cell.strip()} - WORDS)
    gone = f"{', '.join(map(repr, words[:3]))} is read as a missing value" if words else ""
    changed = before[(before != after) & (after != "")]
    how = ""
    if len(changed):
        how = f"{changed.iloc[0]!r} is written {after[changed.index[0]]}"
        words = [found.form.words] if found.form.words else []
        words += [habits.other(name, found)] if found.form.other else []
        how += f" ({', '.join(words)})" if words else ""
    told = "; ".join(part for part in (how, gone, lost) if part)
    return f"{name!r}: {told}" if told else ""
