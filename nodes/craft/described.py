"""The data and the machine in words, for capable models: nothing here changes while a run lasts."""

import re
from collections.abc import Mapping
from typing import Any

from memory.briefing import Briefing
from nodes.craft.doubts import doubts
from nodes.deps import Task

SIZES = re.compile(
    r"Tables: |\S+(\[[^\]]*\])?: shape \["
)  # lines of a summary that say what the contents say, too
LENGTHS = re.compile(r"\bof (\d+) characters")  # of a column's values: their mean
KINDLESS = (
    "The kind of the task is not known."  # in a summary; among what is not sure it is said with what to do
)
LIBRARIES = 12  # that are named
COLUMNS, ARRAYS = 20, 8  # of a submission, that are named
UNCOUNTED = 8  # columns that the summary leaves out, that are named
LIMITS = {"time": "", "memory": " of memory", "disk": " of disk"}  # those of a task that a script comes near
TIME = (
    "The time counts from the start of the process, imports included, on a machine that others may use too: plan for at most two"
    " thirds of it. A script that goes over is stopped and counts for nothing."
)


def data(facts: Briefing, task: Task) -> str:
    """Return what is known of the data, a line each: the summary, each file, rows where they may be shown, what is not sure."""
    rows = facts.get("rows", []) if task.rows else list[str]()
    contents = [LENGTHS.sub(r"of about \1 characters", line) for line in facts.get("contents", [])]
    summary = [
        line
        for line in facts.get("summary", "").splitlines()
        if line != KINDLESS and not (contents and SIZES.match(line))
    ]
    lines = [
        "The data, as code has read it: " + "\n".join(summary),
        *_uncounted(facts),
        *(f"- {line}" for line in contents),
        *(f"First rows of {line}" for line in rows),
        *(f"Not sure: {doubt}." for doubt in doubts(facts, task.text, task.metric)),
    ]
    if made := submission(facts):
        lines.append(f"The starter submits {made}.")
    return "\n".join(lines)


def _uncounted(facts: Briefing) -> list[str]:
    """Say which columns the summary does not count, and why: of 64 pixels it tells 61 as numbers."""
    table: Mapping[str, Any] = facts.get("table") or {}
    left_out = [str(column) for column in table.get("drop", []) if column != table.get("id")]
    if not left_out:
        return []
    more = f" and {len(left_out) - UNCOUNTED} more" if len(left_out) > UNCOUNTED else ""
    named = ", ".join(left_out[:UNCOUNTED]) + more
    return [f"Not counted there, as they are constant or only name the rows ({len(left_out)}): {named}."]


def machine(facts: Briefing, task: Task) -> str:
    """Return what one execution may use and what is installed for it."""
    known = facts.get("machine")
    parts = [f"{task.allowed[what]}{unit}" for what, unit in LIMITS.items() if what in task.allowed]
    if known:
        parts.append(f"{known['cores']} CPU core{'s' * (known['cores'] > 1)}")
        parts.append("a GPU" if known.get("gpu") else "no GPU")
        parts.append("the network" if known.get("network") else "no network")
    lines = [f"Each run of a script may use {', '.join(parts)}."] if parts else []
    lines += [TIME] if "time" in task.allowed else []
    if known:
        cores = known["cores"]
        # As the sandbox sets them: OpenBLAS' threads spin while they wait, and so get half of the cores.
        lines.append(f"BLAS threads: {max(1, cores // 2)} (OpenBLAS); OpenMP threads: {cores}.")
        installed = [f"Python {known['python']}", *known["libraries"][:LIBRARIES]]
        lines.append(f"Installed: {', '.join(installed)}.")
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
    if nameless := made.get("nameless"):
        parts.append(f"{nameless} column{'s' * (nameless > 1)} without names: its first row is one of values")
    arrays = list(made.get("arrays", {}).items())[:ARRAYS]
    parts += [f"{name} {array['shape']} {array['dtype']}".strip() for name, array in arrays]
    parts += [f"a JSON {made['json']}"] if "json" in made else []
    return f"{made['file']} ({'; '.join(parts)})" if made.get("file") else ""
