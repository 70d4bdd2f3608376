"""What is not sure of a briefing: code has read the files, and may have taken them for what they are not."""

import re
from collections.abc import Mapping
from typing import Any

from memory.briefing import Briefing
from nodes.craft.told import told
from nodes.craft.within import within

# Words of a task that speak of numbers, and of classes.
OF_NUMBERS = re.compile(
    r"(?i)regress|\b(?:rmsl?e|mae|mse|s?mape|r2)\b|R²|(?:squared|absolute|percentage) error"
)
OF_CLASSES = re.compile(r"(?i)classif|accuracy|\bf1\b|\b(?:roc|auc)\b|log[ -]?loss|categor(?:y|ies)")
WHY = 300  # characters of why something does not hold
MANY, EACH = 50, 10  # classes, and rows of each on average, beyond and below which they may be none
SUBJECTS = ("table", "arrays", "graph")  # parts of a briefing that may be a classification


def doubts(facts: Briefing, text: str, metric: str) -> list[str]:
    """Return what a reader should doubt, a sentence each; `text` is the task in words, `metric` its name there."""
    found = [
        f"part of the data could not be read: {told(problem, text)}" for problem in facts.get("problems", [])
    ]
    if untrue := facts.get("untrue"):
        found.append(f"what a model said of the tables, as it does not hold: {within(untrue, WHY)}")
    if facts.get("told") and not untrue:
        return found  # what they are has been said, and held against the files
    if "unknown" in facts.get("kinds", []):
        found.append(
            "what kind of task this is and what its target is, not recognised from the files; see the task's text"
        )
    found += _about_metric(facts, text, metric)
    for name in SUBJECTS:
        part = facts.get(name)
        if isinstance(part, Mapping):
            found += _about_target(part, text)
    return found


def about_kind(facts: Briefing, text: str) -> bool:
    """Tell whether it is not sure what is predicted, and how: no kind is known, or the text contradicts it."""
    parts = [part for name in SUBJECTS if isinstance(part := facts.get(name), Mapping)]
    return "unknown" in facts.get("kinds", []) or any(_about_target(part, text) for part in parts)


def _about_metric(facts: Briefing, text: str, metric: str) -> list[str]:
    """Doubt a metric that neither the task's name for it nor its text says."""
    name = facts.get("metric", {}).get("name", "").casefold()
    said = re.sub(r"[_\W]+", " ", f"{metric} {text}").casefold()
    initials = r"\b" + " ".join(
        rf"{letter}\w*" for letter in name if letter.isalpha()
    )  # mae: mean absolute error
    if not name or all(word in said for word in name.split("_")) or re.search(initials, said):
        return []
    return [f"that the metric is {name}: it was guessed"]


def _about_target(part: Mapping[str, Any], text: str) -> list[str]:
    """Doubt a classification of what the text calls numbers, or of too many classes, and the other way round."""
    problem = part.get("problem") or part.get("task")
    of_numbers, of_classes = OF_NUMBERS.search(text), OF_CLASSES.search(text)
    classes, rows = (
        part.get("classes") or 0,
        part.get("rows_train") or part.get("rows") or part.get("known") or 0,
    )
    if problem == "classification" and of_numbers and not of_classes:
        return ["that it is a classification: the text speaks of numbers"]
    if problem == "regression" and of_classes and not of_numbers:
        return ["that it is a regression: the text speaks of classes"]
    if problem == "classification" and classes > MANY and classes * EACH > rows:
        return [f"that the {classes} different values of the target are classes"]
    return []
