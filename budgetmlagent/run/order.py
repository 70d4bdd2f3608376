"""What was asked for, checked before anything is begun or spent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from budgetmlagent import settings
from budgetmlagent.disk import LOOK
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models import able
from budgetmlagent.models.config import ModelSpec, host, is_loopback, load_models
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.prices import Price, price_of
from budgetmlagent.records.rundir import RunConfig, RunDir, create, new_id
from budgetmlagent.run import forgotten, ladders
from budgetmlagent.run.options import nano, recording, settled, tell_differences
from budgetmlagent.run.request import Request
from budgetmlagent.sandbox.cages.confirmed import confirm
from budgetmlagent.tasks.folder import TaskFolder, load_task
from graphs.linter.nodes import unknown_model
from graphs.model import AUTO
from graphs.outside import told_of_prompts
from graphs.spec import GraphError, GraphSpec
from nodes.able import Able


@dataclass(frozen=True)
class Order:
    """What was asked for, checked: nothing is started yet."""

    config: RunConfig
    spec: GraphSpec
    task: TaskFolder
    models: dict[str, ModelSpec]
    prices: dict[str, Price]
    ladders: dict[str, tuple[str, ...]]  # of the nodes whose ladder was `auto`, as they are now


def plan(asked: Request, name: str = "", *, to_run: bool = True, elsewhere: bool = False) -> Order:
    """Check everything that can be checked before anything is spent; `name` ends the run's id, in place of the time.

    The class of a `chat:` is imported, and what it lacks told, only where it is `to_run`; a run that is to be made `elsewhere` needs no
    GPU of this machine. Raises UsageError, naming what is wrong, and UnavailableError where no sandbox works here.
    """
    asked = settled(asked)
    assert asked.graph and asked.budget is not None, "nothing is left open"
    task, spec = load_task(str(asked.task), direction=asked.direction), load_graph(asked.graph)
    replay, file = recording(asked.models), Path(asked.models) if asked.models else None
    recorded = RunDir(replay).config() if replay else None
    specs = specs_of(recorded) if recorded else load_models(file)
    fixed = ladders.fixed(spec, specs, data=task.data, recorded=str(replay or ""))
    found = {name: ladder for name, ladder in fixed.ladders.items() if AUTO in spec.ladders[name]}
    spec = fixed
    allowed = (
        _replayed(task, spec, recorded, unsafe=asked.unsafe)
        if recorded
        else terms(
            task, spec, specs, str(asked.history), unsafe=asked.unsafe, to_run=to_run, elsewhere=elsewhere
        )
    )
    allowed["hosts"] = sorted({*allowed["hosts"], *_stores(task, Path(asked.runs_dir))})
    config = RunConfig(
        run_id=f"{task.name}-{name}" if name else new_id(task.name),
        task=str(asked.task) if task.root.parent.name == "bundled" else str(task.root),
        graph=spec.name,
        budget=nano("budget", asked.budget),
        turns=int(asked.turns or 0),
        seed=int(asked.seed or 0),
        history=str(asked.history),
        direction=asked.direction,
        replay=str(replay.resolve()) if replay else "",
        approve="" if replay else asked.approve,
        above=nano("above", asked.above),
        minutes=None if replay else asked.minutes,
        aim=str(asked.aim),
        data="stays" if recorded and recorded.data == "stays" else task.data,
        **allowed,
    )
    used = used_models(spec, specs)
    return Order(config, spec, task, used, {name: price_of(model) for name, model in used.items()}, found)


def begin(asked: Request, name: str = "", *, capped: bool = False) -> RunDir:
    """Make the folder of a run as asked for; nothing is executed yet. `name` and what it raises are as of `plan`.

    Where the runs are `capped` together already, as a bench's are from its beginning, the cap stays as the ledger has it by now.
    Also raises UsageError where the task would start a program, or budgetml.toml send somewhere, that the person has not said
    they trust.
    """
    asked = settled(asked)
    order = plan(asked, name)
    tell_differences(order.config, order.spec)
    if not order.config.replay:
        confirm(order.task.python, trust=asked.trust)
    settings.confirm(Path(asked.runs_dir), trust=asked.trust)
    forgotten.refuse(Path(asked.runs_dir).resolve(), capped=asked.project_budget is not None)
    run = create(Path(asked.runs_dir).resolve(), order.config, order.spec.dump())
    if asked.project_budget is not None and not capped:
        Ledger(run.ledger).set_project_cap(nano("project_budget", asked.project_budget))
    return run


def terms(
    task: TaskFolder,
    spec: GraphSpec,
    models: Mapping[str, ModelSpec],
    history: str,
    *,
    unsafe: bool,
    to_run: bool = True,
    elsewhere: bool = False,
) -> dict[str, Any]:
    """Return what a run may do, whom it may ask, and what it believes of them, as fields of its config.

    Raises UsageError and UnavailableError where it cannot be had.
    """
    used = used_models(spec, models)
    _may_leave(task, used)
    _are_whole(used, to_run=to_run)
    allowed = {"unsafe": unsafe, "network": task.network, **_sandbox(task, unsafe, elsewhere)}
    believed = able.believed(models.values(), runs=history == "all")
    return {"models": _as_written(models), "able": believed, "hosts": hosts(used), **allowed}


def _replayed(task: TaskFolder, spec: GraphSpec, recorded: RunConfig, *, unsafe: bool) -> dict[str, Any]:
    models = specs_of(recorded)
    _may_leave(task, used_models(spec, models))
    sandbox, believed = (
        "none: a recorded run is replayed",
        {name: asdict(what) for name, what in able_of(recorded).items()},
    )
    return {
        "models": _as_written(models),
        "able": believed,
        "hosts": [],
        "unsafe": unsafe,
        "sandbox": sandbox,
    }


def _as_written(models: Mapping[str, ModelSpec]) -> dict[str, Any]:
    return {name: model.model_dump(mode="json", exclude_defaults=True) for name, model in models.items()}


def load_graph(graph: str | Path | GraphSpec, *, to_run: bool = False) -> GraphSpec:
    """Return the graph by name, path or as it is. Raises UsageError with one line a finding.

    What it names is imported only where it is `to_run`.
    """
    try:
        spec = graph if isinstance(graph, GraphSpec) else GraphSpec.load(graph, check=False)
        spec.check(to_run=to_run)
        if to_run:
            told_of_prompts(node.prompt for node in spec.nodes.values() if node.prompt)
        return spec
    except GraphError as error:
        raise UsageError(*error.lines) from None


def checked_for(spec: GraphSpec, config: RunConfig) -> tuple[GraphSpec, RunConfig]:
    """Return another graph as a run can use it, and the run's config then. Raises UsageError where it cannot be used."""
    task, models = load_task(config.task, direction=config.direction), specs_of(config)
    spec = ladders.fixed(load_graph(spec), models, data=task.data, recorded=config.replay)
    used = used_models(spec, models)
    _may_leave(task, used)
    others = set(config.hosts) - set(hosts(models))  # the memory's
    asked = [] if config.replay else hosts(used)
    return spec, replace(config, graph=spec.name, hosts=sorted({*others, *asked}))


