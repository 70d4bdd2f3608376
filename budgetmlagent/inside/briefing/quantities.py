"""Durations and quantities with several units ("2h 30min", "1:23:45", "3 weeks", "500 g"), judged by a whole column."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .numerals import EDGES, fits, sided, substituted, substituting

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
YEAR = 365.25 * DAY
TIMES = {
    **dict.fromkeys(("ms", "msec", "millis"), 1e-3), **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE), **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std"), HOUR),
    **dict.fromkeys(("d", "day", "days", "tag", "tage"), DAY), **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "woche", "wochen"), 7 * DAY),
    **dict.fromkeys(("mo", "mos", "mth", "mths", "month", "months", "monat", "monate"), YEAR / 12),
    **dict.fromkeys(("sek", "sekunde", "sekunden", "seconde", "secondes", "segundo", "segundos"), 1.0), **dict.fromkeys(("minuten", "minuto", "minutos"), MINUTE),
    **dict.fromkeys(("stunde", "stunden", "heure", "heures", "hora", "horas", "ora", "ore", "uur"), HOUR),
    **dict.fromkeys(("jour", "jours", "día", "días", "dia", "dias", "giorno", "giorni", "dag", "dagen"), DAY),
    **dict.fromkeys(("semaine", "semaines", "semana", "semanas"), 7 * DAY), **dict.fromkeys(("mois", "mes", "meses", "mesi"), YEAR / 12),
    **dict.fromkeys(("an", "ans", "année", "années", "año", "años", "anno", "anni"), YEAR), **dict.fromkeys(("y", "yr", "yrs", "year", "years", "jahr", "jahre"), YEAR),
}  # fmt: skip
YEARS = {name for name, worth in TIMES.items() if worth == YEAR}
# Units that are told as numbers of the first one of each kind.
KINDS: tuple[tuple[str, Mapping[str, float]], ...] = (
    ("seconds", TIMES),
    ("grams", {"g": 1, "mg": 1e-3, "kg": 1e3, "t": 1e6, "lb": 453.59237, "lbs": 453.59237, "oz": 28.349523125}),
    ("metres", {"m": 1, "mm": 1e-3, "cm": 1e-2, "dm": 0.1, "km": 1e3, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344}),
    ("litres", {"l": 1, "ml": 1e-3, "cl": 1e-2, "dl": 0.1, "hl": 100}),
    ("bytes", {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}),
)  # fmt: skip
PART = r"(\d+(?:\.\d+)?)\s*([^\W\d_]+)"
WHOLE = re.compile(rf"(?:{PART}\.?(?:\s*,|\s+and|\s+und)?\s*)+")
WAYS = {"h:m": "hours and minutes", "m:s": "minutes and seconds"}
PACED = 0.1  # of the seconds at least no inches can be; in times most are such
HOURS_OF_A_DAY, INCHES = 23, 12  # more are no hours of a clock, no inches of a foot
CLOCK = r"(\d+):(\d\d):(\d\d(?:\.\d+)?)$"
SHORT = r"(\d+):(\d\d(?:\.\d+)?)$"
# Other ways of writing, what they are known by, and the steps that make units of them.
HALVES = r"(?i)^\d{1,2}(?::\d\d){1,2}\s?[ap]\.?m\.?$"
HOURS = r"(?i)^\d+\s?h\s?\d{1,2}$"
FEET = r"^\d\s?['’′]\s?(?:\d{1,2}(?:\.\d+)?\s?(?:\"|''|”|″)?)?$"
PACE = r"\d{1,2}\s?['’′]\s?([0-5]\d)\s?(?:\"|''|”|″)?"
PACES = ((r"^(\d{1,2})\s?['’′]\s?(\d\d)\s?(?:\"|''|”|″)?$", r"\1m \2s"),)
OTHERS = (
    (HALVES, ((r"^12:", "0:"), (r"(?i)\s?a\.?m\.?$", ""), (r"(?i)^(.+?)\s?p\.?m\.?$", r"12h \1"), (r"(?<![:\d])(\d\d?:\d\d)$", r"\1:00"))),
    (HOURS, ((r"(?i)(\d)\s?h\s?(\d{1,2})$", r"\1h \2m"),)),
    (FEET, ((r"^(\d)\s?['’′]\s?", r"\1ft "), (r"(ft \d+(?:\.\d+)?)\s?(?:\"|''|”|″)?$", r"\1in"))),
)  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """How quantities are written whose units differ."""

    words: str
    steps: tuple[tuple[str, str], ...]
    units: tuple[tuple[str, float], ...]  # those that occur, and what they are worth
    unsure: bool = False  # no other column tells more of them
    clock: str = ""  # how clocks of two parts are read: "h:m" or "m:s"
    other: str = ""  # how they may be read as well

    def of(self, values: Any) -> Any:
        """The numbers that strings say, in the first unit of the kind; what is none is missing."""
        parts = substituted(values, self.steps).astype(str).str.lower().str.extractall(PART)
        sums = (parts[0].astype(float) * parts[1].map(dict(self.units))).groupby(level=0).sum(min_count=1)
        return sums.reindex(values.index)

    def code(self, column: str) -> list[str]:
        """Lines of a script that do this to the column, a literal, of the frame `part`."""
        texts = substituting(f"part[{column}]", self.steps)
        worth = "{" + ", ".join(f'"{name}": {value:g}' for name, value in self.units) + "}"
        return [
            f'found = {texts}.astype(str).str.lower().str.extractall(r"{PART}")',
            f"found = found[0].astype(float) * found[1].map({worth})",
            f"part[{column}] = found.groupby(level=0).sum(min_count=1)",
        ]


def quantity(values: Sequence[str], clock: str = "") -> tuple[Quantity, list[str]] | None:
    """How these different strings are written, and those that are no quantities; None where too few are.

    Quantities that all have one unit and nothing else are numbers: see `numerals`. What "15:39" is may be said by `clock`:
    "h:m" or "m:s".
    """
    if sided(values):
        return None
    texts = {value: value.strip().lower() for value in values}
    edges = [EDGES] if any(value != value.strip() for value in values) else []
    if any(text.startswith("pt") or re.match(r"p\d", text) for text in texts.values()):
        steps = [("^[Pp][Tt]?", ""), ("[Tt]", " ")]
    else:
        steps = (
            [(r"(\d),(\d)", r"\1.\2")] if any(re.search(r"\d,\d", text) for text in texts.values()) else []
        )
        texts = {value: _after(text, steps) for value, text in texts.items()}
    for way, others in ((PACE, PACES),) if paces(texts.values()) else OTHERS:
        if any(re.search(way, text) for text in texts.values()):
            steps = [*steps, *others]
            texts = {value: _after(text, others) for value, text in texts.items()}
    clocks = clocked(list(texts.values()), clock)
    steps = [*steps, *clocks.steps]
    texts = {value: _after(text, steps) for value, text in texts.items()}
    found = {value: text for value, text in texts.items() if WHOLE.fullmatch(text)}
    if not fits(found, values):
        return None
    for name, worth in KINDS:
        known = {value: names for value, text in found.items() if (names := units(text)) <= set(worth)}
        used = set[str]().union(*known.values())
        several = len({worth[unit] for unit in used}) > 1 and not ("m" in used and used & YEARS)
        if fits(known, values) and several:
            days = name == "seconds" and min(worth[unit] for unit in used) >= DAY
            known_units = tuple((unit, worth[unit] / DAY if days else worth[unit]) for unit in sorted(used))
            words = f"read as {'days' if days else name}{clocks.words}"
            made = Quantity(words, (*edges, *steps), known_units, False, clocks.way, clocks.other)
            return made, [value for value in values if value not in known]
    return None


def paces(texts: Iterable[str]) -> bool:
    """Whether marks of feet and inches are of minutes and seconds: always two digits, a tenth of which no inches can be."""
    parts = [match[1] if (match := re.fullmatch(PACE, text)) else "" for text in texts]
    known = [part for part in parts if part]
    beyond = sum(int(part) >= INCHES for part in known)  # a single one is a height that was typed wrongly
    return bool(known) and fits(known, parts) and beyond >= PACED * len(known)


@dataclass(frozen=True)
class Clocks:
    """How clocks of two parts ("15:39") are read, as "h:m" or "m:s", and what would fit as well; "" where there are none."""

    way: str = ""
    other: str = ""
    words: str = ""

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """The substitutions that make units of clocks."""
        short = r"\1m \2s" if self.way == "m:s" else r"\1h \2m"
        return ((CLOCK, r"\1h \2m \3s"), (SHORT, short)) if self.way else ()


def clocked(texts: list[str], said: str) -> Clocks:
    """How clocks are read among these texts, in the way that is `said` where it may be so."""
    clocks = [text for text in texts if re.search(SHORT, text)]
    if not clocks:
        return Clocks()
    if any(re.search(CLOCK, text) for text in texts) or any(
        "." in text.rpartition(":")[2] for text in clocks
    ):
        return Clocks("m:s")
    if not all(re.fullmatch(SHORT, text) for text in clocks):  # days stand before it
        return Clocks("h:m")
    many = any(int(text.partition(":")[0]) > HOURS_OF_A_DAY for text in clocks)
    way = said or ("m:s" if many else "h:m")
    if said:
        return Clocks(way, "", f", of {WAYS[way]}")
    other = next(name for name in WAYS if name != way)
    return Clocks(way, other, f", of {WAYS[way]}; {WAYS[other]} would fit as well")


def _after(text: str, steps: Iterable[tuple[str, str]]) -> str:
    for pattern, place in steps:
        text = re.sub(pattern, place, text)
    return text


def units(text: str) -> set[str]:
    """The names of the units in a string."""
    return {name for _, name in re.findall(PART, text)}
