"""How dates are written: the steps after which strptime can read them, and the formats that one string may have."""

import re
from collections.abc import Iterator
from typing import Any

from .numerals import EDGES

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
# Ways of writing that no directive of strptime has, what they are known by, and the steps that leave one that has.
WAYS = (
    (r"\d\s?[年년]", ((r"\s*[年월月년]\s*(?=\d)", "-"), (r"\s*[日일号月월年년]\s*$", ""), (r"\s*[日일号]\s*", " "))),
    (r"^\d{4}-?W\d{2}$", ((r"^(\d{4})-?W(\d{2})$", r"\1-W\2-1"),)),  # weeks, by their Mondays
    (r"^\d{4}M\d{2}$", ((r"^(\d{4})M(\d{2})$", r"\1-\2"),)),
    (r"\d{4},?\s(?:\S+\s)?\d{1,2}[.h]\d{2}$", ((r"(?<=\d{4})(,?\s)(?:\S+\s)?(\d{1,2})[.h](\d{2})$", r"\1\2:\3"),)),
    (r"(?i)\d{4},?\s(?:um|at|à|om|kl\.?)\s\d|:\d\d\s?(?:uhr|hrs)$",
     ((r"(?i)(?<=\d{4})(,?\s)(?:um|at|à|om|kl\.?)\s(?=\d)", r"\1"), (r"(?i)(?<=:\d\d)\s?(?:uhr|hrs)$", ""))),
)  # fmt: skip
WORD = re.compile(r"[^\W\d_]+")


def words_replaced(texts: Any) -> Iterator[tuple[str, str]]:
    """The steps that leave words of English, offsets in the place of zones, and no words that say nothing."""
    if (texts.str.strip() != texts).any():
        yield EDGES
    for known, steps in WAYS:
        if texts.str.contains(known, regex=True).mean() > 0.5:
            yield from steps
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
        (r"\d{4}-W\d{2}-1", "%G-W%V-%u"), (r"\d{8}T\d{6}", "%Y%m%dT%H%M%S"), (r"\d{8}T\d{6}Z", "%Y%m%dT%H%M%SZ"), (r"\d{8} \d{6}", "%Y%m%d %H%M%S"), (r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])", "%Y%m"),
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
