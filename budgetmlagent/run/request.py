"""What a run is asked for: by `budgetml run`, by `Session(...)` and by `langgraph dev` alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphs.spec import GraphSpec


@dataclass(frozen=True)
class Request:
    """A run as asked for, with the default of every option. `order.plan` checks it.

    What a recorded run was begun with, None leaves to it: a replay is then the same run; for any other, `DEFAULTS` holds.
    """

    task: str
    """A bundled task's name, or a task folder."""
    graph: "str | Path | GraphSpec | None" = None
    """A shipped graph's name, a .yaml file, or a graph."""
    models: str | Path | None = None
    """A models.yaml, `embedded`, or `replay:RUN_DIR`; None: what budgetml.toml says, else the embedded models."""
    budget: float | None = None
    """Dollars that may be spent: a hard cap."""
    turns: int | None = None
    """Decisions of the planner."""
    seed: int | None = None
    """Of the models' sampling."""
    history: str | None = None
    """What may be remembered: off, run or all."""
    runs_dir: str | Path = "runs"
    """Where runs, ledger and shared memory lie."""
    unsafe: bool = False
    """Run scripts without a sandbox: they can do all that the user can."""
    direction: str | None = None
    """Of the metric, max or min, where the task does not say it."""
    project_budget: float | None = None
    """Dollars that all runs of `runs_dir` may spend together, from now on; None: it stays as it is."""
    approve: str = ""
    """Which calls wait for a person's word before they are paid for: expert, up, all, or "" for none."""
    above: float = 0.0
    """With `approve`: dollars that a call may cost without being asked for."""
    minutes: float | None = None
    """Time that the run may take; None: no limit."""
    aim: str | None = None
    """success: stop soon after the goal (10% better than the starter) is met; best: go on while money and turns last."""
    trust: bool = False
    """The interpreter that the task names may be started as the user, and budgetml.toml is obeyed; that is remembered."""


DEFAULTS: dict[str, Any] = {
    "graph": "budgetml", "budget": 0.25, "turns": 12, "seed": 0, "history": "all", "aim": "best",
}  # fmt: skip
