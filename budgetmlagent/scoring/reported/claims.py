"""What a printed line claims of rows held out: numbers, each with the words that introduce it.

A clause goes from one number of a line to the next. A number counts where its clause has a metric's name, or a word for
rows held out, with nothing between that and the number but words that fill, and where nothing in it says that the
number is something else. No expression takes more than linear time on a line of bounded length.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from budgetmlagent.scoring.reported.labels import QUALIFIERS, kind, mentions, nameless, plain
from budgetmlagent.scoring.reported.tidy import PART, tidy, uncounted
from budgetmlagent.scoring.reported.vocabulary import FILLER, OTHER, OTHER_ALONE, PAIRED, SIDE, UNIT

MOST = 16  # numbers of a line that are looked at, its last ones
# Whatever begins like a number, up to its end: a part of a date or of a list must not pass for one.
BLOB = re.compile(
    r"(?<![\w.,])(?<![A-Za-z][-+@^])(?:[-+](?=[.\d]))?\.?\d[^\s()\[\]{}|;=<>→±~\"'*│┃]*+"
    r"|(?<![\w.])[-+]?(?:nan|inf(?:inity)?)(?!\w)",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[-+]?(?:\d++(?:\.\d*+)?+|\.\d++)(?:e[-+]?\d{1,3})?", re.IGNORECASE)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:(?:,\d{3})++|(?:_\d{3})++)(?:\.\d*+)?")
NO_NUMBER = re.compile(r"[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
PERCENT = re.compile(r" ?(?:%|percent\b|pct\b|per cent\b)", re.IGNORECASE)
CUT = re.compile(r"[ '’]\d{3}(?!\d)")  # 1 234.5 and 1'234.5: how much it is, is not known
TURNED = re.compile(r" ?(?:→|to|now) ?")  # from 0.81 to 0.84
OLD = re.compile(
    r"\b(?:improved?|increased?|decreased?|rose|fell|dropped|reduced|went|changed|up|down|from|was)\b",
    re.IGNORECASE,
)
BESIDE = re.compile(r" ?[,;/–—-]? ?")
SENTENCE = re.compile(r"[.;!?,] (?![^()]{0,60}\))")
BRACKETS = re.compile(r"\([^()]{0,60}\)")
MEANS = re.compile(r"\b(?:with|using)\b[^:=]*")  # of which model it is
ENDS = " ,.;:!?('\"="
WORD = re.compile(r"[^\W\d_]\w*")
NO_METRICS = {"seconds", "speedup", "throughput", "cost"}  # which tell that a number is none of a model's
CALLED = re.compile(r"\w\([^()]*$")
AFTER = re.compile(r"[^\d,;|(]{1,60}(?=[,;|(]|$)")


@dataclass(frozen=True)
class Claim:
    """A number that a script says of rows held out."""

    value: float  # as printed; NaN for what is no finite number
    percent: bool = False  # with the sign
    whole: bool = False  # without a decimal point: it may be a count, where no metric's name stands beside it
    kind: str = ""  # as in `labels.kind`
    words: str = ""  # beside it, that are not known
    said: str = ""  # its clause, in plain words
    part: bool = False  # of one fold, or of a baseline


def claims(line: str, *, held: bool = False) -> Iterator[Claim]:
    """Yield what a line claims of rows held out, the last first. `held`: lines above say that it is of such rows."""
    line = tidy(line)
    part, line = bool(PART.search(line)), uncounted(line)
    found: list[Claim | None] = []
    side, clause, trained, end = held, "", "", 0
    for blob in list(BLOB.finditer(line))[-MOST:]:
        gap, end = line[end : blob.start()], blob.end()
        number = None if _is_inside(line, blob.start(), end) else _number(blob.group(), line[end : end + 20])
        turned = bool(found) and TURNED.fullmatch(gap)
        clause = OLD.sub(" ", clause) if turned else gap
        if found and (turned or _are_two(found[-1], number, gap)):
            number, found[-1] = number if turned else None, None
        own = _side(clause)
        side = side if own is None else own
        claim = None
        if number and not re.search(r"\w", clause):
            claim = _followed(number, line[end:])
        elif number and (side or (own is None and _side(_bracketed(line[end:])))):
            claim = _introduced(number, clause, trained)
        found.append(claim)
        trained = kind(plain(clause)) if own is False else ""
        if own is not None and _joined(clause):
            side = held
    yield from (replace(claim, part=part) for claim in reversed(found) if claim)


def _is_inside(line: str, start: int, end: int) -> bool:
    """Whether a number is a setting of a call, `LGBMClassifier(validation_fraction=0.1`, or one of a list."""
    before = line[max(0, start - 200) : start]
    return bool(CALLED.search(before)) or (before.rstrip().endswith("[") and "]" not in line[end : end + 3])


def _are_two(before: Claim | None, number: Claim | None, gap: str) -> bool:
    """Whether two numbers stand side by side, so that nobody knows which one is meant: "0.9 / 0.8"."""
    return bool(before and number and before.whole == number.whole and BESIDE.fullmatch(gap))


def _side(clause: str) -> bool | None:
    """Tell of which rows a clause speaks, by its last word for some."""
    words = plain(clause)
    found = list(SIDE.finditer(words))
    if not found:
        return None
    if any(match["fold"] for match in found):
        return not any(match["seen"] for match in found)
    *_, last = found
    if (
        len(found) > 1
        and PAIRED.fullmatch(words, found[-2].end(), last.start())
        and found[-2]["seen"] != last["seen"]
    ):
        return False
    return not last["seen"]


def _bracketed(after: str) -> str:
    """Return what stands in brackets right behind a number, "" where it is more than a word or two: "(validation set)"."""
    found = re.match(r" ?%? ?\(([A-Za-z _-]{1,30})\)", after)
    return found[1] if found else ""


def _joined(clause: str) -> bool:
    """Whether the word for some rows is a part of a name, `val_acc`, and says nothing of what follows."""
    *_, last = SIDE.finditer(plain(clause))
    return clause[last.end() : last.end() + 1] in tuple("_-/'")


def _number(text: str, after: str) -> Claim | None:
    """Read what begins like a number; None where it is of a unit that no score has, or written in an unknown way."""
    text = text.rstrip(",.:!?$€£/")
    percent = text.endswith("%")
    text = text.rstrip("%")
    if not percent and (sign := PERCENT.match(after)):
        percent, after = True, after[sign.end() :]
    whole = not re.search(r"[.e]", text, re.IGNORECASE)
    if UNIT.match(after) or (whole and CUT.match(after)):
        return None
    if NO_NUMBER.fullmatch(text):
        return Claim(math.nan)
    if THOUSANDS.fullmatch(text):
        text = re.sub("[,_]", "", text)
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return Claim(value if math.isfinite(value) else math.nan, percent, whole)


def _introduced(number: Claim, clause: str, trained: str) -> Claim | None:
    """Return the claim of a number after its words; None where these say that it is something else.

    `trained` is the kind of the number before, of rows that were trained on: "train RMSE 1.2 val 1.5".
    """
    clause = SENTENCE.split(clause.rstrip(ENDS))[-1]
    words = plain(clause)
    known, sides = list(mentions(words)), list(SIDE.finditer(words))
    if not (known or sides) or _is_other(words):
        return None
    # Brackets explain; their words were looked at above.
    begin = known[-1].end if known else sides[-1].end()
    between = plain(MEANS.sub("", BRACKETS.sub("", clause[begin:])))
    odd = [word for word in WORD.findall(SIDE.sub(" ", between)) if word not in FILLER | QUALIFIERS]
    if (known and odd) or (not known and OTHER_ALONE.search(words)):
        return None
    alone = not re.search(r"[^\W_]", SIDE.sub("", words))
    return replace(
        number,
        kind=kind(words) or (trained if alone else ""),
        words=" ".join(odd),
        said=" ".join(words.split()),
    )


def _followed(number: Claim, after: str) -> Claim | None:
    """Return the claim of a number before its words, "0.84 validation accuracy"; None where they are others."""
    said = AFTER.match(after)
    if number.whole or not said or not _side(said.group()):
        return None
    words = plain(said.group())
    odd = set(WORD.findall(SIDE.sub(" ", nameless(words)))) - FILLER - QUALIFIERS
    if odd or _is_other(words):
        return None
    return replace(number, kind=kind(words), said=" ".join(words.split()))


def _is_other(words: str) -> bool:
    """Whether words say that a number is no score. In a metric's name they do not: "error rate", "bits per char"."""
    return bool(OTHER.search(nameless(words, but=NO_METRICS)))
