"""Dates and times, read by the one format that fits all values of a column; also compact forms and epochs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .numerals import EDGES, Habit, substituted, substituting

MOST_ODD = 0.05  # share of the different values that may be no dates
LEAST = 10  # different whole numbers, all of which are dates of a compact form: by chance one in thirty is
ORDERED = 8  # different times, from which on an order is none of chance
ISO = "ISO8601"
MONTHS = {
    "Jan": "jan(?:uary|uar|vier|eiro)?|jän(?:ner)?|janv|ene(?:ro)?|gen(?:naio)?|januari|styczeń|stycznia",
    "Feb": "feb(?:ruary|ruar|rero|braio|ruari)?|fév(?:r(?:ier)?)?|fev(?:ereiro)?|lutego",
    "Mar": "mar(?:ch|s|zo|ço|ca)?|mär(?:z)?|mrz|maart|mrt",
    "Apr": "apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|kwietnia",
    "May": "may(?:o)?|mai(?:o)?|mag(?:gio)?|mei|maja",
    "Jun": "jun(?:e|i|io|ho)?|juin|giu(?:gno)?|czerwca",
    "Jul": "jul(?:y|i|io|ho)?|juil(?:let)?|lug(?:lio)?|lipca",
    "Aug": "aug(?:ust|ustus)?|août|aou|ago(?:sto)?|sierpnia",
    "Sep": "sep(?:t|tember|tembre|tiembre)?|set(?:tembre|embro)?|września",
    "Oct": "oct(?:ober|obre|ubre)?|okt(?:ober)?|ott(?:obre)?|out(?:ubro)?|października",
    "Nov": "nov(?:ember|embre|iembre|embro)?|listopada",
    "Dec": "dec(?:ember)?|dez(?:ember|embro)?|déc(?:embre)?|dic(?:iembre|embre)?|grudnia",
}
ZONES = {
    "UTC": "+0000", "GMT": "+0000", "WET": "+0000", "CET": "+0100", "CEST": "+0200", "MEZ": "+0100", "MESZ": "+0200", "BST": "+0100",
    "EET": "+0200", "EEST": "+0300", "MSK": "+0300", "IST": "+0530", "JST": "+0900", "KST": "+0900", "AEST": "+1000", "AEDT": "+1100",
    "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}  # fmt: skip
ZONE = re.compile(rf"(?<=\d|M)\s*\(?({'|'.join(ZONES)})\)?$")
WEEKDAY = r"(?i)^(?:mo|tu|we|th|fr|sa|su|mi|do|di|so|lu|ma|me|je|ve|sá|mer|jeu|ven|sam|dim|lun|mar)[a-zäéèíáç]*\.?,?\s+"
TIME = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2}(?P<part>\.\d+)?)?(?P<noon>\s?[AaPp]\.?[Mm]\.?)?(?P<zone>\s?[+-]\d{2}:?\d{2}|Z)?"
)
WORD = re.compile(r"[^\W\d_]+")
# Seconds from 1975 to 2070, and how much finer units are.
FIRST, LAST = 157_766_400, 3_155_760_000
UNITS: dict[Any, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NAMED = re.compile(r"(?i)(^|[\W_])(time|date|day|timestamp|datetime|epoch|unix|ts|when|datum|zeit|fecha|created|updated)($|[\W_])|(?:At|Time|Date)$|(?i:timestamp|datum)$|_at$")  # fmt: skip
SERIAL = range(20_000, 60_000)  # days since the end of 1899, as spreadsheets count them: 1954 to 2064


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
    if not any(letter.isdigit() for letter in first) or len(first) > 60:
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
        return None
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


def words_replaced(texts: Any) -> Iterator[tuple[str, str]]:
    """The steps that leave words of English, offsets in the place of zones, and no words that say nothing."""
    if (texts.str.strip() != texts).any():
        yield EDGES
    if texts.str.contains(WEEKDAY, regex=True).mean() > 0.5:
        yield WEEKDAY, ""
    if texts.str.contains(r"\d(?:st|nd|rd|th|er|º|ª)\b", regex=True).any():
        yield r"(?<=\d)(?:st|nd|rd|th|er|º|ª)\b", ""
    if texts.str.contains(r"(?i)\s(?:of|de|del)\s|\d\.\s*[^\W\d]", regex=True).any():
        yield r"(?i)\s+(?:of|de|del)\s+|(?<=\d)\.\s*(?=[^\W\d])", " "
    if texts.str.contains(r"(?i)(?<![^\W\d_])Q[1-4]\b", regex=True).mean() > 0.5:
        yield from ((rf"(?i)Q{quarter}\b", f"{3 * quarter - 2:02}") for quarter in range(1, 5))
    named = set(WORD.findall(" ".join(texts.drop_duplicates().head(2000)).lower()))
    for month, pattern in MONTHS.items():
        if any(re.fullmatch(pattern, word) for word in named - {month.lower()}):
            yield rf"(?i)(?<![^\W\d_])(?:{pattern})(?![^\W\d_])\.?", month
    if texts.str.contains(r"\d,\d+\s*$|\d{2},\d{3}\b", regex=True).any():
        yield r"(?<=:\d\d),(?=\d)", "."
    seconds = texts.str.contains(r"\d:\d\d:\d\d", regex=True)
    if seconds.any() and not seconds.all():
        yield r"(?<![:\d])(\d\d?:\d\d)(?![:\d])", r"\1:00"
    if (bare := ~texts.str.contains(":")).any() and not bare.all():
        yield r"^([^:]*\d)$", r"\1 00:00" + (":00" if seconds.any() else "")
    for zone in sorted(
        {match[1] for text in texts.drop_duplicates() if (match := ZONE.search(text.strip()))}
    ):
        yield rf"\s*\(?{zone}\)?$", ZONES[zone]


def formats(text: str) -> Iterator[str]:
    """The formats of strptime that one string may have, the likelier ones first."""
    for pattern, format in (
        (r"(?:19|20)\d{12}", "%Y%m%d%H%M%S"), (r"(?:19|20)\d{10}", "%Y%m%d%H%M"), (r"(?:19|20)\d{6}", "%Y%m%d"), (r"\d{4}(?:19|20)\d{2}", "%d%m%Y"),
        (r"\d{8}T\d{6}", "%Y%m%dT%H%M%S"), (r"\d{8}T\d{6}Z", "%Y%m%dT%H%M%SZ"), (r"\d{8} \d{6}", "%Y%m%d %H%M%S"), (r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])", "%Y%m"),
    ):  # fmt: skip
        if re.fullmatch(pattern, text):
            yield format
    time = TIME.search(text)
    clock, rest = "", text
    if time:
        clock = (
            ("%I" if time["noon"] else "%H")
            + ":%M"
            + (":%S" if time["second"] else "")
            + (".%f" if time["part"] else "")
        )
        clock += (" " if (time["noon"] or "").startswith(" ") else "") + ("%p" if time["noon"] else "")
        clock += (" " if (time["zone"] or "").startswith(" ") else "") + ("%z" if time["zone"] else "")
        rest = text[: time.start()] + "\0" + text[time.end() :]
    for form in days(rest):
        yield form.replace("\0", clock)


def days(text: str) -> Iterator[str]:
    """The formats of a date; \\0 stands where a time was."""
    parts = re.findall(r"\d+|[^\W\d_]+|[\W_]", text)
    if re.fullmatch(r"[\d,]+", text):
        return
    places = [place for place, part in enumerate(parts) if part.isdigit()]
    month = [place for place, part in enumerate(parts) if part.capitalize()[:3] in MONTHS and part.isalpha()]
    sizes = [len(parts[place]) for place in places]
    others = [
        part for place, part in enumerate(parts) if part.isalpha() and place not in month and part != "T"
    ]
    if max(sizes, default=0) > 4 or len(month) > 1 or others:
        return
    long = next((number for number, size in enumerate(sizes) if size == 4), None)
    year = "%y" if long is None else "%Y"
    match len(sizes), bool(month), long:
        case 2, True, _:
            orders = [["%Y", "%d"]] if long == 0 else [["%d", year]]
        case 1, True, _:
            orders = [[year]]
        case 3, False, 0:
            orders = [["%Y", "%m", "%d"], ["%Y", "%d", "%m"]]
        case 3, False, 2:
            orders = [["%m", "%d", "%Y"], ["%d", "%m", "%Y"]]
        case 3, False, None:
            orders = [["%m", "%d", "%y"], ["%d", "%m", "%y"], ["%y", "%m", "%d"]]
        case 2, False, 0:
            orders = [["%Y", "%m"]]
        case 2, False, 1:
            orders = [["%m", "%Y"]]
        case _:
            orders = []
    for order in orders:
        made = [part.replace("%", "%%") for part in parts]
        for place, directive in zip(places, order, strict=True):
            made[place] = directive
        for place in month:
            made[place] = "%b" if len(parts[place]) == 3 else "%B"
        yield "".join(made)


def chosen(fits: list[Moment], ordered: Any, habit: Habit) -> Moment:
    """The one format among those that fit, by what else tells days from months."""
    first = fits[0]
    words = f"dates of the form {first.format}"
    if len(fits) == 1 or not re.search("%d.*%m|%m.*%d", first.format):
        numbered = "%d" in first.format and "%m" in first.format and not first.format.startswith("%Y")
        sure = dayfirst(first.format) if numbered else None
        return Moment(words, first.format, first.steps, sure)
    sorted_by = [made for made in fits if in_order(made.of(ordered))]
    monthly = [made for made in fits if set(made.of(ordered).dropna().dt.day) == {1}]
    told = [made for made in fits if dayfirst(made.format) == habit.dayfirst]
    dotted = [made for made in fits if "." in made.format.split("%H")[0] and dayfirst(made.format)]
    for found in (sorted_by, monthly):
        if len(found) == 1:
            return Moment(
                f"dates of the form {found[0].format}",
                found[0].format,
                first.steps,
                dayfirst(found[0].format),
            )
    made = next((found[0] for found in (told, dotted) if found), first)
    other = next(form for form in fits if form != made)
    return Moment(
        f"dates of the form {made.format}, where {other.format} would fit as well",
        made.format,
        made.steps,
        unsure=True,
    )


def dayfirst(format: str) -> bool:
    """Whether days come before months."""
    return 0 <= format.find("%d") < format.find("%m")


def in_order(when: Any) -> bool:
    """Whether moments only rise or only fall, and do so."""
    known = when.dropna()
    return known.nunique() >= ORDERED and bool(known.is_monotonic_increasing or known.is_monotonic_decreasing)


def counted(name: str, numbers: Any) -> Moment | None:
    """How whole numbers are dates: compact forms, a unit since 1970, or a spreadsheet's days; None where they are not."""
    known = numbers.dropna()
    different = known.drop_duplicates()
    if len(different) < LEAST or bool((different != different.round()).any()) or different.min() < 10_000:
        return None
    texts = different.astype("int64").astype(str)
    for format, pattern in (("%Y%m%d", r"(?:19|20)\d{6}"), ("%Y%m%d%H%M%S", r"(?:19|20)\d{12}"), ("%Y%m%d%H%M", r"(?:19|20)\d{10}"), ("%Y%m", r"(?:19|20)\d{4}")):  # fmt: skip
        if (
            texts.str.fullmatch(pattern).all()
            and pd.to_datetime(texts, format=format, errors="coerce").notna().all()
        ):
            return Moment(f"dates of the form {format}", format, ((r"\.0$", ""),), timed="%H" in format)
    for unit, fine in UNITS.items():
        if FIRST * fine <= different.min() and different.max() <= LAST * fine:
            steps = different.sort_values().diff().dropna()
            if NAMED.search(name) or bool((steps % (60 * fine) == 0).all()):
                whole = bool((different % (86400 * fine) == 0).all())
                return Moment(f"dates, counted in {unit} since 1970", unit, timed=not whole)
    if NAMED.search(name) and different.min() in SERIAL and different.max() in SERIAL:
        return Moment("dates, counted in days as spreadsheets do", "serial")
    return None
