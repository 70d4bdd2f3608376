"""A printed line without what counts, dates and colours it. The text may mean harm: its end alone is read."""

import re

LONGEST = 1000  # characters of a line, its last ones: what is said there has the last word
COLOUR = re.compile(r"\x1b\[[\d;]{0,20}m")
CLOCK = re.compile(
    r"(?<![\d.])(?:\d{4}[-/.]\d\d?[-/.]\d\d?[T ]?)?\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?![\d:])"
)
LOGGER = re.compile(r"^(?:DEBUG|INFO|WARNING|ERROR):[\w.]{1,80}:")
HUMPS = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")  # valAccuracy
SPREAD = re.compile(r"\+ ?/? ?- ?(?=[.\d])")
ARROW = re.compile(r"[-=]{1,3}>")
WRAPPED = re.compile(r"\b(?:np\.float\d\d|tensor)\(([-+.\de]{1,30})(?:, [^()]{0,60})?\)")
RULES = re.compile(r"([-=_*#~.])\1{2,}")
# Numbers that count or place, by the words that stand beside them.
NUMBERED = r"epochs?|steps?|iter(?:ation)?s?|rounds?|folds?|cv|split|trial|seed|run|model|stage|n|k|dataloader|batch|level"
COUNTER = re.compile(
    rf"(?<![a-z])(?:{NUMBERED})[ #:=\[(]{{0,3}}\d{{1,12}}(?: ?/ ?\d{{1,12}})?(?![.,]?\d|%)"
    r"|(?<![\w.,])\d{1,12}[- ]?(?:folds?|epochs?|steps?|iter(?:ation)?s?|rounds?|seeds?|trials?|models?|repeats|runs)(?![a-z])"
    r"|(?<![\w.,])\d[\d,]{0,12} ?(?:rows|samples|examples|images|features|columns|params|parameters|trees|points)(?![a-z])"
    r"|(?<![\w.,])\d{1,12} (?:of|out of) \d{1,12}(?![\w.])"
    r"|(?<![\w.,])[\[(] ?\d{1,12}(?: ?/ ?\d{1,12})? ?[\])]",
    re.IGNORECASE,
)
COUNTED = "◦"  # in the place of such a number
# Of a part of the rows held out, or of a model that is not the last one.
PART = re.compile(
    r"(?<![a-z])(?:folds?|cv|split)[ #:=\[(]{0,3}\d{1,12}(?![.,]?\d|%)|(?<![a-z])baseline(?![a-z])",
    re.IGNORECASE,
)


def tidy(line: str) -> str:
    """Return the end of a line without colours and times of day, with one blank where there were several."""
    line = CLOCK.sub(" ", COLOUR.sub("", line[-LONGEST:]).replace("−", "-"))
    line = WRAPPED.sub(r"\1", LOGGER.sub("", line))
    line = HUMPS.sub(" ", SPREAD.sub(" ± ", ARROW.sub(" → ", line)))
    return re.sub(r"\s+", " ", RULES.sub(" ", line))


def uncounted(line: str) -> str:
    """Return a tidy line without numbers that count; of folds, the word is left."""
    return COUNTER.sub(_counted, line)


def _counted(counter: re.Match[str]) -> str:
    held = re.search("fold|cv", counter.group(), re.IGNORECASE)
    return f" {held.group() if held else ''} {COUNTED} "
