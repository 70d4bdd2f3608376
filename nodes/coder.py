"""The coder: makes the plan a script. It renders a case or edits an AST without a model; else it asks one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from memory.attempts import Attempt, best_script, briefing, chain, recalled
from memory.ideas import ADVISED, decider, quoted
from memory.state import Counts, Fault, Plan, RunState, Shared
from memory.together import ACTION as AVERAGE
from memory.ways import can_change, counted, dearest
from nodes.craft.crashed import crashes, without_metric
from nodes.craft.dossier import best, dossier, pace_of, showed
from nodes.craft.edits import edited
from nodes.craft.form import answered, form_for, is_new
from nodes.craft.freely import DRAFT
from nodes.craft.ideas import LENGTH, WHOLE
from nodes.craft.looks import LOOK, SHOWN, looked
from nodes.craft.missed import missed
from nodes.craft.naming import label, named
from nodes.craft.output import LONG
from nodes.craft.render import RenderError, render
from nodes.craft.replies import said
from nodes.craft.room import at_least, for_script
from nodes.craft.scripts import ast_key
from nodes.craft.told import MEASURED
from nodes.craft.tuning import tune
from nodes.craft.within import within
from nodes.declares import declares
from nodes.deps import Deps

WITHOUT_MODEL = ("apply", "tune", AVERAGE)
REPAIRABLE = ("crash", "submission", "time", "memory", "disk", "output", "processes")
# Faults of its last reply that a model is told of that is capable, or edits.
MENDABLE = ("unparsable", "truncated", "noop")
REFUSED = 24_000  # characters of such a reply that it is shown again
CUT = "\n(cut here)"


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
    if asked and update["fault"].get("kind") == "noop":
        update["counts"] = _vain(update["counts"], state, deps)
    return update


def _vain(counts: Counts, state: RunState, deps: Deps) -> Counts:
    """Count a script that is none new: a try that brought nothing, and of an idea one that failed."""
    model = dearest(state, (decider(state.plan, deps.artifacts), deps.here.model))
    counts = counted(counts, model) if model else counts.copy()
    if state.plan.get("action") in (*ADVISED, DRAFT):
        counts["idea_failed"] = counts.get("idea_failed", 0) + 1
    return counts


def _made(state: RunState, deps: Deps) -> CoderUpdate:
    if state.fault.get("kind") in REPAIRABLE:
        return _repair(state, deps)
    action = state.plan.get("action")
    if action in ("apply", AVERAGE):
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
    return _written(state, deps, script, wrote=case.get("wrote") or "memory")


def _repair(state: RunState, deps: Deps) -> CoderUpdate:
    """Ask for the newest script again, with its error repaired."""
    cured = [repair["what"] for repair in recalled(state, deps.artifacts, "repair")]
    script, error = deps.artifacts.text(state.script), state.fault.get("detail", "")
    newest = Attempt.read(deps.artifacts, state.head) if state.head else None
    instruction = state.plan.get("instruction", "")
    update = _ask(state, deps, Work(script, newest, error=error, cured=cured, instruction=instruction))
    return update | {"counts": update["counts"] | {"repairs": state.counts.get("repairs", 0) + 1}}


def _improve(state: RunState, deps: Deps) -> CoderUpdate:
    """Ask for what the plan says; where it names attempts, made of those, else of the best script."""
    plan, instruction = state.plan, state.plan.get("instruction", "")
    advised = plan.get("action") in ADVISED
    free = deps.models.able(deps.here.model).is_free
    instruction = quoted(instruction, WHOLE if free else LENGTH) if advised else instruction
    of = [Attempt.read(deps.artifacts, name) for name in plan.get("of", [])]
    first = of[0] if of else best(state, deps)
    base = deps.artifacts.text(first.script) if first else deps.task.starter
    other = deps.artifacts.text(of[1].script) if len(of) > 1 else ""
    error = first.problem if first and plan.get("action") == "debug" else ""
    sketch = deps.artifacts.text(plan["sketch"]) if plan.get("sketch") else ""
    again = state.fault.get("kind") == "noop"
    work = Work(
        base, first, of[1] if len(of) > 1 else None, other, error, (), again, instruction, advised, sketch
    )
    return _ask(state, deps, _with_look(work, state, deps))


@dataclass(frozen=True)
class Work:
    """What a model is asked to do."""

    base: str  # the script that it starts from
    attempt: Attempt | None  # in which that ran
    second: Attempt | None = None  # that is to be joined with it
    other: str = ""  # its script
    error: str = ""  # to be repaired
    cured: Sequence[str] = ()  # how an error like it was cured before
    again: bool = False  # its last reply was the script without the change
    instruction: str = ""
    advised: bool = False  # the instruction is an idea, in quotes
    sketch: str = ""  # code that goes with the idea
    source: str = ""  # the look whose script the base is; "" where that is an attempt's or the starter
    seen: tuple[str, str] | None = None  # a look, and its script, of which may be copied


def _with_look(work: Work, state: RunState, deps: Deps) -> Work:
    """Add the script of the look that the plan names: another look starts from it, any other script may copy of it."""
    name = state.plan.get("look", "")
    look = (
        next((look for look in looked(state, deps.artifacts) if look.script == name), None) if name else None
    )
    if look is None:
        return work
    script = deps.artifacts.text(look.script)
    if state.plan.get("action") == LOOK:
        return replace(work, base=script, attempt=None, source=look.name)
    return replace(work, seen=(look.name, script))


def _ask(state: RunState, deps: Deps, work: Work) -> CoderUpdate:
    """Ask for a script, or for the changes of one where the model can say them."""
    able, mode = deps.models.able(deps.here.model), state.plan.get("action", "")
    facts, fault = briefing(state, deps.artifacts), state.fault
    look, lines = mode == LOOK, len(work.base.splitlines())
    if not (able.is_free or can_change(0 if look else lines, able.lines, edits=able.edits)):
        what = f"{deps.here.model} neither writes nor edits a script of {lines} lines"
        return _failed(state, "rejected", what)
    new = able.is_free and is_new(mode, work.instruction)
    form = form_for(able, work.base, new=new, short=look)
    called = named([*chain(deps.artifacts, state.head)]) if able.is_free else {}
    prompt = deps.prompts(
        deps.here.prompt,
        task=deps.task,
        script=work.base,
        error=work.error,
        cured=work.cured,
        again=work.again,
        instruction=work.instruction,
        advised=work.advised,
        form=form,
        mend=fault.get("detail", "") if fault.get("kind") in MENDABLE else "",
        # What follows is told to capable models alone.
        dossier=dossier(state, deps),
        mode=mode,
        other=work.other,
        sketch=work.sketch,
        limits={"look": SHOWN, "numbers": MEASURED},
        whose=work.source or _whose(work.attempt, called),
        others=_whose(work.second, called),
        seen=work.seen,
        is_best=_is_best(work, state),
        pace=pace_of(work.attempt, deps) if work.attempt else "",
        ran=showed(work.attempt, facts, deps, LONG) if work.attempt else "",
        refused=_refused(state, deps),
    )
    room = for_script(able, work.base, draft=new or look)
    least = at_least(able, work.base, whole=form == "whole" and not look)
    reply = deps.models.ask(deps.here, prompt, max_tokens=room, temperature=0.5, least=least)
    if reply.fault:
        return _faulted(state, reply.as_fault())
    script, wrong = answered(reply.text, work.base, edits=able.edits)
    if wrong:
        update = _failed(state, "unparsable", wrong)
        if able.is_free:
            update["fault"]["reply"] = deps.artifacts.put(said(reply.text))
        return update
    tried = {attempt.ast for attempt in chain(deps.artifacts, state.head)}
    if ast_key(script) in tried | {ast_key(work.base)}:
        return _failed(state, "noop", "the reply repeats a script that was tried already")
    return _written(state, deps, script, wrote=deps.here.model)


def _is_best(work: Work, state: RunState) -> bool:
    attempt = work.attempt
    return not work.source and (not attempt or attempt.id == state.best.get("attempt", attempt.id))


def _refused(state: RunState, deps: Deps) -> str:
    """Return the model's last reply where it was refused, or as much of it as there is room for; "" where none was."""
    name, window = state.fault.get("reply", ""), deps.models.able(deps.here.model).window
    return within(deps.artifacts.text(name).strip(), min(REFUSED, window // 4), CUT) if name else ""


def _whose(attempt: Attempt | None, called: Mapping[str, str]) -> str:
    """Say which attempt a script is of, with its own score; of one that never ran, that it is the starter."""
    return label(attempt, called.get(attempt.id, str(attempt.turn))) if attempt else "the starter"


def _written(state: RunState, deps: Deps, script: str, wrote: str) -> CoderUpdate:
    return {
        "script": deps.artifacts.put(script),
        "plan": Plan(**state.plan | {"wrote": wrote}),
        "fault": Fault(),
        "counts": state.counts | {"misses": 0},
    }


def _failed(state: RunState, kind: str, detail: str) -> CoderUpdate:
    return _faulted(state, Fault(kind=kind, detail=detail))


def _faulted(state: RunState, fault: Fault) -> CoderUpdate:
    counts = missed(state)
    if state.plan.get("action") == "improve":
        counts["improve_failed"] = counts.get("improve_failed", 0) + 1
    return {"fault": fault, "counts": counts}
