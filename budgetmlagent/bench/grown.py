"""A bench that is gone on with: its plan as it is kept, with what is asked for beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.bench.plan import Plan, cells, checked, others, placed
from budgetmlagent.bench.results import PLAN, ended
from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.config import load_models

CELLS = ("tasks", "graphs", "models", "seeds")  # what may be added to
RAISED = ("budget", "turns", "minutes")  # limits of each run, which may be raised
LIMITS = (*RAISED, "history", "project_budget")


def grown(kept: Plan, written: dict[str, Any], given: dict[str, Any], where: str) -> tuple[Plan, list[str]]:
    """Return the plan that goes on, and in lines what it has otherwise than before.

    What a file (`where`) or the command line names of tasks, graphs, models and seeds is added. A limit is changed by the command line
    alone: the one that was given there at first would be lost with a file that says another, the cap of all runs among them.
    Raises UsageError for what is no plan, and for what would have runs of one table under other terms.
    """
    asked = placed(checked(kept.model_dump() | written | given, where))
    found, told = dict[str, Any](), list[str]()
    for name in CELLS:
        before = getattr(kept, name)
        if more := others(getattr(asked, name), known=before):
            found[name] = [*before, *more]
            told.append(f"adds {name} {_listed(more)}")
    for name in LIMITS:
        before, now = getattr(kept, name), getattr(asked, name)
        if now == before:
            continue
        option = f"--{name.replace('_', '-')}"
        if name not in given:
            told.append(
                f"{name} stays {_shown(before)}: {where} says {_shown(now)}, {option} would change it"
            )
            continue
        if name == "history" or (name in RAISED and _is_less(now, before)):
            raise UsageError(
                f"{option} {_shown(now)}: the bench has {_shown(before)}, and its runs would not compare: name another --out"
            )
        found[name] = now
        told.append(f"{name} {_shown(now)}, not {_shown(before)}, {_from(name)}")
    return kept.model_copy(update=found), told


def refuse_others(folder: Path, plan: Plan) -> None:
    """Raise UsageError where runs of the embedded models are to begin beside some that asked others.

    An older version had null for the models that settings named, and its runs would not compare.
    """
    own = [cell for cell in cells(plan) if cell.models is None]
    rows = ended(folder, own, lambda *_: None)
    embedded = {name: spec.model for name, spec in load_models(None).items()}
    other = next((row["models"] for row in rows.values() if row.get("models", embedded) != embedded), None)
    if other and len(rows) < len(own):
        raise UsageError(
            f"{folder / PLAN}: models null are the embedded ones now, and its runs have asked {', '.join(map(str, other.values()))}, by the"
            " settings of an older version: name another --out for those to come; --report tells what is there"
        )


def _is_less(now: float | None, before: float | None) -> bool:
    """Whether a limit of each run is lower than before; None is no limit."""
    return now is not None and (before is None or now < before)


def _from(name: str) -> str:
    return "of all runs together" if name == "project_budget" else "for runs that begin from now on"


def _shown(value: float | str | None) -> str:
    return "open" if value is None else str(value)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(EMBEDDED if value is None else str(value) for value in values)
