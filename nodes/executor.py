"""The executor: gate, free repairs, then the sandbox. It runs no script whose AST has already run."""

from typing import Any, TypedDict

from memory.attempts import best_script, reminded
from memory.state import Fault, Plan, Run, RunState, Shared, Task
from nodes.craft.fingerprint import fingerprint
from nodes.craft.looks import LOOK, printed, with_look
from nodes.declares import declares
from nodes.deps import Deps, Execution

Cure = dict[str, Any]  # {from, to: artifact ids, what: sentences}
TRIES = 4  # executions of one script at most: the first, and after each free repair


class ExecutorUpdate(TypedDict, total=False):
    """What the executor writes."""

    task: Shared[Task]
    plan: Shared[Plan]
    script: Shared[str]
    run: Shared[Run]
    fault: Shared[Fault]
    notes: dict[str, Any]


@declares(role="executor", recalls=("same_script",))
def executor(state: RunState, deps: Deps) -> ExecutorUpdate:
    """Run the coder's script; at the very start the starter, whose data is then briefed."""
    if not state.script:
        return _baseline(deps)
    if state.plan.get("action") == LOOK:
        return _look(state, deps)
    known = reminded(state, deps.artifacts)
    if known:
        detail = f"this very script has already run, at turn {known[0].turn}"
        return {"fault": Fault(kind="duplicate", detail=detail)}
    script, cures, earlier = deps.artifacts.text(state.script), list[Cure](), list[str]()
    heal = state.task.get("history") != "off"  # repairs are remembered means, too
    # Scripts to copy a lost definition from: the best so far, then the starter.
    sources = [best_script(state, deps.artifacts, deps.task.starter), deps.task.starter]
    if heal:
        script = _mended(deps, script, *deps.repairs.before(script, sources), cures)
    execution = deps.sandbox.run(deps.here, script)
    while heal and execution.exit and len(earlier) < TRIES - 1:
        mended = _mended(deps, script, *deps.repairs.after(script, execution.tail, sources), cures)
        if mended == script:
            break
        script = mended
        earlier.append(deps.artifacts.put_json(execution.as_json()))
        execution = deps.sandbox.run(deps.here, script)
    return {"script": execution.script, "run": _run(deps, execution, cures, earlier), "fault": Fault()}


def _look(state: RunState, deps: Deps) -> ExecutorUpdate:
    """Run a script that only looks at the data, and keep what it printed; how it ended is for the planner to read."""
    execution = deps.sandbox.run(deps.here, deps.artifacts.text(state.script))
    said = deps.artifacts.put(printed(execution, deps.artifacts.text(execution.output)))
    ran = Run(**_run(deps, execution, [], []) | Run(error=""))
    own = with_look(state, deps.here.node, state.plan["instruction"], said, state.script)
    return {"run": ran, "fault": Fault(), "notes": state.notes | {deps.here.node: own}}


def _mended(deps: Deps, script: str, mended: str, what: list[str], cures: list[Cure]) -> str:
    if what:
        cures.append({"from": deps.artifacts.put(script), "to": deps.artifacts.put(mended), "what": what})
    return mended


def _baseline(deps: Deps) -> ExecutorUpdate:
    execution = deps.sandbox.run(deps.here, deps.task.starter)
    task = deps.task.limits()
    if execution.exit == 0:
        task["briefing"] = deps.artifacts.put_json(deps.task.brief(execution))
    return {
        "task": task,
        "plan": Plan(action="baseline", instruction="the starter as it is", case="", by="", wrote=""),
        "script": execution.script,
        "run": _run(deps, execution, [], []),
        "fault": Fault(),
    }


def _run(deps: Deps, execution: Execution, cures: list[Cure], earlier: list[str]) -> Run:
    """Record the execution, with what was repaired and the executions that failed before the repairs."""
    record = execution.as_json() | {"cures": cures, "earlier": earlier}
    lost = execution.lost + sum(deps.artifacts.json(name).get("lost", 0) for name in earlier)
    run = Run(
        execution=deps.artifacts.put_json(record),
        exit=execution.exit,
        seconds=execution.seconds,
        output=execution.output,
        error=fingerprint(execution.tail)
        if execution.exit != 0 and not execution.killed
        else execution.killed,
        cures=[sentence for cure in cures for sentence in cure["what"]],
    )
    return Run(**run, lost=lost) if lost else run
