"""The one place that knows every part: from what was asked for to the dependencies of the nodes."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memory
from budgetmlagent.errors import RunFailedError, UsageError
from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.models.waiting import Patience, Waits
from budgetmlagent.records.rundir import RunConfig, RunDir, origins, read_json
from budgetmlagent.run.order import able_of, specs_of, used_models
from budgetmlagent.run.taskview import SecondsLeft, TaskView
from budgetmlagent.settings import HISTORY
from budgetmlagent.tasks.folder import TaskFolder
from graphs.spec import GraphSpec
from memory.artifacts import Artifacts
from memory.attempts import Attempt, chain
from nodes.deps import Deps, Execution

if TYPE_CHECKING:
    from budgetmlagent.models.client import Served
    from budgetmlagent.money.ledger import Account, Ledger
    from budgetmlagent.scoring.heldout import HeldOutScorer
    from budgetmlagent.scoring.scorer import SubmissionScorer
    from budgetmlagent.scoring.timed import TimedScorer
    from memory.history import RunHistory

LEAST_SECONDS = 5.0  # that a script or a request is given although the run's time is nearly used up
CASES = Path(memory.__file__).parent / "cases"
WAITS = Waits()  # the process's: a session may make its parts anew


@dataclass(frozen=True)
class Parts:
    """What a run goes on with, and how it ends."""

    deps: Deps
    # The newest state, and the private scores that its best has already -> these scores and the integrity verdict; None
    # where a recording has none of this best.
    final: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any] | None]
    close: Callable[[], None]
    # The integrity verdict where the task is not what it was when the run began; empty where it is.
    changed: Mapping[str, Any] = field(default_factory=dict)


def build(
    config: RunConfig,
    run: RunDir,
    task: TaskFolder,
    spec: GraphSpec,
    artifacts: Artifacts,
    ledger: "Ledger",
    seconds_left: SecondsLeft = lambda: math.inf,
) -> Parts:
    """Make the parts of a run. Raises UnavailableError where the sandbox or a model cannot be had."""
    if config.replay:
        return _recorded(config, run, task, spec, artifacts, ledger)
    from budgetmlagent.models.approval import Approval
    from budgetmlagent.models.client import ModelClient
    from budgetmlagent.sandbox.brief import brief
    from budgetmlagent.sandbox.execution import LibraryRepairs, ScriptSandbox
    from budgetmlagent.sandbox.process.probe import probe
    from budgetmlagent.sandbox.process.scratch import end_orphans, sweep
    from budgetmlagent.sandbox.process.standby import Standby
    from budgetmlagent.sandbox.workspace import remove
    from budgetmlagent.scoring.heldout import HeldOutScorer
    from budgetmlagent.scoring.kept import KeptScorer
    from budgetmlagent.scoring.scorer import SubmissionScorer
    from budgetmlagent.scoring.timed import TimedScorer
    from budgetmlagent.scoring.told import ToldScorer

    def shortened(seconds: float) -> float:
        return min(seconds, max(LEAST_SECONDS, seconds_left()))

    specs = used_models(spec, specs_of(config))
    cage = probe(unsafe=config.unsafe)
    workdir = run.work
    sweep(workdir)
    if cage.binary is not None:
        end_orphans(workdir)
    standby = Standby()
    sandbox = ScriptSandbox(task, cage, artifacts, workdir, shortened, standby, read_json(run.sealed))
    if not run.sealed.exists():
        run.write(run.sealed.name, sandbox.before)
    place = (cage, artifacts, workdir)
    scorer: HeldOutScorer | SubmissionScorer | TimedScorer
    if task.timed:
        scorer = TimedScorer(task, task.timed, *place)
    elif task.feedback == "reported":
        scorer = HeldOutScorer(task, *place, shortened, witness=run.witness)
    else:
        scorer = SubmissionScorer(task, *place, witness=run.witness)
    history = _history(config, run, task, artifacts, specs, seconds_left)
    client = ModelClient(
        specs, _account(config, ledger), artifacts,
        seed=config.seed, start_embedded=_embedded, patience=Patience(WAITS, shortened=shortened),
        approval=Approval(config.approve, config.above), meanwhile=standby.prepare, able=able_of(config),
    )  # fmt: skip
    view = TaskView(
        task,
        config,
        ledger,
        specs,
        lambda execution, told: brief(task, cage, execution, artifacts, told),
        seconds_left,
    )
    kept = KeptScorer(ToldScorer(scorer, task, artifacts), workdir)
    deps = Deps(client, sandbox, LibraryRepairs(sandbox), kept, artifacts, history, prompted, view)

    def final(values: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        scores = known or _private(scorer, artifacts, values)
        remove(workdir)
        return {**scores, "integrity": sandbox.integrity(_refused(artifacts, values))}

    def close() -> None:
        standby.close()
        sandbox.asked.clear()  # a step that is repeated asks for the same executions, in the same order
        history.close_and_merge()

    return Parts(deps, final, close, sandbox.integrity() if sandbox.changed else {})


def _recorded(
    config: RunConfig,
    run: RunDir,
    task: TaskFolder,
    spec: GraphSpec,
    artifacts: Artifacts,
    ledger: "Ledger",
) -> Parts:
    from budgetmlagent.models.replay import ReplayModels
    from budgetmlagent.run import replay

    recording = replay.Recording(Path(config.replay))
    models = ReplayModels(Path(config.replay), _account(config, ledger), artifacts, able_of(config))
    sandbox = replay.RecordedSandbox(recording, artifacts)
    repairs, scorer = replay.RecordedRepairs(recording, artifacts), replay.RecordedScorer(recording)
    specs = used_models(spec, specs_of(config))
    live = _history(config, run, task, artifacts, specs)
    history = replay.RecordedHistory(recording, artifacts, live)
    view = TaskView(task, config, ledger, specs, lambda _, told: recording.briefing(told), lambda: math.inf)
    deps = Deps(models, sandbox, repairs, scorer, artifacts, history, prompted, view)
    return Parts(deps, lambda values, _: recording.final(values["best"]["attempt"]), live.close_and_merge)


def prompted(name: str, /, **values: Any) -> list[Mapping[str, str]]:
    """Render a prompt. Raises RunFailedError where it is a person's own that cannot be rendered."""
    import prompts

    try:
        return prompts.render(name, **values)
    except prompts.PromptError as error:
        raise RunFailedError(f"{error}; mend that file, then `budgetml resume` goes on") from error


