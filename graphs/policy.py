"""The escalation policy: predicates over the state, and `decide`, which walks a fork's rules.

A predicate is pure: no model, no clock, no I/O. It returns whether it holds and the handful of values it saw, so that
every decision can be explained later and decided again under an edited graph.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from graphs.ending import average_left, averaged
from graphs.model import END, RECALL, Rule
from graphs.verdict import Predicate, Verdict, gain_percent, plans_freely
from graphs.worth import balked, beyond, pays, vain, within
from memory.state import NANO, Route, RunState, role_ahead

__all__ = [
    "END",
    "PREDICATES",
    "RECALL",
    "Decision",
    "Predicate",
    "Verdict",
    "decide",
    "gain_percent",
    "stops",
    "undo",
]

NAMES: Mapping[str, str] = MappingProxyType({})  # no role declared: nodes are what they are called
LIMITS = ("time", "memory", "disk", "output", "processes")  # faults of a script that was stopped
# What `stuck` counts since the last best, expert's advice or move up.
SINCE: Mapping[str, Literal["failed", "failed_since_expert", "failed_since_up"]] = {
    "best": "failed", "expert": "failed_since_expert", "up": "failed_since_up",
}  # fmt: skip


def out_of_turns(state: RunState) -> Verdict:
    """The planner has used all the turns that it was given."""
    turns = state.task.get("turns", 0)
    return Verdict(state.turn >= turns, {"turn": state.turn, "turns": turns})


def out_of_budget(state: RunState) -> Verdict:
    """The ledger refused the last call: what is left does not pay for it."""
    kind, budget = state.fault.get("kind", ""), state.task.get("budget", 0)
    saw = {"spent": round(state.spent / NANO, 6), "budget": round(budget / NANO, 6), "fault": kind}
    return Verdict(kind == "refused", saw)


def baseline_failed(state: RunState) -> Verdict:
    """The starter itself gave no score: there is nothing to improve on."""
    return Verdict(not state.best, {"best": bool(state.best), "fault": state.fault.get("kind", "")})


def improved(state: RunState) -> Verdict:
    """The newest attempt is the best by more than its noise and is not the baseline."""
    new = bool(state.head) and state.best.get("sure", state.best.get("attempt")) == state.head
    best, failed = state.best.get("score"), state.counts.get("failed", 0)
    return Verdict(new and state.turn > 0, {"turn": state.turn, "best": best, "failed": failed})


def retest(state: RunState) -> Verdict:
    """The newest attempt is better than the newest sure best, but by no more than the noise of the two scores."""
    gain, noise = state.run.get("gain"), state.run.get("noise")
    if state.fault or gain is None or noise is None:
        return Verdict(False, {"gain": None, "noise": None})
    return Verdict(0 < gain <= noise, {"gain": gain, "noise": noise})


def reached(state: RunState, percent: float, aim: Literal["", "success", "best"] = "") -> Verdict:
    """The best is at least `percent` better than the baseline on the feedback score; with `aim`, only in a run of that aim."""
    gain, saw = gain_percent(state), dict[str, Any]()
    if aim:
        saw["aim"] = state.task.get("aim", "best")
    holds = gain is not None and gain >= percent and saw.get("aim", "") == aim
    return Verdict(holds, {"gain": gain} | saw)


def had_turns(state: RunState, share: float, model: str) -> Verdict:
    """Memory's cases have had their `share` of the turns, 0 to 1, and `model` plans freely: they are on its menu."""
    had, turns = state.counts.get("recalled", 0), state.task.get("turns", 0)
    free = plans_freely(state, model)
    holds = _of_memory(state) and free[model] and had >= share * turns
    return Verdict(holds, {"cases": had, "turns": turns, "free": free})


def case_left(state: RunState, until: float = 1.0, unless: str = "") -> Verdict:
    """The newest plan is memory's own, which no model carried out, or there is none yet.

    With `unless`, a model, only until memory's cases have had the share `until` of the turns, 0 to 1, if that model plans freely.
    """
    by, idea = state.plan.get("by", ""), state.plan.get("action") == "idea"
    saw: dict[str, Any] = {"by": by} | ({"action": "idea"} if idea else {})
    holds = (by == RECALL and not idea) or state.turn == 0
    if unless:
        saw["cases"] = had = state.counts.get("recalled", 0)
        spent = had >= until * state.task.get("turns", 0) and plans_freely(state, unless)[unless]
        holds = holds and (state.turn == 0 or not spent)
    return Verdict(holds, saw)


