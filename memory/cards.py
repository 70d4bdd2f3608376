"""A task's card: what it is about, in words by which tasks like it are found. No row of its data is in it."""

from collections.abc import Mapping
from typing import Any

from memory.attempts import signature
from memory.briefing import Briefing

GIST = 400  # characters of the task's text
NAMES = 24  # columns that are named
SHORT = 40  # characters of a metric's name
ABOUT = 120  # characters that another task's model may read of it
TYPES = ("numeric", "categorical", "text", "dates")  # of a table's columns


def card(facts: Briefing, text: str, metric: str, direction: str) -> dict[str, Any]:
    """Return the card as an item of the history, from the briefing, the task's text and its metric's name.

    Its `text` is what is embedded: kinds, sizes, types, names of columns, metric and the beginning of the task's text. It says
    the kinds first, since the embedding is a mean of words: two tables of other columns are to be near each other.
    """
    kinds, metric = facts.get("kinds", []), one_line(metric, SHORT)
    parts = [
        " ".join(kinds).replace("_", " "),
        f"metric {metric}, {direction}",
        _sizes(facts),
        " ".join(map(str, facts.get("table", {}).get("features", [])[:NAMES])),
        one_line(text, GIST),
    ]
    return {
        "kind": "card",
        "run": "",  # the task's: many runs of it keep one card
        "text": ". ".join(filter(None, parts)),
        "about": about(facts, metric),
        "kinds": list(kinds),
        "metric": metric,
        "direction": direction,
        "signature": signature(facts),
    }


def about(facts: Briefing, metric: str) -> str:
    """Say in a few words what a task is: kinds, size and metric, with no name of a column."""
    return one_line(
        "; ".join(filter(None, [", ".join(facts.get("kinds", [])[:5]), _sizes(facts), metric])), ABOUT
    )


def one_line(text: object, most: int) -> str:
    """Return a text as one line of at most `most` characters: no line of it can look like a heading or a turn of its own."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= most else words[: most - 3] + "..."


def _sizes(facts: Briefing) -> str:
    """Say how large the data are, rounded down to a power of ten: a task of twice the rows is the same in this."""
    table: Mapping[str, Any] = facts.get("table") or {}
    if not table:
        return " ".join(sorted({file["what"] for file in facts.get("files", [])}))
    columns = [f"{len(table[kind])} {kind}" for kind in TYPES if table.get(kind)]
    return f"{10 ** (len(str(table.get('rows_train', 0))) - 1)}+ rows, {', '.join(columns)}"
