"""How a column's cells are written, and the lines of a script that read them rightly where pandas alone does not."""

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .columns import STRIPPED, numbers
from .layout import Layout
from .moments import Moment, moment
from .numberforms import CURRENCY, SCALES
from .numerals import Habit, Numeral, fits, numeral
from .quantities import KINDS, TIMES, Quantity, quantity
from .reading import MISSING, quote

Form = Numeral | Quantity | Moment
MIXED = 6  # ways of writing quantities in one column; more are words
PLAIN = r"[-−–+.,:/;'’]"  # what stands within dates, ranges, codes and numbers
# What may stand beside the number of a quantity, in small letters.
UNITS = {
    *TIMES,
    *(unit for _, units in KINDS for unit in units),
    *map(str.lower, SCALES),
    "c",
    "f",
    "pct",
    "percent",
}
HEAD = 300  # different values by which words are told from all else
MONTH_YEAR = r"(?:0[1-9]|1[0-2])\.(?:19|20)\d{2}"


@dataclass(frozen=True)
class Written:
    """What a column holds."""

    form: Form
    odd: list[str]  # different values that do not fit

    @property
    def plain(self) -> bool:
        """Whether pandas reads the cells that fit without help."""
        return isinstance(self.form, Numeral) and not self.form.steps


def judged(values: Any, habit: Habit) -> Written | None:
    """How the strings of a column are written, missing ones left out; None for words, and where too few are alike."""
    texts = values.astype(str)
    different = [text for text in texts.drop_duplicates() if not missing(text)]
    if not different:
        return None
    head = different[:HEAD]  # the values of a long text need not all be looked at
    monthly = all(re.fullmatch(MONTH_YEAR, text) for text in different)
    found: tuple[Form, list[str]] | None = None
    if monthly or pd.to_numeric(pd.Series(different), errors="coerce").notna().mean() < 0.5:
        if moment(head, habit):
            found = moment(different, habit, texts[~texts.map(missing)].tolist())
        if not found and quantity(head):
            found = quantity(different)
    if not found and numeral(head, habit):
        found = numeral(different, habit)
    return Written(*found) if found else None


def unread(values: Sequence[str]) -> tuple[str, str] | None:
    """Of different strings that are quantities but no numbers together: the first one unlike the most usual, and such a usual one.

    The first one and "" where all are alike; None for words, and for digits with nothing that says what they count.
    """
    head = values[:HEAD]
    found = {value: names for value in head if (names := around(value)) is not None}
    common = Counter(found.values()).most_common(MIXED + 1)
    if not fits(found, head) or len(common) > MIXED or not any(common_names for common_names, _ in common):
        return None
    usual = next(value for value in head if found.get(value) == common[0][0])
    odd = next((value for value in head if found.get(value) != common[0][0]), "")
    return (odd, usual) if odd else (usual, "")


def around(text: str) -> tuple[str, ...] | None:
    """What stands around the numbers of a string: currencies, units and signs of quantities; None where there is anything else."""
    rest, number = re.subn(r"\d+(?:[.,'’ ]\d+)*", " ", text.strip())
    before = re.match(r"[^\W\d_]*", text.strip())  # units stand behind a number
    if before and before[0] and not re.fullmatch(CURRENCY, before[0]):
        return None
    names = re.findall(rf"{CURRENCY}|[^\W\d_]+|[^\s\w]", rest)
    known = [name for name in names if not re.fullmatch(PLAIN, name)]
    unknown = any(
        name[0].isalpha() and not re.fullmatch(CURRENCY, name) and name.lower() not in UNITS for name in known
    )
    return None if unknown or not number else tuple(name.lower() for name in known)


def missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.strip().lower() in MISSING


def settle(layout: Layout, outcome: Any, starter: str) -> None:
    """Have `layout` read numbers and dates as people write them, in its frames and by lines at the end of its `load`.

    What the cases read rightly by themselves is left to them.
    """
    train, test = layout.train, layout.test
    shared = [c for c in test.columns if c in train.columns and c not in outcome.columns]
    strings = [c for c in shared if is_text(train[c]) and is_text(test[c])]
    formats = tuple(dict.fromkeys(re.findall(r"[\"']([^\"'\n]*%[dmYyjbB][^\"'\n]*)[\"']", starter)))
    habit = Habit(dayfirst=True if re.search(r"dayfirst\s*=\s*True", starter) else None, formats=formats)
    parts = {c: pd.concat([train[c], test[c]], ignore_index=True).dropna() for c in strings}
    found = {c: written for c, values in parts.items() if (written := judged(values, habit))}
    habit = settled(found.values(), habit)
    for column, first in found.items():
        written = judged(parts[column], habit) if first.form.unsure else first
        if written and not as_read(written.form, parts[column]):
            convert(layout, column, written.form, ("train", "test"))
    for target, made in layout.pairs:
        if made and is_text(train[target]) and outcome[made].dtype.kind in "iuf":
            written = judged(train[target].dropna(), habit)
            if written and not isinstance(written.form, Moment) and not written.odd:
                convert(layout, target, written.form, ("train",))


def is_text(values: Any) -> bool:
    """Whether a column holds strings."""
    return bool(
        pd.api.types.is_string_dtype(values)
        and values.map(lambda value: isinstance(value, str) or pd.isna(value)).all()
    )


def settled(found: Any, habit: Habit) -> Habit:
    """The habit with what columns are certain of: the decimal mark, and whether days come before months."""
    decimals = {written.form.decimal for written in found if isinstance(written.form, Numeral)} - {""}
    firsts = {written.form.dayfirst for written in found if isinstance(written.form, Moment)} - {None}
    decimal = decimals.pop() if len(decimals) == 1 else habit.decimal
    dayfirst = firsts.pop() if len(firsts) == 1 and habit.dayfirst is None else habit.dayfirst
    return Habit(decimal, habit.free, dayfirst, habit.formats)


def as_read(form: Form, values: Any) -> bool:
    """Whether the lines of the cases read these strings in the same way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that it guesses the format, as it does for the cases
        right = form.of(values)
        if isinstance(form, Moment):
            return bool(pd.to_datetime(values, errors="coerce", utc=True).equals(right))
        bare = pd.to_numeric(values.str.replace(STRIPPED, "", regex=True), errors="coerce")
    return numbers(values) >= 0.9 and bool(bare.astype(float).equals(right.astype(float)))


def convert(layout: Layout, column: Any, form: Form, parts: Sequence[str]) -> None:
    """Convert a column in some of the frames, and say so in the lines that load them."""
    for part in parts:
        frame = getattr(layout, part).copy()
        frame[column] = form.of(frame[column])
        setattr(layout, part, frame)
    loop = f"for part in ({', '.join(parts)},):" if len(parts) == 1 else f"for part in ({', '.join(parts)}):"
    layout.load += [loop, *(f"    {line}" for line in form.code(quote(column)))]
