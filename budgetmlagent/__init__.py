"""BudgetMLAgent, the application: a graph, a task and a sum of money made into a run."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from budgetmlagent.records.frame import runs
    from budgetmlagent.run.session import Session
    from graphs.spec import GraphSpec

__version__ = "0.1.0"
__all__ = ["GraphSpec", "Session", "__version__", "runs"]


def __getattr__(name: str) -> Any:
    """Import on first use: LangGraph alone takes two seconds, and `budgetml --help` must not wait for it."""
    if name == "Session":
        from budgetmlagent.run.session import Session

        return Session
    if name == "GraphSpec":
        from graphs.spec import GraphSpec

        return GraphSpec
    if name == "runs":
        from budgetmlagent.records.frame import runs

        return runs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
