"""A printed line without what counts and colours it. The text may mean harm: its end alone is read."""

import re

LONGEST = 1000  # characters of a line, its last ones: what is said there has the last word
COLOUR = re.compile(r"\x1b\[[\d;]{0,20}m")
LOGGER = re.compile(r"^(?:DEBUG|INFO|WARNING|ERROR):[\w.]{1,80}:")
HUMPS = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")  # valAccuracy
SPREAD = re.compile(r"\+ ?/? ?- ?(?=[.\d])")
ARROW = re.compile(r"[-=]{1,3}>|>{2,3}|[⟶➜⇒➔➡]")
WRAPPED = re.compile(r"\b(?:np\.float\d\d|tensor)\(([-+.\de]{1,30})(?:, [^()]{0,60})?\)")
RULES = re.compile(r"([-=_*#~.])\1{2,}")
BETTER = re.compile(
    r"[(\[]?\b(?:lower|higher|less|more|smaller|larger|bigger|greater) (?:is|=) better\b[)\]]?", re.IGNORECASE
)
# Numbers that belong to a metric's name: precision at 5, top-5 accuracy.
AT = re.compile(r" at (\d{1,6})(?= ?[:=)])")
TOP = re.compile(r"\b(top)[ _-]?\d{1,4}\b", re.IGNORECASE)
# Numbers that count or place, by the words that stand beside them.
SAID_OF = (
    r"folds?|cv|class|label|group|category|target|horizon|quantile|percentile"  # it matters what was numbered
)
NUMBERED = rf"{SAID_OF}|epochs?|steps?|iter(?:ation)?s?|rounds?|split|trial|seed|run|model|stage|n|k|dataloader|batch|level"
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
    """Return the end of a line without colours, with one blank where there were several, and its signs in one form."""
    line = LOGGER.sub("", COLOUR.sub("", line[-LONGEST:]).replace("−", "-"))
    line = AT.sub(r"@\1", TOP.sub(r"\1", WRAPPED.sub(r"\1", line)))
    line = HUMPS.sub(" ", SPREAD.sub(" ± ", ARROW.sub(" → ", line)))
    return re.sub(r"\s+", " ", RULES.sub(" ", BETTER.sub("", line)))


def uncounted(line: str) -> str:
    """Return a tidy line without numbers that count; of folds and parts, the word is left."""
    return COUNTER.sub(_counted, line)


def _counted(counter: re.Match[str]) -> str:
    word = re.search(SAID_OF, counter.group(), re.IGNORECASE)
    return f" {word.group() if word else ''} {COUNTED} "