def specs_of(config: RunConfig) -> dict[str, ModelSpec]:
    """Return the models that a run was started with. Raises UnavailableError where config.json says what is no model."""
    try:
        return {name: ModelSpec(**model) for name, model in config.models.items()}
    except (ValueError, TypeError) as error:
        raise _damaged(config, "models", error) from None


def able_of(config: RunConfig) -> dict[str, Able]:
    """Return what a run believes of its models; a guess where an older version began it.

    Raises UnavailableError where config.json says what nobody can believe.
    """
    try:
        kept = able.read(config.able)
    except ValueError as error:
        raise _damaged(config, "able", error) from None
    return {name: kept.get(name) or able.guess(spec) for name, spec in specs_of(config).items()}


def _damaged(config: RunConfig, field: str, error: Exception) -> UnavailableError:
    what = " ".join(str(error).split())[:160]
    return UnavailableError(f"config.json of run {config.run_id}: {field}: damaged ({what}); {LOOK}")


def used_models(spec: GraphSpec, models: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
    """Return the models on the ladders of `spec`. Raises UsageError for one that models.yaml does not have."""
    for name in spec.models:
        if name not in models:
            raise UsageError(f"graph {spec.name!r}: {unknown_model(name, models)}")
    return {name: models[name] for name in spec.models}


def _may_leave(task: TaskFolder, models: Mapping[str, ModelSpec]) -> None:
    away = [f"{name} ({host(spec)})" for name, spec in models.items() if not is_loopback(spec)]
    if task.data == "stays" and away:
        raise UsageError(
            f"task {task.name!r} says `data: stays`, but these models are not on this machine: {', '.join(away)}"
        )


def _stores(task: TaskFolder, runs_dir: Path) -> list[str]:
    """Return the hosts that what a run learns, its states and its replies are sent to. Raises UsageError for what stays."""
    stores = settings.elsewhere(runs_dir)
    if task.data != "stays":
        return [*settings.memory_hosts(runs_dir), *(host for store in stores for host in store.hosts)]
    if stores:
        raise UsageError(
            f"task {task.name!r} says `data: stays`, but replies and states go to {stores[0]}, which is not on this machine:"
            " take a --runs-dir without `ledger`, `checkpoints` and `archive`"
        )
    return []  # what stays is kept, embedded and looked up on this machine


def _are_whole(models: Mapping[str, ModelSpec], *, to_run: bool) -> None:
    """Raise UnavailableError for damaged weights, and UsageError for a class that cannot be asked, or a proxy that cannot be
    used, before anything is begun.

    Missing weights are fetched when they are needed.
    """
    from budgetmlagent.models.embedded.weights import path_of, verify
    from budgetmlagent.models.faults.surroundings import unusable

    for spec in models.values():
        if spec.chat and to_run:
            from budgetmlagent.models.chat.chat_class import checked

            checked(spec)
        if fault := unusable(spec):
            raise UsageError(f"model {spec.name!r}: {fault}")
        if spec.base_url == EMBEDDED and path_of(spec.model).exists():
            verify(spec.model)


def hosts(models: Mapping[str, ModelSpec]) -> list[str]:
    """Return the hosts that requests go to; an embedded model is no host."""
    return sorted({host(spec) for spec in models.values() if spec.base_url != EMBEDDED})


def _sandbox(task: TaskFolder, unsafe: bool, elsewhere: bool) -> dict[str, Any]:
    """Return the cage for the task's scripts, in words and as facts; raises UnavailableError for a GPU not there."""
    from budgetmlagent.sandbox.cages import gpus
    from budgetmlagent.sandbox.process.probe import probed

    if not elsewhere:
        gpus.devices(task.gpu)
    found = probed(unsafe=unsafe)
    words = found.cage.in_words(network=task.network, gpu=task.gpu)
    return {"sandbox": words, "sandbox_facts": found.facts()}
