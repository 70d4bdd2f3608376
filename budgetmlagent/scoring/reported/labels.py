"""Which metric words name: those of a printed line, of a task, of a script. The metrics are `tasks/metrics.KNOWN`."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache

from budgetmlagent.tasks.metrics import KNOWN, ORDINARY

# How libraries write a metric in what they print, beside the ways of KNOWN.
PRINTED = {
    "l1": "mae", "l2": "mse", "mlogloss": "log_loss", "merror": "error", "binary error": "error", "multi error": "error",
    "binary logloss": "log_loss", "multi logloss": "log_loss", "sparse categorical cross entropy": "log_loss",
    "categorical crossentropy": "log_loss", "binary crossentropy": "log_loss", "crossentropy": "log_loss",
    "binary accuracy": "accuracy", "categorical accuracy": "accuracy", "sparse categorical accuracy": "accuracy",
    "aucpr": "average_precision", "mean iou": "iou", "r 2": "r2", "roc auc ovr": "auc", "rsquare": "r2",
    "bits char": "bits", "bits byte": "bits", "bits token": "bits", "root mse": "rmse",
} | {
    form.format(average): f"f1_{average}"
    for average in ("macro", "micro", "weighted", "samples")
    for form in ("f1 {}", "f1 score {}", "{} f1", "{} avg f1", "{} average f1", "{} averaged f1", "f1 {} average", "f1 {} avg")
}  # fmt: skip
VAGUE = {
    "loss",
    "error",
    "cost",
}  # a number that is trained on, or any mistake: another word beside it says which
# Words that make another metric of the one that they stand beside.
QUALIFIERS = {
    "macro", "micro", "weighted", "samples", "log", "logs", "logarithmic", "normalized", "normalised", "relative", "scaled",
    "standardized", "neg", "negative", "negated", "minus", "inverse", "adjusted", "median", "top", "balanced", "root", "sqrt",
}  # fmt: skip
NEGATED = {"neg", "negative", "negated", "minus", "inverse"}
AT = re.compile(r" ?@ ?(\w+)")
MIXED = "?"  # of several metrics at once


@dataclass(frozen=True)
class Mention:
    """A metric that is named in a text, from `start` to `end`."""

    name: str  # in KNOWN
    start: int
    end: int


def plain(text: str) -> str:
    """Return the text in small letters, with blanks for what joins words; what has a place in it keeps that place."""
    return text.lower().translate(JOINS)


JOINS = {ord(sign): " " for sign in "_-/'’\"`*()[]{}:=,;|\t"} | {ord("²"): "2"}


def mentions(words: str) -> Iterator[Mention]:
    """Yield the known metrics that plain `words` name, the longest name first where several begin at one place."""
    for match in _written().finditer(words):
        yield Mention(_names()[" ".join(match.group().split())], match.start(), match.end())


def nameless(words: str, but: Set[str] = frozenset()) -> str:
    """Return plain words with blanks in the place of metrics' names, `but` of these."""
    for mention in mentions(words):
        if mention.name not in but:
            words = words[: mention.start] + " " * (mention.end - mention.start) + words[mention.end :]
    return words


def kind(words: str) -> str:
    """Return what plain `words` say is measured: a metric with what qualifies it, "" for none, "?" for several.

    "macro f1" and "f1 macro" are one kind, "log rmse" and "rmse" are two.
    """
    found = list(mentions(words))
    if not found:
        return ""
    names = {mention.name for mention in found}
    if len(names) > 1:
        names -= {name for name in VAGUE if name != found[-1].name or _falls(names - {name})}
    if len(names) > 1:
        return MIXED
    name = names.pop()
    at = _at(words, found[-1])
    more = sorted(QUALIFIERS.intersection(re.findall(r"[a-z]+", nameless(words))))
    return " ".join([name, *more, *([at.replace(" ", "")] if at else [])])


def metric(kind: str) -> str:
    """Return the name in KNOWN of a kind."""
    return kind.partition(" ")[0]


def best(kind: str) -> str:
    """Return which way of a kind is better, "max" or "min". What is negated goes the other way."""
    way = KNOWN[metric(kind)][1]
    return {"max": "min", "min": "max"}[way] if NEGATED & set(kind.split()) else way


def named_in(text: str) -> set[str]:
    """Return the kinds that a text names, but for words that mean other things in a sentence too."""
    words = plain(text)
    return {
        kind(words[mention.start : mention.end] + _at(words, mention))
        for mention in mentions(words)
        if words[mention.start : mention.end] not in ORDINARY
    }


def _at(words: str, mention: Mention) -> str:
    at = AT.match(words, mention.end)
    return at[0] if at else ""


def _falls(names: Set[str]) -> bool:
    """Whether less of all of these is better, as of a loss: "mse loss" is the mse."""
    return all(KNOWN[name][1] == "min" for name in names)


@cache
def _names() -> dict[str, str]:
    """Every way to write a metric in plain words, with its name."""
    ways = {
        " ".join(plain(written).split()): name
        for name, (others, _) in KNOWN.items()
        for written in (name, *others)
    }
    joined = {
        way.replace(" ", ""): name for way, name in ways.items() if way.count(" ") == 1 and len(way) > 6
    }
    return joined | ways | PRINTED


@cache
def _written() -> re.Pattern[str]:
    every = sorted(_names(), key=len, reverse=True)
    either = "|".join(" {1,3}".join(map(re.escape, way.split())) for way in every)
    return re.compile(rf"(?<![a-z0-9])(?:{either})(?![a-z0-9])")
