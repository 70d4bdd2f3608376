"""The coder: makes the plan a script. It renders a case or edits an AST without a model; else it asks one."""

from collections.abc import Sequence
from typing import TypedDict

from memory.attempts import best_script, briefing, chain, recalled
from memory.ideas import ADVISED, quoted
from memory.state import Counts, Fault, Plan, RunState, Shared
from memory.ways import counted
from nodes.craft.crashed import crashes, without_metric
from nodes.craft.edits import edited
from nodes.craft.freely import DRAFT
from nodes.craft.ideas import LENGTH
from nodes.craft.render import RenderError, render
from nodes.craft.scripts import ast_key, extract
from nodes.craft.tuning import tune
from nodes.declares import declares
from nodes.deps import Deps

FRUITLESS = ("noop", "unparsable", "truncated", "thought")  # faults of a reply that holds no new script
WITHOUT_MODEL = ("apply", "tune")
REPAIRABLE = ("crash", "submission", "time", "memory", "disk", "output", "processes")


class CoderUpdate(TypedDict, total=False):
    """What the coder writes."""

    script: Shared[str]
    plan: Shared[Plan]
    fault: Shared[Fault]
    counts: Shared[Counts]


@declares(role="coder", recalls=("chosen_case", "repairs"))
def coder(state: RunState, deps: Deps) -> CoderUpdate:
    """Write the next script, from a case, or by a model: the best script written out again with one change."""
    update = _made(state, deps)
    asked = deps.here.model and state.plan.get("action") not in WITHOUT_MODEL
    if asked and update["fault"].get("kind") in FRUITLESS:
        update["counts"] = _vain(update["counts"], state, deps)
    return update


def _vain(counts: Counts, state: RunState, deps: Deps) -> Counts:
    """Count a reply that holds no new script: a try that brought nothing, and of an idea one that failed."""
    counts = counted(counts, deps.here.model)
    if state.plan.get("action") in (*ADVISED, DRAFT):
        counts["idea_failed"] = counts.get("idea_failed", 0) + 1
    return counts


def _made(state: RunState, deps: Deps) -> CoderUpdate:
    if state.fault.get("kind") in REPAIRABLE:
        return _repair(state, deps)
    action = state.plan.get("action")
    if action == "apply":
        return _render(state, deps)
    return _tune(state, deps) if action == "tune" else _improve(state, deps)


def _tune(state: RunState, deps: Deps) -> CoderUpdate:
    """Make a change of one number, by code; what came of it is owed to the one who chose it."""
    script = tune(best_script(state, deps.artifacts, deps.task.starter), state.plan["instruction"])
    if script is None:
        return _failed(state, "unrenderable", f"the script has no number for {state.plan['instruction']!r}")
    return _written(state, deps, script, wrote=state.plan["by"])


def _render(state: RunState, deps: Deps) -> CoderUpdate:
    case = deps.artifacts.json(state.plan["case"])
    facts = without_metric(briefing(state, deps.artifacts), crashes(state, deps.artifacts))
    if case.get("edit"):
        starter = deps.task.starter
        changed = edited(case, best_script(state, deps.artifacts, starter), starter, facts)
        if changed is None:
            return _failed(state, "noop", f"the edit {case['name']!r} finds nothing to change")
        script = changed
    elif case.get("script"):
        script = case["script"]  # an earlier run's winner for the very same files and columns: taken as it is
    else:
        try:
            script = render(case, facts, seed=0, seconds=deps.task.seconds)
        except RenderError as error:
            return _failed(state, "unrenderable", str(error))
    return _written(state, deps, script, wrote="memory")


def _repair(state: RunState, deps: Deps) -> CoderUpdate:
    """Ask for the newest script again, with its error repaired."""
    cured = [repair["what"] for repair in recalled(state, deps.artifacts, "repair")]
    script = deps.artifacts.text(state.script)
    update = _ask(state, deps, script, error=state.fault.get("detail", ""), cured=cured)
    return update | {"counts": update["counts"] | {"repairs": state.counts.get("repairs", 0) + 1}}


def _improve(state: RunState, deps: Deps) -> CoderUpdate:
    script = best_script(state, deps.artifacts, deps.task.starter)
    again, instruction = state.fault.get("kind") == "noop", state.plan.get("instruction", "")
    advised = state.plan.get("action") in ADVISED
    instruction = quoted(instruction, LENGTH) if advised else instruction
    return _ask(state, deps, script, again=again, instruction=instruction, advised=advised)


def _ask(
    state: RunState,
    deps: Deps,
    base: str,
    error: str = "",
    cured: Sequence[str] = (),
    again: bool = False,
    instruction: str = "",
    advised: bool = False,
) -> CoderUpdate:
    """Ask for the script `base` written out again, its error repaired or with one change."""
    prompt = deps.prompts(
        deps.here.prompt,
        task=deps.task,
        script=base,
        error=error,
        cured=cured,
        again=again,
        instruction=instruction,
        advised=advised,
    )
    # A token is two to four characters of code: enough to write the script out again.
    room = 600 + len(base) // 2
    reply = deps.models.ask(deps.here, prompt, max_tokens=room, temperature=0.5)
    if reply.fault:
        return _failed(state, reply.fault, reply.detail)
    script = extract(reply.text)
    if script is None:
        return _failed(state, "unparsable", "the reply holds no Python script")
    tried = {attempt.ast for attempt in chain(deps.artifacts, state.head)}
    if ast_key(script) in tried | {ast_key(base)}:
        return _failed(state, "noop", "the reply repeats a script that was tried already")
    return _written(state, deps, script, wrote=deps.here.model)


def _written(state: RunState, deps: Deps, script: str, wrote: str) -> CoderUpdate:
    return {
        "script": deps.artifacts.put(script),
        "plan": Plan(**state.plan | {"wrote": wrote}),
        "fault": Fault(),
        "counts": state.counts | {"misses": 0},
    }


def _failed(state: RunState, kind: str, detail: str) -> CoderUpdate:
    counts = state.counts | {"misses": state.counts.get("misses", 0) + 1}
    if state.plan.get("action") == "improve":
        counts["improve_failed"] = counts.get("improve_failed", 0) + 1
    return {"fault": Fault(kind=kind, detail=detail), "counts": counts}