def _of_memory(state: RunState) -> bool:
    return state.plan.get("by") == RECALL and bool(state.plan.get("case"))


def idea_left(state: RunState) -> Verdict:
    """Behind the idea that was tried memory has more, which is paid for already."""
    left = state.counts.get("ideas", 0)
    return Verdict(left > 0, {"ideas": left})


def nothing_recalled(state: RunState) -> Verdict:
    """Memory has no untried case for this task."""
    kind = state.fault.get("kind", "")
    return Verdict(kind == "nothing_recalled", {"fault": kind})


def crashed(state: RunState, repairs: int, new_error: bool = True) -> Verdict:
    """The script crashed, was repaired fewer than `repairs` times, and its error is one not seen before."""
    kind, done = state.fault.get("kind", ""), state.counts.get("repairs", 0)
    known = bool(state.run.get("known"))
    holds = kind in ("crash", "submission") and done < repairs and not (new_error and known)
    return Verdict(holds, {"fault": kind, "repairs": done, "known": known})


def overran(state: RunState, repairs: int) -> Verdict:
    """A script of a model that plans freely went over a limit, and was repaired fewer than `repairs` times: make it cheaper."""
    kind, done, wrote = (
        state.fault.get("kind", ""),
        state.counts.get("repairs", 0),
        state.plan.get("wrote", ""),
    )
    holds = kind in LIMITS and done < repairs and plans_freely(state, wrote)[wrote]
    return Verdict(holds, {"fault": kind, "repairs": done, "wrote": wrote})


def stuck(
    state: RunState,
    attempts: int,
    since: Literal["best", "expert", "up"] = "best",
    lifelines: int = 0,
    goal: float | None = None,
) -> Verdict:
    """At least `attempts` attempts failed in a row since the last best ("best"), expert's advice or move up.

    With `lifelines`, only while fewer than that many were used. With `goal`, only while the best is less than `goal`
    percent better than the baseline: no dear help where the aim is met.
    """
    count = state.counts.get(SINCE[since], 0)
    saw: dict[str, Any] = {"failed": count, "since": since}
    holds = count >= attempts
    if lifelines:
        saw["lifelines"] = state.counts.get("lifelines", 0)
        holds = holds and saw["lifelines"] < lifelines
    if goal is not None:
        saw["gain"] = gain_percent(state)
        holds = holds and (saw["gain"] is None or saw["gain"] < goal)
    return Verdict(holds, saw)


def missed(state: RunState, times: int = 1, lifelines: int = 0, but: str = "") -> Verdict:
    """The model of the node just left gave no usable reply, `times` times in a row; a fault of the kind `but` is left out."""
    kind, count = state.fault.get("kind", ""), state.counts.get("misses", 0)
    used = state.counts.get("lifelines", 0)
    holds = kind not in ("", "refused", but) and count >= times and (not lifelines or used < lifelines)
    return Verdict(holds, {"fault": kind, "misses": count, "lifelines": used})


def given_up(state: RunState, times: int) -> Verdict:
    """The node's model cannot be asked any more: refused by the ledger, declined by a person, or missed `times` in a row."""
    kind, count = state.fault.get("kind", ""), state.counts.get("misses", 0)
    asked_in_vain = kind not in ("", "no_turn") and count >= times
    return Verdict(kind in ("refused", "declined") or asked_in_vain, {"fault": kind, "misses": count})


def repeated(state: RunState, times: int, lifelines: int = 0) -> Verdict:
    """The planner chose the same action `times` times in a row (the paper's second signal, section 3.2)."""
    count, used = state.counts.get("same_action", 0), state.counts.get("lifelines", 0)
    holds = count >= times and (not lifelines or used < lifelines)
    return Verdict(holds, {"action": state.plan.get("action", ""), "same_action": count, "lifelines": used})


def wants(state: RunState, action: str, lifelines: int = 0) -> Verdict:
    """The planner chose `action`."""
    chosen, used = state.plan.get("action", ""), state.counts.get("lifelines", 0)
    holds = chosen == action and (not lifelines or used < lifelines)
    return Verdict(holds, {"action": chosen, "lifelines": used})


def faulted(state: RunState, kind: str) -> Verdict:
    """The step before left a fault of this kind."""
    seen = state.fault.get("kind", "")
    return Verdict(seen == kind, {"fault": seen})


