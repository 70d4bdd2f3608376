"""The data and the machine in words, for capable models: nothing here changes while a run lasts."""

from memory.briefing import Briefing
from nodes.craft.doubts import doubts
from nodes.deps import Task

LIBRARIES = 16  # that are named
COLUMNS, ARRAYS = 20, 8  # of a submission, that are named
UNITS = {"time": "", "processes": " processes"}  # of a task's limits, that are not told as "2 GB of memory"


def data(facts: Briefing, task: Task) -> str:
    """Return what is known of the data, a line each: the summary, each file, rows where they may be shown, what is not sure."""
    rows = facts.get("rows", {}) if task.rows else {}
    lines = [
        f"The data, as code has read it: {facts.get('summary', '')}".strip(),
        *(f"- {line}" for line in facts.get("contents", [])),
        *(f"First rows of {name}: {first}" for name, first in rows.items()),
        *(f"Not sure: {doubt}." for doubt in doubts(facts, task.text, task.metric)),
    ]
    if made := submission(facts):
        lines.append(f"The starter submits {made}.")
    return "\n".join(lines)


def machine(facts: Briefing, task: Task) -> str:
    """Return what one execution may use and what is installed for it."""
    known = facts.get("machine")
    parts = [
        f"{amount}{UNITS.get(what, f' of {what}')}"
        for what, amount in task.allowed.items()
        if what != "output"
    ]
    if known:
        parts.append(f"{known['cores']} CPU core{'s' * (known['cores'] > 1)}")
        parts.append("a GPU" if known.get("gpu") else "no GPU")
        parts.append("the network" if known.get("network") else "no network")
    lines = [f"Each run of a script may use {', '.join(parts)}."] if parts else []
    if known:
        versions = [("Python", known["python"]), *list(known["libraries"].items())[:LIBRARIES]]
        lines.append(f"Installed: {', '.join(f'{name} {version}' for name, version in versions)}.")
    return "\n".join(lines)


def submission(facts: Briefing) -> str:
    """Return what the starter submits, by its form: the file, and its rows, columns or arrays."""
    made = facts.get("submission") or {}
    parts = [f"{made['rows']} rows"] if made.get("rows") else []
    if columns := made.get("columns"):
        types = made.get("dtypes", {})
        more = ["..."] if len(columns) > COLUMNS else []
        named = [f"{name} {types.get(name, '')}".strip() for name in columns[:COLUMNS]]
        parts.append(f"columns {', '.join([*named, *more])}")
    arrays = list(made.get("arrays", {}).items())[:ARRAYS]
    parts += [f"{name} {array['shape']} {array['dtype']}".strip() for name, array in arrays]
    parts += [f"a JSON {made['json']}"] if "json" in made else []
    return f"{made['file']} ({'; '.join(parts)})" if made.get("file") else ""
