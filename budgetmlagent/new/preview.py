"""What was understood of a table, a row for each of its columns: what a person looks at before anything is written."""

from collections.abc import Sequence
from typing import Any

from budgetmlagent.new.fromtable import Plan

HEAD = ("column", "read as", "missing", "examples", "role")
SHOWN = 40  # columns; of more the last ones are counted
EXAMPLES = 3
LONGEST = 24  # letters of an example


def rows(plan: Plan, header: Sequence[str]) -> list[tuple[str, ...]]:
    """Name, type, share of missing values, examples and role of each column, those of the `header` that are left out too."""
    found = [_row(plan, name) for name in plan.header if name in header]
    gone = [(name, "", "", "", "left out") for name in header if name not in plan.header]
    return [*found[:SHOWN], *gone[:SHOWN]]


def more(plan: Plan) -> int:
    """How many columns the rows do not show."""
    return max(0, len(plan.header) - SHOWN)


def _row(plan: Plan, name: str) -> tuple[str, ...]:
    values = plan.frame[name]
    missing = f"{values.isna().mean():.0%}" if values.isna().any() else ""
    examples = ", ".join(_short(value) for value in values.dropna().drop_duplicates().head(EXAMPLES))
    return name, _type(plan, name), missing, examples, _role(plan, name)


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _type(plan: Plan, name: str) -> str:
    """What the column holds."""
    if name == plan.target:
        return "number" if not plan.labels else f"{len(plan.labels)} labels"
    columns = plan.columns
    for kind, names in (
        ("number", columns.numbers),
        ("category", columns.categories),
        ("text", columns.texts),
    ):
        if name in names:
            return kind
    if name in plan.dates:
        return "date"
    values = plan.frame[name]
    if not values.notna().any():
        return "empty"
    return "number" if values.dtype.kind in "iuf" else "words"


def _role(plan: Plan, name: str) -> str:
    """What the column is for."""
    columns = plan.columns
    roles = {
        plan.target: f"target, {plan.kind}", plan.id: "row id", plan.apart.group: "group, kept on one side", plan.apart.time: "time, latest held out",
    }  # fmt: skip
    if name in roles:
        return roles[name]
    if name in plan.leaks:
        return "learned from; may tell the target"
    used = {*columns.numbers, *columns.categories, *columns.texts}
    return "learned from" if name in used else "not used by the starter"
