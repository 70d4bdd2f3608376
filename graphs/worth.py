"""Predicates about what is worth it: another cheap try, a dearer model, an expert's question, or the end.

They are pure, as all are. What they weigh is what the tries of this run have brought and cost (`memory.ways`).
"""

from typing import Any

from graphs.verdict import Verdict, gain_percent, is_perfect, plans_freely
from memory import ways
from memory.ideas import ADVISED
from memory.state import NANO, RunState
from memory.together import ACTION as AVERAGE
from nodes.notes import asked_in_vain

# Actions that ask for more than a change that a list offers: what an expert says, a recalled idea, a whole new solution.
ADVANCED = (*ADVISED, "draft")
UNUSABLE = ("unparsable", "truncated")  # faults of a reply that holds no script
MISSES = 2  # such replies in a row, after which no script is to be had
BY_CODE = ("apply", "tune", AVERAGE, "finish", "")  # for which nobody writes a script
WEAK = 40  # lines of a script: who writes no longer ones right repeats itself after a few tries


def pays(
    state: RunState,
    model: str,
    turn: float,
    goal: float,
    met: float | None = None,
    after: str = "",
    unless: str = "",
    lifelines: int = 0,
) -> Verdict:
    """A try by the dear `model`, which plans freely, is worth more for its money than another by the best of the cheaper ones.

    What a try is likely to bring is judged by what those before it brought in this run (`memory.ways`). To its dollars comes
    a share of what is left of the money for each turn that is left, so that with much money and few turns what a try brings
    weighs more than what it costs: the share, from 0 to 1, is `turn`, and `met` once the best is `goal` percent better than the
    baseline; without `met` it never holds then, nor where the best cannot be beaten. No advice is asked for while some is left, nor
    before memory has had a turn or a model has planned one, nor where the last
    question was in vain and no attempt was made since; where memory knows nothing of the task's kind, a first draft that came to
    nothing is worth it at any price. With `after`, only where the step before left that fault, and not at advice; with `unless`, only where that model chooses from a list; with `lifelines`, only while fewer were used.
    """
    models, used, gain = state.task.get("models", {}), state.counts.get("lifelines", 0), gain_percent(state)
    reached = gain is not None and gain >= goal
    share = met or 0.0 if reached else turn
    left = max(0, state.task.get("budget", 0) - state.spent)
    turns = max(1, state.task.get("turns", 0) - state.turn)
    price = {name: ways.cost(state, name) + round(share * left / turns) + 1 for name in models}
    hopes = {name: ways.hope(state, name) for name in models}
    cheaper = [n for n in models if model in models and models[n]["call"] < models[model]["call"]]
    best = max(cheaper, key=lambda name: hopes[name] / price[name], default="")
    saw: dict[str, Any] = {"hopes": hopes, "prices": {n: round(p / NANO, 6) for n, p in price.items()}}
    if known := ways.tries_known(state):
        saw["tries_elsewhere"] = known
    saw |= {
        "left": round(left / NANO, 6),
        "gain": gain,
        "ideas": state.counts.get("ideas", 0),
        "lifelines": used,
    }
    holds = bool(best) and not is_perfect(state) and models[model]["free"] and models[model]["call"] <= left
    begun = _has_recalled(state) or state.counts.get("planned", 0) > 0
    first = _is_first_draft(state, model) and (
        _gave_no_script(state) if after else state.counts.get("failed", 0) > 0
    )
    if first:
        saw["first_draft"] = True
        after = ""
    holds = holds and begun and (first or hopes[model] * price[best] > hopes[best] * price[model])
    advised = bool(saw["ideas"]) or (bool(after) and state.plan.get("action") in ADVISED)
    if asked_in_vain(state):
        saw["asked_in_vain"], advised = True, True
    holds = holds and not advised
    holds = holds and not plans_freely(state, unless)[unless] and (not lifelines or used < lifelines)
    return Verdict(holds and _now(state, saw, after, goal if met is None else None), saw)


def _has_recalled(state: RunState) -> bool:
    """Whether memory has given this run a case or an idea, whose count is there from the first one on."""
    return bool(state.counts.get("recalled")) or "ideas" in state.counts


def _is_first_draft(state: RunState, dear: str) -> bool:
    """Whether memory knows nothing of the task's kind, and a script that a model planned is no new best, without advice or a try of `dear`.

    It ends with that script and its repairs: where no rule led from there to advice, none does.
    """
    counts, gain = state.counts, gain_percent(state)
    unknown = not _has_recalled(state) and state.task.get("history") != "off"
    drafted = counts.get("planned", 0) > 0 and state.plan.get("action", "") not in (*BY_CODE, *ADVISED)
    alone = not counts.get("lifelines") and dear not in counts.get("ways", {})
    first = counts.get("idea_failed", 0) <= 1 + counts.get("repairs", 0)
    return unknown and drafted and alone and first and not (gain or 0) > 0


