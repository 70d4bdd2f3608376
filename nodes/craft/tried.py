"""What was tried and what came of it, for a capable model: every attempt has a line, the newest ones the longest.

The lines keep their order and their words from turn to turn as far as they can, and take no more room at turn thirty than at
turn three: what is old is told in fewer words, see `earlier`.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from memory.attempts import Attempt, doubt, status
from nodes.craft.earlier import earlier
from nodes.craft.naming import names
from nodes.craft.output import is_slowed, tenths
from nodes.craft.says import NOTHING, Says
from nodes.craft.within import within

ROOM = 1_600  # characters of all lines
NEWEST, LONG = 4, 260  # the attempts that are told at length, and characters of each at most
# Those before them that have a line of their own where there is room, and its characters.
OLDER, SHORT = 6, 130
AT_MOST = NEWEST + OLDER  # attempts that have a line of their own
TOGETHER = 0.35  # the share of the room that those have together that have none
SCORES = 4  # of the bests, that are told
ABOVE = "what its outline says that was asked for"


def tried(
    attempts: Sequence[Attempt], room: int = ROOM, said: Mapping[str, Says] | None = None, above: str = ""
) -> list[str]:
    """Return a line for each attempt but the baseline, the oldest first, or for several of the oldest together.

    `attempts` are all of a branch, oldest first; `said` is what their executions say, by their ids; what the attempt `above` was asked
    for stands above. A line is told within its own length, or not at all: what has no room for that is told in fewer words.
    """
    made = [
        (one, name)
        for one, name in zip(attempts, names(attempts), strict=True)
        if one.plan.get("action") != "baseline"
    ]
    # The script before, repaired; what an expert said is carried out in the turn that it was asked in.
    again = {
        name for (one, _), (two, name) in pairwise(made) if (one.turn, _asked(one)) == (two.turn, _asked(two))
    }
    lines = list[str]()  # the newest first
    for nth, (one, name) in enumerate(reversed(made[-AT_MOST:])):
        says = (said or {}).get(one.id, NOTHING)
        most, came = (LONG, outcome(one, says)) if nth < NEWEST else (SHORT, _brief(one, says))
        what = "repaired" if name in again else ABOVE if one.id == above != "" else _asked(one)
        lines.append(_line(one, name, most, came, what))
    if len(made) > len(lines) or sum(map(len, lines)) > room:
        sizes = accumulate(map(len, lines))
        count = sum(size <= (1 - TOGETHER) * room for size in sizes)
        lines = lines[: max(1, count)]
    rest = made[: len(made) - len(lines)]
    return [*earlier(rest, room - sum(map(len, lines))), *lines[::-1]]


def scores(attempts: Sequence[Attempt]) -> str:
    """Return the scores that were the best one after another, the starter's first."""
    called = zip(attempts, names(attempts), strict=True)
    kept = [(name, a) for a, name in called if a.score is not None and status(a) == "keep"]
    told = [f"{a.score:.5g} ({f'attempt {name}' if a.turn else 'the starter'})" for name, a in kept]
    return " -> ".join(told if len(told) <= SCORES + 1 else [told[0], "...", *told[-SCORES:]])


def outcome(attempt: Attempt, says: Says = NOTHING) -> str:
    """Say in a few words what became of an attempt, and why: its own score, and how it fell short or that it has none."""
    if attempt.score is None:
        why = (
            attempt.problem
            or "no score, though it ran: it printed none in the words in which the starter prints its own"
        )
        return f"{attempt.fault or status(attempt)}{_others(attempt, says)}: {why}"
    left_out = f"left out for lack of time: {says.skipped}" if says.skipped else ""
    if attempt.status == "keep":
        end, before, why = "kept, the new best", "", doubt(attempt)
    else:
        before = f", the best was {attempt.score_before:.5g}" if attempt.score_before is not None else ""
        retest = attempt.status == "retest"
        end, why = ("not kept", doubt(attempt)) if retest else (_fell_short(attempt), attempt.problem)
    return "; ".join(filter(None, [f"{end}, {_scored(attempt, says)}{before}", left_out, why]))


def _fell_short(attempt: Attempt) -> str:
    """Tell a tie from a loss: an attempt that is no further behind than chance makes has not shown that it is worse."""
    gain, noise = attempt.gain, attempt.noise
    tied = gain is not None and noise is not None and -noise <= gain <= 0
    return "a tie, within the noise" if tied and not attempt.problem else "discarded"


def _scored(attempt: Attempt, says: Says) -> str:
    """Tell an attempt's score, and beside it the one of its own validation, where it printed that."""
    own = f" (its validation {says.validation})" if says.validation else ""
    return f"score {attempt.score:.5g}{own}"


def _others(attempt: Attempt, says: Says) -> str:
    """Say of a script that was stopped for its time which part of that it had, where others used the machine."""
    if attempt.fault != "time" or not is_slowed(says.alone, attempt.seconds):
        return ""
    return (
        f", as others used the machine (what it did takes {tenths(says.alone / attempt.seconds)} of it alone)"
    )


def _line(attempt: Attempt, name: str, most: int, came: str, what: str) -> str:
    """Tell an attempt in `most` characters: `what` was done, and what `came` of it."""
    how = f", {attempt.plan.get('action', '')}" if most > SHORT else ""
    head, came = f"attempt {name}{how}: ", within(came, most // 2)
    what = " ".join(what.split()) or "as it is"
    return f"{head}{within(what, most - len(head) - len(came) - 3)} - {came}"


def _asked(attempt: Attempt) -> str:
    return attempt.plan.get("instruction", "")


def _brief(attempt: Attempt, says: Says) -> str:
    if attempt.score is None:
        return attempt.fault or status(attempt)
    ends = {"keep": "kept", "retest": "within the noise"}
    untried = ", in part untried" if says.skipped else ""
    return f"{ends.get(attempt.status, _fell_short(attempt))}{untried}, {_scored(attempt, says)}"