def hopeless(state: RunState, share: float, turns: int = 3) -> Verdict:
    """No script beyond the starter has run, though models planned more than `turns` turns and much is used up.

    Much is more than `share` of the turns, planned by models, or of the money. `share` is a number from 0 to 1.
    """
    ran, planned = state.counts.get("ran", 0), state.counts.get("planned", 0)
    turns_given, budget = max(state.task.get("turns", 0), 1), max(state.task.get("budget", 0), 1)
    used = max(planned / turns_given, state.spent / budget)
    holds = not ran and planned > turns and used > share
    return Verdict(holds, {"ran": ran, "planned": planned, "used": round(used, 3)})


PREDICATES: dict[str, Predicate] = {
    f.__name__: f
    for f in (
        out_of_turns, out_of_budget, baseline_failed, improved, retest, reached, case_left, idea_left, average_left, averaged, nothing_recalled, crashed,
        overran, stuck, missed, given_up, repeated, wants, faulted, hopeless, had_turns, pays, vain, beyond, within, balked,
    )
}  # fmt: skip

# Arguments that are thresholds: a rule that is no stricter than a later one leaves nothing for it to do.
LARGER_IS_STRICTER = frozenset({"attempts", "times", "percent", "new_error", "share", "turns"})
SMALLER_IS_STRICTER = {
    "repairs": (),
    "lifelines": (0,),
    "goal": (None,),
}  # and the values that mean: no limit


def stops(rule: Rule) -> Literal["", "money", "turns"]:
    """Return what is used up where the rule fires; "" for neither money nor turns."""
    kind = rule.arguments.get("kind") if rule.when == "faulted" else None
    if rule.when in ("out_of_budget", "given_up") or kind == "refused":
        return "money"
    return "turns" if rule.when == "out_of_turns" or kind == "no_turn" else ""


class Decision(NamedTuple):
    """What `decide` says: where to go, why, and the state as the rule's effects leave it."""

    route: Route
    state: RunState


def decide(
    node: str,
    rules: Sequence[Rule],
    state: RunState,
    ladders: Mapping[str, Sequence[str]],
    predicates: Callable[[str], Predicate],
    roles: Mapping[str, str] = NAMES,
) -> Decision:
    """Return the first rule of `node` that holds for `state`, applied.

    A rule that moves a role up is passed over while that role stands on its top rung: what cannot be done is not
    chosen. The last rule of a fork is unconditional (the linter sees to it), so one always holds. `roles` are those
    that nodes declare: a node that is not in there is what its name says.
    """
    passed: list[dict[str, Any]] = []
    for rule in rules:
        verdict = predicates(rule.when)(state, **rule.arguments) if rule.when else Verdict(True, {})
        holds, saw = verdict.holds, dict(verdict.saw)
        if rule.up and holds:
            rung, top = state.rungs.get(rule.up, 0), len(ladders[rule.up]) - 1
            if rung >= top:
                holds, saw = False, saw | {"top_rung": rule.up}
        if holds:
            route = Route(to=rule.to, rule=str(rule), saw=saw, passed=passed)
            if roles.get(rule.to, rule.to) != rule.to:
                route["role"] = roles[rule.to]
            return Decision(route, _apply(node, rule, route, state))
        passed.append({"rule": str(rule), "saw": saw})
    raise AssertionError(f"no rule of {node!r} holds; the last one must be unconditional")


def undo(state: RunState) -> RunState:
    """Return the state as the newest decision found it, so that it can be taken again, under another graph too."""
    was = state.route.get("was", {})
    rungs, counts = was.get("rungs", state.rungs), was.get("counts", state.counts)
    return dataclasses.replace(state, rungs=rungs, counts=counts, route=Route())


def _apply(node: str, rule: Rule, route: Route, state: RunState) -> RunState:
    """Move rungs and begin counts anew after what they led to."""
    rungs, counts = dict(state.rungs), state.counts.copy()
    if rule.to != node and counts.get("misses"):
        counts["misses"] = 0  # of the node that is left; the next one's begin with its own
    if rule.up:
        rungs[rule.up] = rungs.get(rule.up, 0) + 1
        counts |= {"failed_since_up": 0, "misses": 0, "same_action": 0, "improve_failed": 0}
        counts.pop("idea_failed", None)
        route["up"] = rule.up
    if rule.down and rungs.get(rule.down, 0) > 0:
        rungs[rule.down] -= 1
        route["down"] = rule.down
    if role_ahead(route) == "expert":
        counts["failed_since_expert"] = 0
    if rule.arguments.get("lifelines"):
        counts["lifelines"] = counts.get("lifelines", 0) + 1
    if (rungs, counts) != (state.rungs, state.counts):
        route["was"] = {"rungs": state.rungs, "counts": state.counts}
    return dataclasses.replace(state, rungs=rungs, counts=counts, route=route)
