"""Floor 0: working memory (state), files by hash (artifacts) and long-term memory (history, cases).

What a node reads and writes stands here: the state's types, and how attempts are read. The stores reach it by `Deps`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory.attempts import Attempt, Execution, Score, best_script, briefing, chain, line, recalled
    from memory.state import NANO, Best, Fault, Plan, Recalled, Route, Run, RunState, Shared, Task

__all__ = [
    "NANO", "Attempt", "Best", "Execution", "Fault", "Plan", "Recalled", "Route", "Run", "RunState", "Score", "Shared", "Task",
    "best_script", "briefing", "chain", "line", "recalled",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use: each script's runner imports a neighbour, and needs none of these."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    state = import_module("memory.state")
    return getattr(state if hasattr(state, name) else import_module("memory.attempts"), name)
