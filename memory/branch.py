"""What a node is given of what this branch of its run has tried: the chain behind the state's head alone, like commits."""

from collections.abc import Callable, Iterable
from itertools import islice

from memory.artifacts import Artifacts
from memory.attempts import Attempt, chain
from memory.ranking import Found
from memory.scores import gain
from memory.state import RunState

HIGHLIGHTS = 4  # attempts that the planner is reminded of
CHAIN = 12  # attempts that anybody else is shown


def newest(artifacts: Artifacts, state: RunState) -> list[Found]:
    """Return the newest attempts, the oldest of them first."""
    return _found(islice(chain(artifacts, state.head), CHAIN))[::-1]


def highlights(artifacts: Artifacts, state: RunState) -> list[Found]:
    """Return the attempts that gained most, newest first among equals, and the newest one in any case."""
    direction = state.task.get("direction", "max")

    def gained(attempt: Attempt) -> float:
        before, after = attempt.score_before, attempt.score
        return float("-inf") if before is None or after is None else gain(before, after, direction)

    attempts = chain(artifacts, state.head)
    tried = [attempt for attempt in attempts if attempt.plan.get("action") != "baseline"]
    best = sorted(tried, key=gained, reverse=True)[:HIGHLIGHTS]
    if tried and tried[0] not in best:
        best[-1] = tried[0]
    return _found(best)


def same_script(artifacts: Artifacts, state: RunState, ast_key: Callable[[str], str]) -> list[Found]:
    """Return the attempts whose script has the syntax tree of the state's; `ast_key` hashes one."""
    if not state.script:
        return []
    key = ast_key(artifacts.text(state.script))
    return _found(attempt for attempt in chain(artifacts, state.head) if attempt.ast == key)[:CHAIN]


def same_error(artifacts: Artifacts, state: RunState) -> list[Found]:
    """Return the attempts that ended with the error of the state's execution."""
    error = state.run.get("error", "")
    alike = (attempt for attempt in chain(artifacts, state.head) if error and attempt.error == error)
    return _found(alike)[:CHAIN]


def _found(attempts: Iterable[Attempt]) -> list[Found]:
    return [(attempt.id, attempt.as_json(), 1.0) for attempt in attempts]
