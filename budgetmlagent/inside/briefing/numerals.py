"""Numbers as people write them ("$1,190.00", "79 %", "1.190,5", "(3)", "56.7M"), judged by a whole column.

What is found is a `Numeral`: substitutions after which pandas reads the cells, so that a script can do the same.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .numberforms import NO_CENTS, SCALES, SPACES, currency, matched, negative, unit

MOST_ODD = 0.1  # share of the different values that may be no numbers
CODE = re.compile(r"[Rr]\d{1,3}")  # a room or a region, no rands
EDGES = (r"^\s+|\s+$", "")  # the step that strips
LONG = 0.2  # share of the numbers with a mark that have six digits, from which on they are long
# Words for credit and debit behind an amount, in pairs.
SIDES = (("H", "S"), ("CR", "DR"), ("Cr", "Dr"), ("Cr.", "Dr."))
AMOUNT = r"\s*[^\s\w(−–-]?\s*\d[\d.,'’\s]*({})\s*"
LEAST_MARKED = 3  # different values with a mark before three digits, from which on bare ones beside them tell


@dataclass(frozen=True)
class Habit:
    """How a file is written, for a column that does not tell by itself."""

    decimal: str = ""  # the mark that other columns certainly have
    free: bool = False  # whether commas stand in cells unquoted, since something else is between cells
    dayfirst: bool | None = None  # whether days come before months
    formats: tuple[str, ...] = ()  # of dates, as a script of the task names them
    hint: str = ""  # the decimal mark that is likely, which leaves a doubt


@dataclass(frozen=True)
class Numeral:
    """How the numbers of one column are written."""

    words: str  # what is done, for a note; "" where they are plain
    steps: tuple[tuple[str, str], ...] = ()  # regular expressions and what stands in their place, in order
    decimal: str = ""  # the decimal mark, where the column itself is certain of it
    unsure: bool = False  # whether a mark may be of thousands as well as of decimals
    other: str = ""  # what the mark may be as well, "thousands" or "decimal"
    mark: str = ""  # the mark that leaves the doubt
    long: bool = False  # whether there are numbers of six digits with it, as measurements seldom have
    even: bool = (
        False  # whether all numbers have it behind as many digits, as thousands of several sizes seldom have
    )

    def texts(self, values: Any) -> Any:
        """The strings after the substitutions."""
        return substituted(values, self.steps)

    def of(self, values: Any) -> Any:
        """The numbers that strings say; what is none is missing."""
        return pd.to_numeric(self.texts(values), errors="coerce")

    def code(self, column: str) -> list[str]:
        """Lines of a script that do this to the column, a literal, of the frame `part`."""
        return [
            f'part[{column}] = pd.to_numeric({substituting(f"part[{column}]", self.steps)}, errors="coerce")'
        ]


def substituted(values: Any, steps: Iterable[tuple[str, str]]) -> Any:
    """The strings after some substitutions, in turn; what is no string stays as it is."""
    texts = values.astype(object)
    for pattern, place in steps:
        texts = texts.replace(pattern, place, regex=True)
    return texts


def substituting(values: str, steps: Iterable[tuple[str, str]]) -> str:
    """The expression of a script for `substituted`."""
    calls = (f".replace({raw(pattern)}, {raw(place)}, regex=True)" for pattern, place in steps)
    return f"{values}.astype(object)" + "".join(calls)


def raw(text: str) -> str:
    """A string as it stands in a script; backslashes are not doubled where that can be."""
    return f'r"{text}"' if "\\" in text and '"' not in text else repr(text)


def numeral(values: Sequence[str], habit: Habit) -> tuple[Numeral, list[str]] | None:
    """How these different strings are written, and those that are no such number; None where too few are numbers."""
    if sides := sided(values):
        return booked(values, sides, habit)
    found = matched(values)
    if not fits(found, values) or all(CODE.fullmatch(value.strip()) for value in found):
        return None
    kept = exact(alike(list(found.values())))
    found = {value: match for value, match in found.items() if match in kept}
    thousands, decimal, certain = marks([match["digits"] for match in found.values()], habit)
    grouped = grouping(thousands, decimal)
    found = {value: match for value, match in found.items() if grouped.fullmatch(match["digits"].strip())}
    if not fits(found, values):
        return None
    steps, words = substitutions(found, thousands, decimal)
    odd = [value for value in values if value not in found]
    marked = [match["digits"] for match in found.values() if re.search("[.,]", match["digits"])]
    if certain or not marked:
        return Numeral(", ".join(words), tuple(steps), certain), odd
    mark = thousands or decimal
    # Points are decimal points where commas part cells; where other columns have them, commas are none.
    usual = habit.decimal == "." or (mark == "." and not habit.free)
    other = "" if usual else "decimal" if thousands else "thousands"
    long = sum(text.index(mark) == 3 for text in marked) >= LONG * len(marked)
    even = len(marked) == len(found) and len({text.index(mark) for text in marked}) == 1
    return Numeral(", ".join(words), tuple(steps), "", True, other, mark, long, even), odd


def sided(values: Sequence[str]) -> tuple[str, str] | None:
    """The words for credit and debit behind these amounts; None where they do not all have one, or only one occurs."""
    for sides in SIDES:
        ends = [
            match[1] for value in values if (match := re.fullmatch(AMOUNT.format("|".join(sides)), value))
        ]
        if fits(ends, values) and set(ends) == set(sides):
            return sides
    return None


def booked(values: Sequence[str], sides: tuple[str, str], habit: Habit) -> tuple[Numeral, list[str]] | None:
    """How amounts with a word for credit or debit behind them are written: debits are negative."""
    credit, debit = sides
    steps = ((rf"\s*{credit}\s*$", ""), (rf"^\s*(.*\S)\s*{debit}\s*$", r"-\1"))
    plain = dict(zip(values, substituted(pd.Series(list(values), dtype=object), steps), strict=True))
    found = numeral(list(dict.fromkeys(plain.values())), habit)
    if not found:
        return None
    made, odd = found
    words = ", ".join(
        word for word in (f"{debit!r} is debit, so negative, {credit!r} credit", made.words) if word
    )
    return replace(made, words=words, steps=(*steps, *made.steps)), [
        v for v in values if plain[v] in set(odd)
    ]


def unlike(values: Sequence[str]) -> list[str]:
    """Of different strings most of which are numbers, but not of one currency, unit and mark: those unlike the others."""
    found = matched(values)
    if 2 * len(found) <= len(values):
        return []
    kept = alike(list(found.values()))
    odd = [value for value in values if value not in found or found[value] not in kept]
    thousands, decimal, _ = marks([match["digits"] for match in kept], Habit())
    grouped = grouping(thousands, decimal)
    return odd or [value for value, match in found.items() if not grouped.fullmatch(match["digits"].strip())]


def fits(found: Iterable[str], values: Sequence[str]) -> bool:
    """Whether enough of the values are among those found."""
    number = sum(1 for _ in found)
    return number > 0 and len(values) - number <= MOST_ODD * len(values)


def alike(matches: list[re.Match[str]]) -> set[re.Match[str]]:
    """Those of one currency and one unit, with or without a percent sign as most of them are."""
    kept = set(matches)
    for part in (currency, unit):
        names = Counter(name for match in kept if (name := part(match)))
        common = names.most_common(1)[0][0] if names else ""
        kept = {match for match in kept if part(match) in ("", common)}
    if common:  # "3M" beside "2Y" has another unit, no millions
        kept = {match for match in kept if unit(match) or not match["scale"]}
    signs = Counter(match["percent"] for match in kept if match["digits"].strip("0.,"))
    common = signs.most_common(1)[0][0] if signs else ""
    return {match for match in kept if match["percent"] == common or not match["digits"].strip("0.,")}


def exact(matches: set[re.Match[str]]) -> set[re.Match[str]]:
    """Those that are bounds only where most are none: "<50" and "50+" alone are names of ranges."""
    bare = {match for match in matches if not match["bound"] and match["more"] != "+"}
    return matches if 2 * len(bare) > len(matches) else bare


def marks(digits: list[str], habit: Habit) -> tuple[str, str, str]:
    """The mark of thousands ("" for none), the decimal mark, and that again where the digits alone make it certain."""
    bare = [re.sub(SPACES, "", text) for text in digits]
    votes = Counter(mark for text in bare if (mark := surely_decimal(text)))
    if votes:
        decimal = votes.most_common(1)[0][0]
        other = "," if decimal == "." else "."
        return (other if any(other in text for text in bare) else ""), decimal, decimal
    used = Counter(mark for text in bare for mark in ".," if mark in text)
    if not used:
        return "", ".", ""
    mark = used.most_common(1)[0][0]
    other = "," if mark == "." else "."
    if habit.decimal:
        thousands = mark != habit.decimal
    elif habit.hint:
        thousands = mark != habit.hint or told(bare, mark, habit)
    else:
        thousands = (mark == "," and not habit.free) or told(bare, mark, habit)
    return (mark, other, "") if thousands else ("", mark, "")


def surely_decimal(text: str) -> str:
    """The decimal mark of a number that has one for certain, or certainly another one than its mark of thousands."""
    places = [place for place, letter in enumerate(text) if letter in ".,"]
    if not places:
        return ""
    first, last = text[places[0]], text[places[-1]]
    if first != last:
        return last
    if len(places) > 1:  # only marks of thousands come again
        return "," if last == "." else "."
    whole, part = text[: places[0]], text[places[0] + 1 :]
    return last if len(part) != 3 or len(whole) > 3 or not whole or whole.startswith("0") else ""


def told(texts: list[str], mark: str, habit: Habit) -> bool:
    """Whether a mark that always stands before three digits is one of thousands.

    A number with three decimals ends in a zero as often as in any other digit, which is then often not written.
    """
    marked = {text for text in texts if mark in text}
    plain = {text for text in texts if mark not in text and text.strip("0")}
    if plain:
        sure = mark == "," or habit.free  # else most points are decimal points, so that more is asked
        enough = len(marked) >= LEAST_MARKED if sure else len(marked) >= 10 and len(plain) >= 2
        return enough and all(len(text) <= 3 for text in plain)
    return habit.free and 2 * sum(text.endswith("0") for text in marked) > len(marked)


def grouping(thousands: str, decimal: str) -> re.Pattern[str]:
    """How digits stand with these marks; blanks and apostrophes may always stand between thousands."""
    between = f"(?:{re.escape(thousands)}|{SPACES})" if thousands else SPACES
    return re.compile(
        rf"(?:[1-9]\d{{0,2}}(?:{between}\d{{2,3}})*{between}\d{{3}}|\d+)(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+"
    )


def substitutions(
    found: Mapping[str, re.Match[str]], thousands: str, decimal: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """The steps after which the matched strings are numbers of Python, and what they do, in words."""
    steps: list[tuple[str, str]] = []
    words: list[str] = []
    matches = list(found.values())
    texts = [match.string for match in matches]
    blanks = any(value.strip(" \t") != value.strip() for value in found)  # that pandas does not strip
    if blanks or any(re.search(SPACES, text) for text in texts):
        steps.append((SPACES, ""))
    for part, place in (("about", "^(?:{})"), ("bound", "^(?:{})"), ("more", "(?:{})$")):
        marked = sorted({match[part] for match in matches} - {""}, key=len, reverse=True)
        if marked:
            steps.append((place.format("|".join(map(re.escape, marked))), ""))
            words.append(f"{', '.join(map(repr, marked))} {'are' if len(marked) > 1 else 'is'} taken off")
    if any(match["last"] and not negative(match) for match in matches):
        steps.append((NO_CENTS, ""))
    million = {"m"} if any(currency(match) or match["scale"] for match in matches) else set()
    taken = [sorted({re.sub(SPACES, "", match[part]) for match in matches} - {"", *million}, key=len, reverse=True)
             for part in ("before", "percent", "after", "unit")]  # fmt: skip
    off = list(dict.fromkeys(name for names in taken for name in names))
    if off:
        steps.append(("|".join(map(re.escape, off)), ""))
        words.append(f"{', '.join(map(repr, off))} {'are' if len(off) > 1 else 'is'} taken off")
    if any(match[part] in "−–" for match in matches for part in ("first", "second", "last") if match[part]):
        steps.append(("[−–]", "-"))
    if any(match["close"] for match in matches):
        steps.append((r"^\((.+)\)$", r"-\1"))
        words.append("(3) is read as -3")
    if any(negative(match) for match in matches):
        steps.append((r"^(.+)-$", r"-\1"))
        words.append("3- is read as -3")
    if thousands and any(thousands in match["digits"] for match in matches):
        steps.append((re.escape(thousands), ""))
        words.append(f"{thousands!r} is a mark of thousands")
    elif any(re.search(SPACES, match["digits"].strip()) for match in matches):
        words.append("marks of thousands are taken out")
    if decimal == "," and any("," in match["digits"] for match in matches):
        steps.append((",", "."))
        words.append("',' is the decimal mark")
    scales = sorted({match["scale"] for match in matches} | million & {match["unit"] for match in matches})
    scales = [scale for scale in scales if scale]
    steps += [(f"{re.escape(scale)}$", SCALES.get(scale.rstrip("."), "e6")) for scale in scales]
    if scales:
        words.append(f"{', '.join(map(repr, scales))} {'are' if len(scales) > 1 else 'is'} multiplied out")
    return steps, words
