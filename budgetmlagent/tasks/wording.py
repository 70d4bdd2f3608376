"""What a task in words says of its metric, where its words are plain."""

import re

from budgetmlagent.tasks.metrics import Direction, Named, mentioned, named

LOOSE = {"accuracy"}  # said of any score: "improve its accuracy"
# What a task says it is scored by, up to the end of the clause: a plain name is followed by what does not alter it.
STATEMENT = re.compile(
    r"\b(?:metric|scores?|scoring|measure|evaluat\w+|scored|measured|judged|ranked)\b"
    r"(?:\s+(?:metric|function|used|here|of (?:this|the) task))?(?:\s*[:=]\s*|\s+(?:is|are|by|with|on|using|as|will be|uses)\s+)"
    r"(?:by\s+)?(?:the\s+|an?\s+)?[`*\"']*(?P<name>[A-Za-z][\w@²^'’ \t-]{0,80}?)[`*\"']*(?:\s*\([^)\n]{0,80}\))?"
    r"(?=\s*(?:[.,;:\n()]|$)|\s+(?:of|on|over|between|in|for|per|and|averaged|across|computed|measured|as|by|from|at)\b)",
    re.IGNORECASE,
)
TURNED = re.compile(
    r"\b(?:minus|negated|inver(?:se|ted)|reciprocal)\b|\b1(?:\.0)?\s*[-/–−]\s*[(A-Za-z]|\b100\s*[-–−]\s*\w",
    re.IGNORECASE,
)
SCORES = re.compile(r"\b(?:metrics?|scor(?:es?|ed|ing)|evaluat\w+)\b", re.IGNORECASE)
BETTER = re.compile(
    r"\b(?:(?P<less>less|lower|smaller|fewer)|more|higher|greater|larger|bigger)"
    r"(?:\s+(?:scores?|values?|numbers?))?(?:\s+(?:is|are|means?)|\s*=)\s+better\b",
    re.IGNORECASE,
)


def stated(text: str) -> Named | None:
    """The one metric that `text`, a task in words, plainly says it is scored by; None where it is less than plain.

    "The score is the RMSE." is plain; two metrics, or "100 minus the RMSE", are not.
    """
    if TURNED.search(text):
        return None
    said = {found for match in STATEMENT.finditer(text) if (found := named(match["name"]))}
    others = mentioned(text) - {found.name for found in said} - LOOSE
    return said.pop() if len(said) == 1 and not others else None


def about_scores(text: str) -> str:
    """The sentences of `text` that speak of the score: of a column, too, less may be better."""
    return "\n".join(part for part in re.split(r"(?<=[.!?])\s|\n\s*\n|\n[-*]", text) if SCORES.search(part))


def better(text: str) -> Direction | None:
    """Which way is better by the plain words of `text`, such as "less is better"; None where they do not say, or both."""
    said: set[Direction] = {"min" if match["less"] else "max" for match in BETTER.finditer(text)}
    return said.pop() if len(said) == 1 else None
