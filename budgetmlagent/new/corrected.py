"""What a person says of a table that the program would decide otherwise: which columns go, and what the others are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

import pandas as pd

from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.inside.briefing import written
from budgetmlagent.inside.briefing.moments import MOST_ODD, Moment, moment, stated
from budgetmlagent.inside.briefing.numbered import counted
from budgetmlagent.inside.briefing.numerals import Habit, numeral, surely_decimal
from budgetmlagent.inside.briefing.quantities import quantity
from budgetmlagent.inside.briefing.written import Written, missing
from budgetmlagent.new.tablefile import Table, named
from budgetmlagent.tasks.taskfile import nearest
from budgetmlagent.wording import one_of

Type = Literal["number", "category", "text", "date", "id"]
Wanted = Literal["", "classification", "regression"]
TYPES: tuple[Type, ...] = get_args(Type)
# Ways of writing that a person may name in the place of a type: "15:39" and "1.234" can be read in two ways.
WAYS: dict[str, Type] = {"decimal": "number", "thousands": "number", "h:m": "number", "m:s": "number"}
CODE = "_"  # before a number that is a code: a script reads it as a word


@dataclass(frozen=True)
class Corrections:
    """`types` by column, and in `ways` how numbers or dates are written there; `kind` "" where the target decides."""

    kind: Wanted = ""
    drop: tuple[str, ...] = ()
    types: dict[str, Type] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)

    def of(self, *types: Type) -> list[str]:
        """The columns that are said to be of one of these types."""
        return [name for name, said in self.types.items() if said in types]

    def check(self, header: Sequence[str], used: Sequence[str]) -> None:
        """Raise UsageError where a column is not in the header, or is dropped and `used` as the target, group or time."""
        for option, names in (("--drop", self.drop), ("--as", tuple(self.types))):
            for name in names:
                if name not in header:
                    raise UsageError(
                        f"{option} {name!r}: no such column; {nearest(name, list(header))}see --data"
                    )
        for name in self.drop:
            if name in used or name in self.types:
                raise UsageError(
                    f"--drop {name!r}: another option uses this column; leave one of the two out"
                )
        if used[0] in self.types and WAYS.get(self.ways.get(used[0], "")) != self.types[used[0]]:
            raise UsageError(
                f"--as {used[0]!r}: is the target; --kind says what it is, {', '.join(WAYS)} how it is written"
            )
        if len(self.of("id")) > 1:
            raise UsageError(f"--as: {', '.join(self.of('id'))} cannot all be the row id; choose one")


NONE = Corrections()


def parsed(
    kind: str, drop: Sequence[str], types: Sequence[str], texts: Sequence[str], dates: Sequence[str]
) -> Corrections:
    """Corrections as they are typed: `types` are COLUMN=TYPE, `dates` COLUMN or COLUMN=FORMAT. Raises UsageError."""
    if kind not in get_args(Wanted):
        raise OptionError("kind", kind, one_of(get_args(Wanted)[1:], kind))
    said: dict[str, Type] = {}
    ways: dict[str, str] = {}
    dated = [name if re.search("=.*%", name) else f"{name}=date" for name in dates]
    for pair in [*types, *(f"{name}=text" for name in texts), *dated]:
        name, mark, word = pair.rpartition("=")
        name = named(name)
        way = word if word in WAYS or "%" in word else ""
        type_ = "date" if "%" in word else WAYS.get(word, word)
        if not mark or type_ not in TYPES:
            hint = nearest(word, [*TYPES, *WAYS]) if mark else ""
            raise UsageError(
                f"--as {pair!r}: write COLUMN=TYPE; {hint}The types are {', '.join([*TYPES, *WAYS])},"
                " or the format of dates, such as %d.%m.%Y"
            )
        if (said.get(name, type_), ways.get(name, way)) != (type_, way):
            raise UsageError(f"--as {pair!r}: is said to be {ways.get(name) or said[name]}, too; choose one")
        said[name] = type_
        ways |= {name: way} if way else {}
    return Corrections(cast("Wanted", kind), tuple(dict.fromkeys(map(named, drop))), said, ways)


def without(table: Table, names: Sequence[str]) -> Table:
    """The table without the columns `names`."""
    kept = [place for place, name in enumerate(table.header) if name not in names]
    return replace(
        table,
        header=[table.header[place] for place in kept],
        rows=[[row[place] for place in kept] for row in table.rows],
    )


def coded(table: Table, names: Sequence[str]) -> Table:
    """The table with a mark before the values of `names` that scripts would read as numbers."""
    places = [table.header.index(name) for name in names]
    notes = list(table.notes)
    rows = table.rows
    for place in places:
        cells = [row[place] for row in rows]
        known = next((cell for cell in cells if not missing(cell)), "")
        if pd.to_numeric(pd.Series([c for c in cells if not missing(c)]), errors="coerce").notna().any():
            rows = [
                [*r[:place], r[place] if missing(r[place]) else CODE + r[place], *r[place + 1 :]]
                for r in rows
            ]
            notes.append(
                f"{table.header[place]!r}: {known!r} is written {CODE + known}, since it is no number"
            )
    return replace(table, rows=rows, notes=notes)


def form_of(name: str, cells: Any, said: Type, habit: Habit, way: str = "") -> Written:
    """How a column is written that is said to hold numbers or dates, in this `way` if one is said.

    Raises UsageError where it does not.
    """
    different = [cell for cell in cells.drop_duplicates() if not missing(cell)]
    if way:
        return _stated(name, cells, different, way)
    found = written.judged(cells, habit)
    if said == "number":
        if found and not isinstance(found.form, Moment):
            return found
        numbers = pd.to_numeric(pd.Series(different, dtype=object), errors="coerce").notna().tolist()
        odd = [cell for cell, number in zip(different, numbers, strict=True) if not number]
        plain = numeral([cell for cell in different if cell not in set(odd)], habit)
        if not plain or len(odd) * 2 > len(different):
            raise UsageError(_unfit(name, cells, odd or different, "a number"))
        return Written(plain[0], odd)
    if found and isinstance(found.form, Moment):
        return found
    if form := counted("date", pd.to_numeric(cells, errors="coerce").astype(float), wanted=True):
        return Written(form, [])
    if dated := moment(different, habit):
        return Written(*dated)
    raise UsageError(_unfit(name, cells, different, "a date of the format that the others have"))


def _stated(name: str, cells: Any, different: list[str], way: str) -> Written:
    """How a column is written by the word of a person. Raises UsageError, with the first value that does not fit."""
    if "%" in way:
        try:
            found = stated(different, way)
        except (
            ValueError,
            re.error,
        ) as error:  # a directive that comes twice is a fault of the pattern made of it
            raise UsageError(f"--as {f'{name}={way}'!r}: is no format of dates: {error}") from None
        if len(found[1]) > MOST_ODD * len(different):
            raise UsageError(_unfit(name, cells, found[1], f"a date of the form {way}"))
        return Written(*found)
    if ":" in way:
        timed = quantity(different, way)
        if not timed or timed[0].clock != way:
            odd = [cell for cell in different if not re.fullmatch(r"\s*\d+:\d\d\s*", cell)]
            raise UsageError(_unfit(name, cells, odd or different, f"a time of the form {way}"))
        return Written(*timed)
    marked = [cell for cell in different if re.search("[.,]", cell)]
    marks = "".join(re.findall("[.,]", "".join(marked)))
    mark = max(".,", key=marks.count)
    decimal = mark if way == "decimal" else "," if mark == "." else "."
    number = numeral(different, Habit(decimal=decimal))
    if not number or number[0].decimal not in ("", decimal):
        odd = [cell for cell in marked if not _fits(cell, decimal)]
        raise UsageError(_unfit(name, cells, odd or different, f"a number whose {mark!r} is a mark of {way}"))
    return Written(replace(number[0], other=""), number[1])


def _fits(cell: str, decimal: str) -> bool:
    """Whether a number may have this decimal mark."""
    digits = re.sub(r"^[^\d.,]+|[^\d.,]+$", "", cell)
    return surely_decimal(digits) in ("", decimal)


def _unfit(name: str, cells: Any, odd: list[str], what: str) -> str:
    row = cells.tolist().index(odd[0]) + 1 if odd else 0
    shown = f"{odd[0]!r} in row {row} is not {what}" if odd else "has no values"
    return f"--as {name!r}: {shown}; correct the values, or leave the option out"
