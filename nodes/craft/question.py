"""What a model is asked when it plans: the task, what is known, what it may choose. A capable one is told more, within bounds."""

from collections.abc import Sequence
from functools import partial

from memory.attempts import briefing, line, reminded
from memory.ideas import in_line
from memory.state import NANO, RunState
from nodes.craft import freely
from nodes.craft.dossier import NEEDED, Dossier, dossier
from nodes.craft.lesson import lessons_told
from nodes.craft.looks import SHOWN
from nodes.craft.offer import Offer
from nodes.craft.tuning import compact
from nodes.craft.within import within
from nodes.deps import Deps, Message
from nodes.notes import told_by_others

FEW_TURNS, LITTLE = 2, 0.2  # turns, and the share of the budget, below which the planner is told what is left
MENDABLE = ("unparsable", "truncated", "noop", "unrenderable")  # faults of a reply that a model is told of
PROMPT = (
    10_300  # bytes that a capable model is asked with: 3,500 tokens of three bytes, less what marks messages
)
TEXT = 2_000  # characters of the task's text that are always told
CUT = " (cut here: the programmer is told all of it)"


def question(state: RunState, deps: Deps, offer: Offer) -> Sequence[Message]:
    """Return the messages that ask a model to choose of an offer."""
    facts = briefing(state, deps.artifacts)
    prompt = partial(
        deps.prompts,
        deps.here.prompt,
        task=deps.task,
        summary=facts.get("summary", ""),
        samples=facts.get("samples", []),
        menu=offer.cases,
        ideas=[in_line(idea) for idea in offer.ideas],
        changes=offer.tuned,
        script=compact(offer.script),
        best=state.best.get("score"),
        tried=[line(attempt) for attempt in reminded(state, deps.artifacts)],
        fault=state.fault.get("detail", "") if state.fault.get("kind") in MENDABLE else "",
        similar=lessons_told(state, deps),
        notes=told_by_others(state, deps.here.node),
        actions=offer.actions,
        left=_left(state),
        # What follows is told to capable models alone.
        letters=list(freely.lettered(offer.ideas)),
        unsure=offer.unsure,
        limits={"instruction": freely.LONGEST, "look": SHOWN} | freely.left(state),
    )
    text = deps.task.text
    if not offer.free:
        return prompt(dossier=Dossier(), text=text)
    bare = prompt(dossier=dossier(state, deps, room=0), text=text)
    room = PROMPT - sum(len(message["content"].encode()) for message in bare)
    lack = min(NEEDED - room, len(text) - TEXT)
    if lack > 0:
        text, room = within(text, len(text) - lack, CUT), room + lack
    return prompt(dossier=dossier(state, deps, max(1, room)), text=text)


def _left(state: RunState) -> str:
    """Say what is left of turns and money, once that is little: what is chosen then should be worth it."""
    turns = state.task.get("turns", 0) - state.turn
    budget = state.task.get("budget", 0)
    money = max(0, budget - state.spent)
    said = [f"{turns} turn{'s' if turns > 1 else ''}"] if turns <= FEW_TURNS else []
    if state.spent and money < LITTLE * budget:
        said.append(f"${money / NANO:.4f} of ${budget / NANO:.2f}")
    return " and ".join(said)
