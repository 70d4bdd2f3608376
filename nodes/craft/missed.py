"""A reply that was of no use, counted: rules lead elsewhere where there are too many in a row."""

from memory.state import Counts, RunState


def missed(state: RunState) -> Counts:
    """Return the state's counts with one more miss."""
    return state.counts | {"misses": state.counts.get("misses", 0) + 1}
