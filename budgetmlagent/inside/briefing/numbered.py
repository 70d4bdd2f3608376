"""Dates that are whole numbers: days, months and years without marks, a unit since 1970, or a spreadsheet's days."""

import re
from dataclasses import replace
from typing import Any

import pandas as pd

from .moments import UNITS, Moment, in_order

LEAST = 10  # different whole numbers, all of which are dates of a compact form: by chance one in thirty is
FIRST, LAST = 157_766_400, 3_155_760_000  # seconds: 1975 to 2070
NAMED = re.compile(r"(?i)(^|[\W_])(time|date|day|timestamp|datetime|epoch|unix|ts|when|datum|zeit|zeitpunkt|zeitstempel|fecha|horodatage|recorded|logged|observed|created|updated)($|[\W_])|(?:At|Time|Date)$|(?i:timestamp|datum)$|_at$")  # fmt: skip
FIRST_ROWS = 100  # or as many among all, by which most numbers are told from dates
SERIAL = range(20_000, 60_000)  # days since the end of 1899, as spreadsheets count them: 1954 to 2064


def compact(name: str, numbers: Any, wanted: bool) -> Moment | None:
    """How whole numbers in the order of the rows are days, months and years of two digits each, or the year of four.

    Six digits are that by chance more often than eight, so that an order in time is asked of them, or a name that says it.
    None where they are no such dates; `wanted` where a person says that they are.
    """
    spread = numbers.iloc[:: max(1, len(numbers) // FIRST_ROWS)]
    read = {made: made.of(numbers) for made in compacts(spread, wanted)}
    when = {made: days for made, days in read.items() if days.notna().all()}
    if not when:
        return None
    fits = sorted(when, key=lambda made: (not in_order(when[made]), when[made].dt.year.nunique()))
    first, ordered = fits[0], in_order(when[fits[0]])
    eight = numbers.max() >= 10**6
    if not (eight or wanted or NAMED.search(name) or (ordered and not in_order(numbers))):
        return None
    same = [
        made for made in fits[1:] if in_order(when[made]) == ordered and not when[made].equals(when[first])
    ]
    if not same:
        return first
    words = f"{first.words}, where {same[0].format} would fit as well"
    return replace(first, words=words, unsure=True, other=same[0].format)


def compacts(numbers: Any, wanted: bool) -> list[Moment]:
    """The forms of dates without marks that whole numbers of eight or of six digits have, zeros in front left out.

    Not all may have a zero in front, unless a person says that they are dates.
    """
    texts = numbers.astype("int64").astype(str)
    eight = bool(
        texts.str.fullmatch(r"\d{3,4}(?:19|20)\d{2}").all() and (wanted or texts.str.len().max() == 8)
    )
    six = bool(texts.str.fullmatch(r"\d{5,6}").all() and (wanted or texts.str.len().max() == 6))
    steps = ((r"\.0$", ""), (r"^(\d{7}|\d{5})$", r"0\1"))
    forms = ("%d%m%Y", "%m%d%Y") * eight + ("%d%m%y", "%m%d%y", "%y%m%d") * six
    made = [Moment(f"dates of the form {format}", format, steps) for format in forms]
    return [form for form in made if form.of(texts).notna().all()]


def counted(name: str, numbers: Any, wanted: bool = False) -> Moment | None:
    """How whole numbers are dates: compact forms, a unit since 1970, or a spreadsheet's days; None where they are not.

    The numbers are in the order of the rows; `wanted` where a person says that they are dates.
    """
    known = numbers.dropna()
    different = known.drop_duplicates()
    if len(different) < LEAST or different.min() < 10_000:
        return None
    if bool((different != different.round()).any()):  # seconds may have a fraction
        timed = NAMED.search(name) and different.min() >= FIRST and different.max() <= LAST
        return Moment("dates, counted in s since 1970", "s", timed=True) if timed else None
    texts = different.astype("int64").astype(str)
    for format, pattern in (("%Y%m%d", r"(?:19|20)\d{6}"), ("%Y%m%d%H%M%S", r"(?:19|20)\d{12}"), ("%Y%m%d%H%M", r"(?:19|20)\d{10}"), ("%Y%m", r"(?:19|20)\d{4}")):  # fmt: skip
        if (
            texts.str.fullmatch(pattern).all()
            and pd.to_datetime(texts, format=format, errors="coerce").notna().all()
        ):
            return Moment(f"dates of the form {format}", format, ((r"\.0$", ""),), timed="%H" in format)
    # Five digits are a spreadsheet's days rather than days and months of years with a zero left out.
    if different.max() >= 10**5 and (made := compact(name, known, wanted)):
        return made
    for unit, fine in UNITS.items():
        if FIRST * fine <= different.min() and different.max() <= LAST * fine:
            steps = different.sort_values().diff().dropna()
            if NAMED.search(name) or bool((steps % (60 * fine) == 0).all()):
                whole = bool((different % (86400 * fine) == 0).all())
                return Moment(f"dates, counted in {unit} since 1970", unit, timed=not whole)
    if NAMED.search(name) and different.min() in SERIAL and different.max() in SERIAL:
        return Moment("dates, counted in days as spreadsheets do", "serial")
    return None
