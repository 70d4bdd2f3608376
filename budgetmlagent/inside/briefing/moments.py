"""Dates and times, read by the one format that fits all values of a column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .dateforms import ZONE, formats, words_replaced
from .numerals import Habit, substituted, substituting

MOST_ODD = 0.05  # share of the different values that may be no dates
ORDERED = 8  # different times, from which on an order is none of chance
ISO = "ISO8601"
SEVERAL = 6  # forms of dates in one column
DAY = pd.Timedelta(days=1)
MONTHS = 12
FEW = 4  # gaps by which a series of days may be told
GAP = 4  # times as long as the longest gap of the right reading is that of a wrong one at least
STEADY = 0.9  # share of the gaps that are equal, where a series has even steps
# Units since 1970, and how much finer than seconds they are.
UNITS: dict[Any, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class Moment:
    """How the dates of one column are written: a format of strptime, ISO 8601, or a unit since an origin."""

    words: str
    format: Any
    steps: tuple[tuple[str, str], ...] = ()
    dayfirst: bool | None = None  # where the column itself is certain of it
    timed: bool = False  # whether there are times of day
    zoned: bool = False  # whether times name their place
    unsure: bool = False  # whether another format fits as well
    other: str = ""  # that format, as a person states it

    def of(self, values: Any) -> Any:
        """The moments in UTC; what is none is missing."""
        if self.format in UNITS:
            numbers = pd.to_numeric(values, errors="coerce")
            return pd.to_datetime(numbers, unit=self.format, errors="coerce", utc=True)
        if self.format == "serial":
            numbers = pd.to_numeric(values, errors="coerce")
            return pd.to_datetime(numbers, unit="D", origin="1899-12-30", errors="coerce", utc=True)
        if pd.api.types.is_numeric_dtype(values):
            values = values.map("{:.0f}".format, na_action="ignore")
        return pd.to_datetime(substituted(values, self.steps), format=self.format, errors="coerce", utc=True)

    def code(self, column: str) -> list[str]:
        """Lines of a script that do this to the column, a literal, of the frame `part`: of strings alone."""
        texts = substituting(f"part[{column}]", self.steps)
        return [
            f'part[{column}] = pd.to_datetime({texts}, format="{self.format}", errors="coerce", utc=True)'
        ]


def moment(
    values: Sequence[str], habit: Habit, ordered: Sequence[str] = ()
) -> tuple[Moment, list[str]] | None:
    """How these different strings are written, and those that are no dates; None where too few are.

    `ordered` are the values in the order of the rows: it may tell days from months.
    """
    first = next((value.strip() for value in values if value.strip()), "")
    rated = " out of " in first  # no day of October, which Portuguese calls "out"
    if not any(letter.isdigit() for letter in first) or len(first) > 60 or rated:
        return None
    texts = pd.Series(list(values), dtype=object)
    steps = tuple(words_replaced(texts))
    read = [format for format in (*habit.formats, ISO) if fitting(texts, Moment("", format))]
    if read and looks_iso(texts, read[0]):
        return told(texts, Moment(f"dates of the form {read[0]}" if read[0] != ISO else "", read[0]))
    plain = substituted(texts, steps)
    several = dict.fromkeys(format for text in plain.drop_duplicates().head(200) for format in formats(text))
    fits = [made for format in several if fitting(texts, made := Moment("", format, steps))]
    if not fits:
        several_forms = mixed(texts, steps)
        return told(texts, several_forms) if several_forms else None
    least = min(int(made.of(texts).isna().sum()) for made in fits)
    fits = [made for made in fits if int(made.of(texts).isna().sum()) == least]
    return told(texts, chosen(fits, pd.Series(list(ordered) or list(values), dtype=object), habit))


def looks_iso(texts: Any, format: str) -> bool:
    """Whether dates begin with a year and a month that a mark parts, if they are to be of ISO 8601."""
    return format != ISO or bool(texts.str.match(r"\s*\d{4}-\d{2}(?!\d)").mean() >= 1 - MOST_ODD)


def told(texts: Any, made: Moment) -> tuple[Moment, list[str]]:
    """The format with what it finds in the values, and those that do not fit."""
    when = made.of(texts)
    known = when.dropna()
    timed = bool((known != known.dt.normalize()).any()) or bool(texts.str.contains(r"\d:\d\d").any())
    zoned = bool(
        texts.str.contains(r"[+-]\d{2}:?\d{2}\s*$|\dZ\s*$").any()
        or texts.map(lambda t: bool(ZONE.search(t.strip()))).any()
    )
    full = replace(made, timed=timed, zoned=zoned and timed)
    return full, texts[when.isna()].tolist()


def fitting(texts: Any, made: Moment) -> bool:
    """Whether a format fits nearly all values; the first ones are tried before all of them."""
    return all(made.of(part).isna().mean() <= MOST_ODD for part in (texts.head(50), texts) if len(part))


def mixed(texts: Any, steps: tuple[tuple[str, str], ...]) -> Moment | None:
    """How dates of a few forms are read, each with its own shape; None where one of them, or days and months, are in doubt."""
    plain = substituted(texts, steps).str.strip()
    shapes = plain.str.replace(r"\d{4}", "Y", regex=True).str.replace(r"\d+", "0", regex=True)
    parts = [part for _, part in plain.groupby(shapes.str.replace(r"[^\W\d_]{3,}", "a", regex=True))]
    if len(parts) > SEVERAL:
        return None
    read = [[form for form in (ISO, *formats(part.iloc[0])) if fully(part, form)] for part in parts]
    sure = {
        dayfirst(forms[0]) for forms in read if len(forms) == 1 and re.search("%d[^%]%m|%m[^%]%d", forms[0])
    }
    if len(sure) > 1:
        return None
    first = True in sure or (not sure and bool(plain.str.contains(r"^\d{1,2}\.\d{1,2}\.").any()))
    right = [
        Moment("", min(forms, key=lambda form: form != ISO and dayfirst(form) != first)).of(part)
        for part, forms in zip(parts, read, strict=True)
        if forms
    ]
    turned = ((r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})", r"\3-\2-\1"),) * first
    made = Moment("dates of several forms", "mixed", (*steps, *turned), next(iter(sure), None))
    found = pd.concat(right).reindex(texts.index) if right else texts.where(texts.isna())
    same = (made.of(texts) == found) | (made.of(texts).isna() & found.isna())
    return made if found.notna().mean() >= 1 - MOST_ODD and same.all() else None


def fully(texts: Any, format: str) -> bool:
    """Whether all these strings are dates of one format."""
    return looks_iso(texts, format) and bool(Moment("", format).of(texts).notna().all())


def chosen(fits: list[Moment], ordered: Any, habit: Habit) -> Moment:
    """The one format among those that fit, by what else tells days from months; what only hints at it leaves a doubt."""
    first = fits[0]
    if len(fits) == 1 or not re.search("%d.*%m|%m.*%d", first.format):
        numbered = "%d" in first.format and "%m" in first.format and not first.format.startswith("%Y")
        return sure(first, dayfirst(first.format) if numbered else None)
    when = {made: made.of(ordered) for made in fits}
    if all(moments.equals(when[first]) for moments in when.values()):
        return sure(first, None)
    sorted_by = [made for made in fits if in_order(when[made])]
    even, daily = close(when, DAY / 2, ORDERED), close(when, 2 * DAY, FEW)
    if len(sorted_by) == 1 or (even and steady(when[even])):
        found = sorted_by[0] if len(sorted_by) == 1 else even or first
        return sure(found, dayfirst(found.format))
    told = [made for made in fits if dayfirst(made.format) == habit.dayfirst]
    dotted = [made for made in fits if "." in made.format.split("%H")[0] and dayfirst(made.format)]
    halves = [
        made
        for made in fits
        if re.search("/.*%p", made.format) and made.format.find("%m") < made.format.find("%d")
    ]
    monthly = [made for made in fits if is_monthly(when[made])]
    monthly = monthly if len(monthly) == 1 else []
    if monthly and not told and not dotted and years(when[monthly[0]]):
        return sure(monthly[0], dayfirst(monthly[0].format))
    # Months come first between slashes, hardly ever between dashes.
    dashed = [made for made in fits if "-" in made.format and dayfirst(made.format) and monthly]
    hints = (told, [even] if even else [], dotted, halves, dashed, monthly, [daily] if daily else [], fits)
    made = next(found[0] for found in hints if found)
    other = next(form for form in fits if form != made).format
    words = f"dates of the form {made.format}, where {other} would fit as well"
    return Moment(words, made.format, made.steps, unsure=True, other=other)


def sure(made: Moment, first: bool | None) -> Moment:
    """A format of which there is no doubt, with whether it says that days come `first`."""
    return Moment(f"dates of the form {made.format}", made.format, made.steps, first)


def is_monthly(when: Any) -> bool:
    """Whether all moments are the first days of months, at one time of day, or those of a single first day."""
    days = when.dropna().dt.normalize()
    at_once = (when.dropna() - days).nunique() == 1 or days.nunique() == 1
    return bool(at_once and set(days.dt.day) == {1})


def years(when: Any) -> bool:
    """Whether first days of months go on through several years: the first days of one January do not come again."""
    return bool(when.dt.year.nunique() > 1 and when.nunique() > MONTHS)


def close(when: Mapping[Moment, Any], most: Any, least: int) -> Moment | None:
    """Of readings of a series the one without long gaps, if its usual gap is below `most`; None where none is so by far.

    Days that are read as months lie a month apart. Asks for `least` gaps.
    """
    steps = {made: gaps(moments) for made, moments in when.items()}
    dense = {made: found for made, found in steps.items() if len(found) >= least and found.median() < most}
    longest = {made: found.max() for made, found in dense.items()}
    best = min(longest, key=lambda made: longest[made], default=None)
    if best is None or any(
        GAP * longest[best] > found.max() for made, found in steps.items() if made != best
    ):
        return None
    return best


def gaps(when: Any) -> Any:
    """The times between moments that follow on each other, all different ones in order."""
    return when.dropna().drop_duplicates().sort_values().diff().dropna()


def steady(when: Any) -> bool:
    """Whether nearly all different moments follow on each other after the same time."""
    return bool(gaps(when).value_counts(normalize=True).iloc[0] >= STEADY)


def dayfirst(format: str) -> bool:
    """Whether days come before months."""
    return 0 <= format.find("%d") < format.find("%m")


def in_order(when: Any) -> bool:
    """Whether moments only rise or only fall, and do so."""
    known = when.dropna()
    return known.nunique() >= ORDERED and bool(known.is_monotonic_increasing or known.is_monotonic_decreasing)


def stated(values: Sequence[str], format: str) -> tuple[Moment, list[str]]:
    """How these different strings are written by the word of a person, and those that are no such dates.

    Raises ValueError where the format is none of strptime.
    """
    texts = pd.Series(list(values), dtype=object)
    padded = ((r"^(\d{7}|\d{5})(?:\.0)?$", r"0\1"),) * format.startswith(("%d%m%", "%m%d%"))
    words = f"dates of the form {format}"
    ways = [Moment(words, format, steps) for steps in (padded, tuple(words_replaced(texts)))]
    return told(texts, min(ways, key=lambda made: int(made.of(texts).isna().sum())))