def fetched(model: str, *, again: bool = False) -> Path:
    """Return the path of an embedded model's weights, fetched with a progress bar where they are missing."""
    from budgetmlagent.models.embedded.fetch import bar
    from budgetmlagent.models.embedded.weights import is_file, known, path_of, pull, verify

    if is_file(model) or (path_of(model).exists() and not again):
        return verify(model)
    with bar(model, known(model).bytes) as progress:
        return pull(model, progress, again=again)


def _embedded(spec: ModelSpec) -> "Served":
    from budgetmlagent.models.embedded.lent import borrowed
    from budgetmlagent.models.embedded.server import server_for

    path = fetched(spec.model)
    return borrowed(path) or server_for(path, spec.name, spec.context)


def _history(
    config: RunConfig,
    run: RunDir,
    task: TaskFolder,
    artifacts: Artifacts,
    specs: Mapping[str, ModelSpec],
    seconds_left: SecondsLeft = lambda: math.inf,
) -> "RunHistory":
    from budgetmlagent.settings import shared_memory
    from memory.attempts import signature
    from memory.cases import CaseError, load_cases
    from memory.history import RunHistory
    from memory.merge import merge_pending
    from nodes.craft.scripts import ast_key

    shared = shared_memory(run.root.parent)
    if config.history == "all":
        merge_pending(run.root.parent, shared)
    try:
        cases = load_cases(CASES)
    except CaseError as error:
        raise UsageError(str(error)) from None
    return RunHistory(
        folder=run.history,
        shared=shared,
        artifacts=artifacts,
        cases=cases,
        mode=next(mode for mode in HISTORY if mode == config.history),
        task=task.name,
        data=task.data,
        run=config.run_id,
        origins=origins(config),
        ast_key=ast_key,
        signature=signature,
        text=task.text,
        metric=task.metric,
        seconds=task.seconds,
        spare=config.minutes is not None,
        left=seconds_left,
        here=all(map(is_loopback, specs.values())),
        models={name: _known_by(spec) for name, spec in specs.items()},
    )


def _known_by(spec: ModelSpec) -> str:
    """Return what a model is known by in every run: a digest of its place, name and way, as the memory may be exported."""
    from budgetmlagent.models.endpoint import place
    from budgetmlagent.models.profiles import way

    return hashlib.sha256(f"{place(spec)} {spec.model} {way(spec)}".encode()).hexdigest()[:16]


def _account(config: RunConfig, ledger: "Ledger") -> "Account":
    """Return what the run pays from; a fork may use the replies again that its origins have paid for."""
    from budgetmlagent.money.ledger import Account

    again = origins(config) if config.fork and config.fork["replies"] == "recorded" else []
    return Account(ledger, config.run_id, again)


def _private(
    scorer: "HeldOutScorer | SubmissionScorer | TimedScorer", artifacts: Artifacts, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Open the private answers: score the baseline and the best attempt on them."""
    baseline = list(chain(artifacts, values["head"]))[-1]
    best = Attempt.read(artifacts, values["best"]["attempt"])
    private = scorer.final(*(Execution.of(artifacts.json(end.execution)) for end in (baseline, best)))
    return {
        "attempt": best.id,
        "private_baseline": private.baseline,
        "private_best": private.best,
        "private_noise": private.noise,
        "noise_hidden": private.hidden,
    }


def _refused(artifacts: Artifacts, values: Mapping[str, Any]) -> int:
    """Count the submissions, of every execution behind the newest attempt, that were no plain files."""
    executions = [artifacts.json(attempt.execution) for attempt in chain(artifacts, values["head"])]
    earlier = [artifacts.json(name) for execution in executions for name in execution.get("earlier", [])]
    return sum(execution.get("refused", 0) for execution in [*executions, *earlier])
