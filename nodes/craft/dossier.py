"""The dossier: what capable models are told beside the task, as one value for prompts, `dossier`.

Whatever a script said has passed through `nodes/craft/told.py`, unless the task allows its rows to be shown, or the script was a
look, which is made only where they may be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from memory.attempts import Attempt, Execution, best_script, briefing, chain
from memory.briefing import Briefing
from memory.scores import percent_better
from memory.state import NANO, RunState
from memory.together import can_average
from nodes.craft import described
from nodes.craft.chance import chance
from nodes.craft.looks import looked, looks_told, needed
from nodes.craft.naming import named
from nodes.craft.output import OUTPUT, ending, pace, ran
from nodes.craft.says import says, scored_line
from nodes.craft.skeleton import skeleton
from nodes.craft.tried import AT_MOST, scores, tried
from nodes.craft.within import within
from nodes.deps import Deps

LONGEST = 24_000  # characters of a script that is shown whole, where the model's window allows
SKELETON, OUTLINE = 3_600, 800  # characters of an outline at most, and of one for which there is always room
ASKED = 700  # of what a script was asked for, which an outline begins with
ASKED_FOR = "# Asked for: "
LEAST = 1_400  # of the attempts and the newest execution together
TRIED = 1_250  # of the attempts where room is scarce: as much at turn thirty as at turn three
NEEDED = LEAST + OUTLINE  # for which there is always room
SOME = 200  # of an outline, below which it is left out


@dataclass(frozen=True)
class Dossier:
    """All that is told; a prompt takes of it what it needs. What stands first changes in no step."""

    data: str = (
        ""  # the summary, each file, rows where they may be shown, what is not sure, what the starter submits
    )
    machine: str = ""  # the limits of one execution, its processors, the installed libraries with versions
    looks: tuple[str, ...] = ()  # into the data, oldest first: what was asked, and what was printed
    script: str = ""  # the best one, whole where there is room, else its outline
    whole: bool = True
    score: str = "none"  # the best one
    averaged: bool = False  # whether the answers of the best scripts can be averaged at the run's end
    reported: bool = False  # whether it is the script's own word, not measured
    line: str = ""  # in which the starter printed its score, where that is its own word
    whose: str = "the starter"  # which attempt is the best
    pace: str = ""  # the best script's share of its time limit, in words
    scores: str = ""  # the bests, one after another
    chance: str = ""  # of how many rows a score is made, and how large a difference of two is chance
    tried: tuple[str, ...] = ()  # each attempt but the baseline, a line each
    drafted: bool = False  # whether the team has tried a solution of its own
    progress: str = ""  # turns and money, in a sentence
    newest: str = ""  # which attempt is the newest
    outline: str = (
        ""  # what the newest script has that the best one has not, where it is another and there is room
    )
    # What the newest execution showed: its share of the time, the end of its output, where it failed.
    last: str = ""


def dossier(state: RunState, deps: Deps, room: int | None = None) -> Dossier:
    """Return what is told of a run to the model of this step.

    The looks, at least a part of each, the script, the rest of the looks, the attempts and the newest execution share `room`
    characters, in this order, each with a least; nothing of them is told where it is 0, and None sets no bound but the model's window.
    """
    facts = briefing(state, deps.artifacts)
    attempts = [*chain(deps.artifacts, state.head)][::-1]
    first, called = best(state, deps), named(attempts[::-1])
    told = Dossier(
        data=described.data(facts, deps.task),
        machine=described.machine(facts, deps.task),
        score="none" if first is None or first.score is None else f"{first.score:.5g}",
        averaged=state.task.get("history") != "off" and can_average(facts) and not (first and first.reported),
        reported=first is not None and first.reported,
        line=scored_line(attempts[0], deps.artifacts, _known(facts, deps)) if attempts else "",
        whose=_called(first, called),
        newest=_called(attempts[-1] if attempts else None, called),
        pace=pace_of(first, deps) if first else "",
        scores=scores(attempts),
        chance=chance(attempts, first, deps.artifacts, deps.task.metric),
        drafted=any(attempt.plan.get("action") == "draft" for attempt in attempts),
        progress=_progress(state),
    )
    if room == 0:
        return told
    script = best_script(state, deps.artifacts, deps.task.starter).strip()
    longest = min(LONGEST, deps.models.able(deps.here.model).window)
    left = longest + LEAST if room is None else max(room, NEEDED)
    seen = looked(state, deps.artifacts)
    # What was just asked for comes before a script that is known.
    must, should = needed(seen) if room else (0, 0)
    whole, of_best = len(script) <= max(OUTLINE, min(longest, left - LEAST - must)), script
    script = script if whole else _outlined(script, first, min(SKELETON, max(OUTLINE, left - LEAST - should)))
    above = first.id if first and room and not whole and script.startswith(ASKED_FOR) else ""
    shown = showed(attempts[-1], facts, deps) if attempts else ""
    known = _known(facts, deps)
    said = {one.id: says(one, deps.artifacts, known) for one in attempts[-AT_MOST:]}
    if room is None:
        looks, lines = looks_told(seen), tried(attempts, said=said, above=above)
    else:
        looks = looks_told(seen, left - len(script) - LEAST)
        left -= len(script) + sum(map(len, looks))
        lines = tried(attempts, min(TRIED, max(LEAST // 2, left - len(shown))), said, above)
        most = max(LEAST // 2, left - sum(map(len, lines)))
        if attempts and len(shown) > most:  # its first lines say what it has read
            shown = ending(showed(attempts[-1], facts, deps, max(SOME, OUTPUT - len(shown) + most)), most)
        left -= sum(map(len, lines)) + len(shown)
    return replace(
        told,
        looks=looks,
        script=script,
        whole=whole,
        tried=tuple(lines),
        last=shown,
        outline=_newest(attempts, of_best, min(OUTLINE, left), deps),
    )


def _newest(attempts: Sequence[Attempt], best: str, most: int, deps: Deps) -> str:
    """Return in `most` characters the lines of the newest script's outline that the best script's has not; "" of no other script."""
    newest = deps.artifacts.text(attempts[-1].script).strip() if attempts else best
    return skeleton(newest, most, best) if newest != best and most >= SOME else ""


def _outlined(script: str, attempt: Attempt | None, most: int) -> str:
    """Return the outline of an attempt's script, behind what it was asked for: that tells what an outline leaves out."""
    asked = " ".join(attempt.plan.get("instruction", "").split()) if attempt and attempt.turn else ""
    if not asked or most < OUTLINE + SOME:
        return skeleton(script, most)
    begun = f"{ASKED_FOR}{within(asked, min(ASKED, most - OUTLINE))}\n"
    return begun + skeleton(script, most - len(begun))


