"""Asking a person before money is spent, by LangGraph's interrupts: the run waits, for as long as it takes.

A call that is declined is a reply with the fault `declined`, which rules route on like any other.
"""

from dataclasses import dataclass
from typing import Any

from memory.state import NANO
from nodes.deps import Here

WHEN = ("expert", "up", "all")  # the expert's calls; those above a role's cheapest model too; every one


@dataclass(frozen=True)
class Approval:
    """Which calls need a person's word. Without `when` none does."""

    when: str = ""
    above: int = 0  # nano-dollars that a call may cost without being asked for

    def needed(self, here: Here, worst: int) -> bool:
        """Tell whether a call that may cost `worst` nano-dollars needs a word; one that costs nothing never does."""
        if not self.when or worst <= self.above:
            return False
        expert = here.role == "expert"
        cheapest = next((rung for rung in here.ladder if rung != "recall"), here.model)
        return {"expert": expert, "up": expert or here.model != cheapest, "all": True}[self.when]

    def granted(self, here: Here, worst: int, left: int) -> bool:
        """Wait for a person's word where one is needed. The step is begun again when it is there."""
        if not self.needed(here, worst):
            return True
        from langgraph.types import interrupt

        question = {
            "step": here.step,
            "node": here.node,
            "model": here.model,
            "usd": worst / NANO,  # at most
            "left_usd": max(0, left) / NANO,
        }
        return bool(interrupt(question))


def declined(here: Here, worst: int) -> str:
    """Say that a call was declined, in a sentence."""
    return f"a call of model {here.model!r} for ${worst / NANO:.4f} at most was declined"


def standing(question: dict[str, Any] | None, word: bool | None) -> str:
    """Return what is asked and how a notebook answers it, or the answer that was given; "" where nothing is asked."""
    if question is None:
        return ""
    if word is None:
        return f"waits for your word: {in_words(question)} approve() or approve(False), then run() or step()"
    return f"your word is {'yes' if word else 'no'}: run() or step() goes on with it"


def in_words(question: dict[str, Any]) -> str:
    """Return what is asked, in a line."""
    return (
        f"step {question['step']}, {question['node']}: ask model {question['model']!r} for"
        f" ${question['usd']:.4f} at most, of ${question['left_usd']:.4f} that are left?"
    )
