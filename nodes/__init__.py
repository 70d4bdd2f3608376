"""Floor 1: the five nodes. A node reads a frozen state, touches the world through `Deps` alone and returns an update.

What a node of your own needs stands here; the other protocols that `Deps` bundles are in `nodes.deps`.
"""

from nodes.able import Able
from nodes.declares import declares
from nodes.deps import Deps, Here, Message, Reply
from nodes.notes import note, told_by_others

__all__ = ["Able", "Deps", "Here", "Message", "Reply", "declares", "note", "told_by_others"]