def _gave_no_script(state: RunState) -> bool:
    """Whether a script is none new, or several replies in a row held none."""
    kind = state.fault.get("kind", "")
    return kind == "noop" or (kind in UNUSABLE and state.counts.get("misses", 0) >= MISSES)


def vain(state: RunState, model: str, below: float, reached: float, after: str = "") -> Verdict:
    """The goal is met, and `model`, which chooses from a list, is likely to bring less than `below` percent; memory is used up.

    The goal is met where the best is at least `reached` percent better than the baseline. A model that plans freely goes on
    while money and turns last, or says itself that it has finished; and so does any run whose aim is the best, unless all its
    models are weak: they choose from a list and write short scripts alone. Where the best cannot be beaten, nobody goes on. With
    `after`, only where the step before left that fault.
    """
    gain, hope, free = gain_percent(state), ways.hope(state, model), plans_freely(state, model)[model]
    saw: dict[str, Any] = {"gain": gain, "hope": hope, "free": free, "ideas": state.counts.get("ideas", 0)}
    if elsewhere := ways.tries_known(state).get(model):
        saw["tries_elsewhere"] = elsewhere
    models = state.task.get("models", {})
    cases = bool(state.plan.get("case")) and state.plan.get("by") == "recall" and not after
    met = gain is not None and gain >= reached
    holds = model in models and not free and met and hope < below and not saw["ideas"]
    if holds and state.task.get("aim", "best") == "best":
        saw["able"] = [name for name, skill in models.items() if skill["free"] or skill["lines"] > WEAK]
        holds = not saw["able"]
    if is_perfect(state):
        saw["perfect"] = holds = True
    return Verdict(holds and not cases and _now(state, saw, after, None), saw)


def beyond(state: RunState, model: str, than: str) -> Verdict:
    """What is to be carried out is too much for the model `than`, and not for `model`.

    An idea or a draft is too much for one that chooses from a list; any script that a model is to write, for one that neither
    edits nor writes scripts so long.
    """
    able, action = plans_freely(state, model, than), state.plan.get("action", "")
    holds = model in state.task.get("models", {}) and not _is_too_much(state, model)
    return Verdict(holds and _is_too_much(state, than), {"action": action, "free": able})


def within(state: RunState, model: str, than: str) -> Verdict:
    """What is to be carried out is not too much for `than`, so that `model`, which plans freely, is not needed for it."""
    able, action = plans_freely(state, model, than), state.plan.get("action", "")
    return Verdict(able[model] and not _is_too_much(state, than), {"action": action, "free": able})


def _is_too_much(state: RunState, model: str) -> bool:
    """Tell whether what is planned asks for more than `model` can do."""
    action, skill = state.plan.get("action", ""), state.task.get("models", {}).get(model)
    if skill is None or skill["free"]:
        return skill is None and action in ADVANCED
    lines, edits = state.best.get("lines", 0), skill.get("edits", False)
    by_model = action not in BY_CODE
    return action in ADVANCED or (by_model and not ways.can_change(lines, skill["lines"], edits=edits))


def balked(state: RunState, model: str, times: int, after: str = "", goal: float | None = None) -> Verdict:
    """The newest idea or draft came to nothing, as did `times` in a row: no script, a crash or no gain; `model` plans freely.

    With `after`, only where the step before left that fault. With `goal`, once the best is that many percent better than the
    baseline, only an idea that was paid for and not carried out: no script, or a crash. Where memory knows nothing of the task's
    kind, the author of a first draft asks for advice; of the next one no more.
    """
    failed, action = state.counts.get("idea_failed", 0), state.plan.get("action", "")
    saw: dict[str, Any] = {"action": action, "idea_failed": failed}
    holds = action in ADVANCED and failed >= times and plans_freely(state, model)[model]
    holds = holds and not _is_first_draft(state, model)
    owed = action in ADVISED and bool(state.fault)
    return Verdict(holds and _now(state, saw, after, None if owed else goal), saw)


def _now(state: RunState, saw: dict[str, Any], after: str, goal: float | None) -> bool:
    """Whether the step before left the fault `after`, and the goal is not met, where a rule asks for them; `saw` tells."""
    holds = True
    if after:
        saw["fault"] = state.fault.get("kind", "")
        holds = saw["fault"] == after
    if goal is not None:
        saw["gain"] = gain_percent(state)
        holds = holds and (saw["gain"] is None or saw["gain"] < goal)
    return holds
