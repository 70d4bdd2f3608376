"""What was chosen already, in the nodes' notes: a case or an idea that leaves no attempt is not chosen once more."""

from typing import Any

from memory.state import RunState

SHORT = 12  # letters of a case's id, or of an idea's key
CHOSEN = "chosen"


def chosen(state: RunState) -> set[str]:
    """Return what any node of the graph has chosen: beginnings of cases' ids, and keys of ideas."""
    notes = [note.get(CHOSEN) for note in state.notes.values() if isinstance(note, dict)]
    return {name for names in notes if isinstance(names, list) for name in names}


def with_choice(state: RunState, node: str, name: str, last: int = 100) -> dict[str, Any]:
    """Return the node's own notes with `name` among its newest choices."""
    own = state.notes.get(node, {})
    return {**own, CHOSEN: [*own.get(CHOSEN, []), name[:SHORT]][-last:]}
