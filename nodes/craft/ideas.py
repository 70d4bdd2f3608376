"""From an expert's words to single ideas: a JSON list, numbered items, headings, bullets, or else one block."""

import json
import re
from collections.abc import Iterator, Sequence
from textwrap import dedent
from typing import Any

from memory.ideas import key
from nodes.craft.replies import valid
from nodes.craft.within import within

MOST = 5  # ideas of one answer
LENGTH = 600  # characters of one
WHOLE = 4_000  # of one by a model that was asked for whole ideas
CUT, CODE_CUT = " (cut here)", "\n# (cut here)"
LONGEST = 20_000  # characters of an answer that are looked at
# A line that begins an item: `2. `, `2) `, `### 2: `, `**Idea 2** - `, `- Step 2.`
NUMBERED = re.compile(
    r"[-#>*_ \t]*(?:(?:idea|step|plan|option|change|proposal|suggestion|experiment)[ \t]*#?)?"
    r"[ \t]*(\d{1,2})[ \t]*(?:[.):]|[*_]+[ \t]*[-–—:.]?|[-–—]|(?=\n|\Z))(?!\d)",
    re.IGNORECASE,
)
HEADING = re.compile(r"(#{1,6})[ \t]+\S|[ \t]{0,3}(\*\*)[^*\n]+\*\*:?[ \t]*$")
BULLET = re.compile(r"([-*+•])[ \t]+\S")
FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)
CODE = re.compile(r"^[ \t]*```(?!json)\w*[ \t]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
PLACE = re.compile(
    "\ue000(\\d+)\ue000"
)  # where code was taken out: of a private character, which no answer needs
SKETCH = 4_000  # characters of a sketch
# Marks of bold text stand at a word's end: `P**1.5` is a power, `model__alpha` a name.
DECORATION = re.compile(
    r"^\s*\*\*(?=\s|\Z)|(?<![\w*)\]])\*\*(?=\S)|(?<=\S)\*\*(?![\w*(])|(?<!\w)__(?=\S)|(?<=\S)__(?!\w)|^#+[ \t]*|```\w*",
    re.MULTILINE,
)
# What an answer may say about the matter beside its ideas.
ASIDE = re.compile(
    r"\W*(?:diagnosis|analysis|summary|overview|conclusions?|notes?|problem|dossier|caveats?)\b",
    re.IGNORECASE,
)


def sketched(words: str, *, whole: bool = True) -> list[tuple[str, str]]:
    """Return an answer's ideas in their order, whole, each with the code in fences that stands in it, "" where there is none."""
    text = valid(words[:LONGEST]).replace("\ue000", "")
    blocks = list[str]()

    def taken(block: re.Match[str]) -> str:
        blocks.append(dedent(block[1]).strip("\n"))
        return f"\ue000{len(blocks) - 1}\ue000"

    told: dict[str, tuple[str, str]] = {}
    for part in _parts(CODE.sub(taken, text), whole=whole):
        code = "\n\n".join(blocks[int(place[1])] for place in PLACE.finditer(part))
        what = _line(PLACE.sub(" ", part))
        what, code = within(what, WHOLE, CUT), within(code, SKETCH, CODE_CUT)
        if re.search(r"\w", what):
            told.setdefault(key(what), (what, code))
    return list(told.values())[:MOST]


def ideas(words: str, *, whole: bool = True) -> list[str]:
    """Return an answer's ideas in their order, each on one line: at most `MOST`, of `LENGTH` characters.

    None but for an answer without words. Where it was cut off (not `whole`), the last of several is left out.
    """
    told: dict[str, str] = {}
    for part in map(_clean, _parts(valid(words[:LONGEST]), whole=whole)):
        if re.search(r"\w", part):
            told.setdefault(key(part), part)
    return list(told.values())[:MOST]


def _parts(text: str, *, whole: bool) -> list[str]:
    parts = _of_json(text) or _split(text)
    return parts if whole or len(parts) < 2 else parts[:-1]


def _line(part: str) -> str:
    return " ".join(DECORATION.sub("", part).split())


def _clean(part: str) -> str:
    return within(_line(part), LENGTH)


def _of_json(text: str) -> list[str]:
    """Return the items of a JSON list, or of the list in a JSON object; [] where there is none."""
    for candidate in (text, *FENCED.findall(text)[:3]):
        start = candidate.lstrip()
        if start[:1] not in ("[", "{"):
            continue
        try:
            value, _ = json.JSONDecoder().raw_decode(start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            value = next((part for part in value.values() if isinstance(part, list)), [value])
        if items := [told for told in map(_told, value) if told]:
            return items
    return []


def _told(item: Any) -> str:
    """Return a JSON item as words: of an object its fields."""
    if isinstance(item, dict):
        return "; ".join(
            f"{name}: {value}" for name, value in item.items() if isinstance(value, str | int | float)
        )
    return item if isinstance(item, str) else ""


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    starts = list(_numbered(lines))
    if not starts:
        starts = next((found for found in (_headed(lines), _bulleted(lines)) if len(found) > 1), [])
    if not starts:
        return [text]
    ends = [*starts[1:], len(lines)]
    parts = ["\n".join(lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    parts = [NUMBERED.sub("", part, count=1) if NUMBERED.match(part) else part for part in parts]
    parts = [re.sub(r"\A[-*+•][ \t]+", "", part) for part in parts]
    return [part for part in parts if not ASIDE.match(part)] or parts


def _numbered(lines: Sequence[str]) -> Iterator[int]:
    """Yield the lines that count up from 1, none further in than the first: a list within an item is none of them."""
    number, depth = 1, 0
    for place, line in enumerate(lines):
        found, indent = NUMBERED.match(line), len(line) - len(line.lstrip())
        if found and int(found[1]) == number and (number == 1 or indent <= depth):
            number, depth = number + 1, indent
            yield place


def _headed(lines: Sequence[str]) -> list[int]:
    """Return the lines that are headings of the first kind of which there are two."""
    kinds: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        if found := HEADING.match(line):
            kinds.setdefault(found[1] or found[2], []).append(place)
    return next((places for _, places in sorted(kinds.items()) if len(places) > 1), [])


def _bulleted(lines: Sequence[str]) -> list[int]:
    return [place for place, line in enumerate(lines) if BULLET.match(line)]
