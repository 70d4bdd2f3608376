"""What other runs taught a step: the remembered items that it was given, each with its source and how similar that is."""

from collections.abc import Iterator, Mapping
from typing import Any

from memory import lessons
from memory.artifacts import Artifacts
from memory.cards import one_line

WORDS = 120  # characters of an item that is no lesson


def taught(event: Mapping[str, Any], artifacts: Artifacts, run: str) -> Iterator[str]:
    """Yield a line for each item of another run that the memory supplied after this step, for the one that it led to."""
    for item in event.get("history", []):
        own = str(item["source"]).partition("/")[0] in (run, "cases")
        if not own:
            yield f"{item['kind']}: {_words(item, artifacts.json(item['id']))}"


def _words(item: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    lesson = lessons.read(content) if item["kind"] == "similar" else None
    if lesson:
        return lessons.told(lesson, item["similarity"])
    words, source = lessons.quoted(_said(content), WORDS), one_line(item["source"], WORDS)
    return f"{words}; similarity {item['similarity']:.2f}, from {source}"


def _said(content: Mapping[str, Any]) -> Any:
    """Return an item's own text; an attempt, which has none, is told by what it was to do."""
    plan = content.get("plan")
    told = plan if isinstance(plan, dict) else {}
    return content.get("text") or told.get("instruction") or told.get("action", "")
