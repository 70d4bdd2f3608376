"""Floor 2: the graph as data - fields, rules, compiler, drawing - and the shipped graphs (*.yaml)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphs.model import NodeSpec, Rule
    from graphs.policy import Verdict
    from graphs.spec import GraphError, GraphSpec, shipped

__all__ = ["GraphError", "GraphSpec", "NodeSpec", "Rule", "Verdict", "shipped"]


def __getattr__(name: str) -> Any:
    """Import on first use: pydantic and the reader of YAML take a while, and `budgetml --help` must not wait for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from graphs import policy, spec

    return getattr(policy if name == "Verdict" else spec, name)
