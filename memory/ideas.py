"""Ideas: what experts proposed and were paid for, each with what came of it wherever it was tried.

An item of the kind `idea` is a proposal {what, by, cost, order, ...}, or what came of one: {what, tried: {...}}. Items of
the same words are one idea.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from memory.attempts import Attempt, Records, chain, shown
from memory.state import NANO, Plan, RunState

ADVISED = ("expert", "idea")  # actions whose instruction is an idea: from the expert's mouth, or recalled
NOTED = "ideas"  # in a node's notes: the ids of the ideas that it left
FIRST, LATER, SUNK = range(3)  # an idea is worth a turn before the bank's cases, after them, or none
UNTRIED = 0.5  # merit of an idea that nobody has tried
FOUND_BY = 900  # characters of the text by which an idea is found
SHOWN = 300  # characters of an idea in a line
NAME = 40  # characters of a task's name there
TOLD = 3  # tries of an idea in a line
ID = re.compile(r"[0-9a-f]{64}")
WORD = re.compile(r"-?\w+(?:\.\w+)*")

Idea = Mapping[str, Any]
Found = tuple[str, dict[str, Any], float]  # id, content, similarity


def key(text: str) -> str:
    """Return what two ideas of the same words have in common, however they are laid out."""
    words = " ".join(WORD.findall(text.casefold()))
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:12]


def noted(notes: Mapping[str, Any]) -> list[str]:
    """Return the ids of the ideas that nodes have left in a state's `notes`, each node's oldest first."""
    kept = [note.get(NOTED) for note in notes.values() if isinstance(note, dict)]
    names = [name for part in kept if isinstance(part, list) for name in part]
    return [name for name in names if isinstance(name, str) and ID.fullmatch(name)]


def tried(state: RunState, artifacts: Records) -> set[str]:
    """Return the keys of what this branch has tried, in its own words and in those of the winners that it took over."""
    keys = set[str]()
    for attempt in chain(artifacts, state.head):
        keys.add(key(attempt.plan.get("instruction", "")))
        if case := attempt.plan.get("case"):
            keys.add(key(str(artifacts.json(case).get("what", ""))))
    return keys


def outcome(attempt: Attempt) -> dict[str, Any]:
    """Return what came of an idea, as it is kept: the scores before and after are of the attempt's task."""
    return {
        "turn": attempt.turn,
        "status": shown(attempt),
        "before": attempt.score_before,
        "after": attempt.score,
    }


def in_store(what: str, summary: str) -> str:
    """Return the text by which an idea is found: its words, and what data it was meant for."""
    return f"{what} {summary}"[:FOUND_BY]


def gathered(found: Iterable[Found], own: Sequence[str] = ()) -> list[Found]:
    """Return each idea once, with its `tries` and its `rank`, the best first.

    `own` are the ids of this run's own; any other is marked as from `elsewhere`. What holds no idea in words is left out: it may be of
    a stranger's making.
    """
    alike: dict[str, list[Found]] = {}
    for hit in found:
        if isinstance(what := hit[1].get("what"), str) and what.strip():
            alike.setdefault(key(what), []).append(hit)
    ideas = [_one(hits, own) for hits in alike.values()]
    return sorted(
        ideas, key=lambda hit: (hit[1]["rank"], hit[0] not in own, -merit(hit[1]), -hit[2], _place(hit[1]))
    )


def _one(hits: Sequence[Found], own: Sequence[str]) -> Found:
    name, item, _ = min(hits, key=lambda hit: "tried" in hit[1])  # the proposal itself knows what it cost
    near = max(near for *_, near in hits)
    # Without its text it is no item: `doctor --rebuild` makes a run's memory from the items among its artifacts.
    idea = {field: value for field, value in item.items() if field not in ("tried", "text")}
    idea["tries"] = list(_tries(other for _, other, _ in hits))
    if name not in own:
        idea["elsewhere"] = True
    worked, even = merit(idea) > UNTRIED, merit(idea) == UNTRIED
    idea["rank"] = FIRST if worked or (even and name in own) else LATER if even else SUNK
    return name, idea, near


def _tries(items: Iterable[Idea]) -> Iterator[dict[str, Any]]:
    """Yield what came of an idea each time: where its script was repaired, only the end counts."""
    ends: dict[tuple[str, str], dict[str, Any]] = {}
    for item in sorted((item for item in items if isinstance(item.get("tried"), dict)), key=_place):
        place = (str(item.get("run")), str(item["tried"].get("turn")))
        ends[place] = {field: item.get(field) for field in ("task", "run", "step")} | item["tried"]
    yield from ends.values()


def _place(item: Idea) -> tuple[str, int, int, str]:
    step, order = (item.get(field) for field in ("step", "order"))
    whole = [number if isinstance(number, int) else 0 for number in (step, order)]
    return str(item.get("run", "")), *whole, str(item["what"])  # type: ignore[return-value]


def merit(idea: Idea) -> float:
    """Return how likely an idea is to help, 0 to 1, by its `tries` (Laplace's rule): one that did not help sinks."""
    ends = [one.get("status") for one in idea["tries"]]
    return (ends.count("keep") + 1) / (len(ends) + 2)


def quoted(text: str, longest: int) -> str:
    """Return a model's or a stranger's words as data for a prompt: one line in quotes that they cannot leave."""
    line = " ".join(text.replace('"', "'").replace("`", "'").split())
    return f'"{line if len(line) <= longest else line[: longest - 3] + "..."}"'


def in_line(idea: Idea) -> str:
    """Tell an idea in one line for a prompt, with what came of it."""
    return f"{quoted(idea['what'], SHOWN)} ({outcomes(idea)})"


def outcomes(idea: Idea) -> str:
    """Say what came of an idea where it was tried."""
    told = [
        f"{_word(one)} on {quoted(str(one.get('task')), NAME)}: {_score(one, 'before')} -> {_score(one, 'after')}"
        for one in idea["tries"]
    ]
    rest = [f"{len(told) - TOLD} tries more"] if len(told) > TOLD else []
    return "; ".join([*told[:TOLD], *rest]) or "not tried yet"


def _word(one: Idea) -> str:
    return {"keep": "helped", "crash": "crashed"}.get(str(one.get("status")), "did not help")


def _score(one: Idea, name: str) -> str:
    score = one.get(name)
    return f"{score:.5g}" if isinstance(score, int | float) else "no score"


def origin(idea: Idea) -> str:
    """Say where an idea comes from: whose it is, of which run and step, and what the whole answer cost."""
    dollars = f"${cost / NANO:.4f}" if isinstance(cost := idea.get("cost"), int) else "an unknown price"
    run = f"run {idea['run']} (task {idea.get('task', '?')})" if "run" in idea else "this run"
    return f"said by {idea.get('by') or 'a model'} at step {idea.get('step', '?')} of {run}, in an answer for {dollars}"


def decider(plan: Plan, artifacts: Records) -> str:
    """Return who of this run is to thank or to blame for a plan: whoever decided, of a recalled idea the model that said it.

    What was said elsewhere is of no model here: a name on another run's ladder may be another model's, a stranger's anything.
    """
    idea = plan.get("idea")
    return plan.get("by", "") if idea and artifacts.json(idea).get("elsewhere") else sayer(plan, artifacts)


def sayer(plan: Plan, artifacts: Records) -> str:
    """Return who said what a plan is about: whoever decided, of a recalled idea the model that said it, of any run."""
    idea = plan.get("idea")
    return str(artifacts.json(idea).get("by", "")) if idea else plan.get("by", "")