def _called(attempt: Attempt | None, called: Mapping[str, str]) -> str:
    return f"attempt {called.get(attempt.id, attempt.turn)}" if attempt and attempt.turn else "the starter"


def best(state: RunState, deps: Deps) -> Attempt | None:
    """Return the best attempt; None before there is one."""
    return Attempt.read(deps.artifacts, state.best["attempt"]) if state.best else None


def pace_of(attempt: Attempt, deps: Deps) -> str:
    """Return an attempt's share of the time limit, in words; "" where its execution is not known."""
    if not attempt.execution:
        return ""
    return pace(Execution.of(deps.artifacts.json(attempt.execution)), deps.task.seconds)


def showed(attempt: Attempt, facts: Briefing, deps: Deps, most: int = OUTPUT) -> str:
    """Return what an attempt's execution showed, in `most` characters of its output; "" where it is not known."""
    if not attempt.execution:
        return ""
    execution = Execution.of(deps.artifacts.json(attempt.execution))
    script = deps.artifacts.text(attempt.script)
    return ran(
        execution, script, _known(facts, deps), rows=deps.task.rows, limit=deps.task.seconds, most=most
    )


def _known(facts: Briefing, deps: Deps) -> tuple[str, ...]:
    """Return the texts that a model knows of a task and its data."""
    return deps.task.starter, deps.task.text, facts.get("summary", ""), *facts.get("contents", [])


def _progress(state: RunState) -> str:
    """Say how far a run has come: turns, the gain so far, and what of its money is spent, once that is something."""
    budget, tenth = state.task.get("budget", 0), NANO // 10_000
    spent = (
        f"; ${state.spent / NANO:.4f} of ${budget / NANO:.2f} is spent"
        if budget and state.spent >= tenth
        else ""
    )
    gain = percent_better(
        state.task.get("baseline"), state.best.get("score"), state.task.get("direction", "max")
    )
    gained = f"; the best is {gain:.3g}% better than the starter" if gain else ""
    return f"This is turn {state.turn + 1} of {state.task.get('turns', 0)}{gained}{spent}."
