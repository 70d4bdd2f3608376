"""What `budgetml doctor` looks at: this machine, or the three stores of one run against each other."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from budgetmlagent import disk
from budgetmlagent.cache import standing
from budgetmlagent.errors import BudgetMLError, UnavailableError
from budgetmlagent.records import hints, rundir, summary
from budgetmlagent.records.branches import Branches
from budgetmlagent.records.checkpoints import checkpoints_of
from budgetmlagent.records.rundir import RunDir, read_json
from budgetmlagent.run.view import RunView
from budgetmlagent.upkeep import run_memory, shared, stores
from budgetmlagent.upkeep.rows import Row, row
from graphs.spec import GraphError, GraphSpec
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.items import StoreError


def of_machine(runs_dir: Path) -> list[Row]:
    """Check Python, sandbox, cache, embedded models, the runs' folder and the stores that machines share."""
    from budgetmlagent.models import proxies
    from budgetmlagent.models.catalog import list_models
    from budgetmlagent.models.config import load_models

    rows = [row("python", True, platform.python_version()), *_sandbox(), row("cache", True, standing())]
    for model in list_models(load_models()):
        present = model["present"]
        detail = f"{model['path']}" if present else f"not fetched; `budgetml models pull {model['name']}`"
        rows.append(row(f"model {model['name']}", True, detail))
    rows.append(_gpus())
    rows += [row("proxy", not proxy.fault, proxy.fault or proxy.shown) for proxy in proxies.named()]
    runs = rundir.all_runs(runs_dir)
    return [*rows, row("runs", True, f"{len(runs)} in {runs_dir.resolve()}"), *shared.of_settings(runs_dir)]


def _gpus() -> Row:
    """Tell what the scripts of a task with `gpu: true` would be given."""
    from budgetmlagent.sandbox.cages import gpus

    try:
        found = ", ".join(path.name for path in gpus.devices("all"))
    except UnavailableError as error:
        return row("gpu", True, f"none; a task with `gpu: true` is refused here: {error}")
    told = gpus.environment("all", isolated=True).get(gpus.GIVEN)
    return row(
        "gpu", True, f"with `gpu: true` scripts see {found}" + (f"; {gpus.GIVEN}={told}" if told else "")
    )


def _sandbox() -> list[Row]:
    """Tell the cage that was chosen, what it is made of, and what became of each canary."""
    from budgetmlagent.sandbox.cages.cures import cure
    from budgetmlagent.sandbox.process.probe import probed

    try:
        found = probed()
    except BudgetMLError as error:
        return [row("sandbox", False, str(error))]
    facts = found.facts()
    made_of = (
        f"{facts['binary'] or facts['rung']}, version {facts['version'] or 'unknown'}, from {facts['origin']}"
    )
    rows = [row("sandbox", True, found.cage.words), row("sandbox binary", True, made_of)]
    rows += [row("sandbox passed over", True, f"{fault}; {cure(fault)}") for fault in facts["passed_over"]]
    rows += [row(f"limit of {name}", True, _kept(name, who)) for name, who in facts["limits"].items()]
    return rows + [row(f"canary {name}", True, became) for name, became in facts["canaries"].items()]


def _kept(name: str, who: str) -> str:
    from budgetmlagent.sandbox.cages.cage import WATCHDOG
    from budgetmlagent.sandbox.cages.cgroup import DELEGATED

    if name == "memory" and who == WATCHDOG and os.geteuid() != 0:
        return f"{who}; the kernel keeps it under `{DELEGATED} budgetml …`, where the user has a systemd"
    return who


def of_run(run: str, runs_dir: Path, *, rebuild: bool) -> list[Row]:
    """Check a run's checkpoints, ledger and artifacts against each other; first make again what is derived, if asked.

    Raises UsageError for an unknown run and UnavailableError where its config.json cannot be read.
    """
    found = rundir.find(run, runs_dir)
    found.config()
    with disk.clear():
        try:
            with FileLock(found.lock, is_singleton=True).acquire(timeout=0):
                return [*(_rebuilt(found) if rebuild else []), *_checked(found)]
        except Timeout:
            words = "the run is running in another process: look again when it has ended"
            return [row("running", True, words)]


def _checked(run: RunDir) -> list[Row]:
    rows = stores.of_files(run)
    try:
        view = RunView.open(run.root)
        rows += stores.of_run(view)
    except (BudgetMLError, StoreError, CorruptArtifactError, OSError) as error:
        rows.append(row("run", False, str(error)))
    return [*rows, *run_memory.of_run(run)]


def _rebuilt(run: RunDir) -> Iterator[Row]:
    """Make again whatever can be, each part by itself; remove what is half written."""
    for path in run.half_written():
        path.unlink()
    for part in (_ends_without_damage, _graph_again, _memory_again, _projections_again):
        try:
            yield from part(run)
        except (BudgetMLError, StoreError, CorruptArtifactError, FileNotFoundError) as error:
            yield row("rebuilt", False, f"not all could be made again: {error}")


def _memory_again(run: RunDir) -> Iterator[Row]:
    yield row("rebuilt", True, f"memory: {run_memory.rebuild(run)} items")


def _projections_again(run: RunDir) -> Iterator[Row]:
    steps = summary.write(RunView.open(run.root).record)["steps"]
    yield row("rebuilt", True, f"run.json of {steps} steps, events.jsonl, results.tsv, best/")


def _ends_without_damage(run: RunDir) -> Iterator[Row]:
    """Remove a damaged account of the run's end: `budgetml resume` makes it again."""
    for name in stores.ENDS:
        try:
            read_json(run.root / name)
        except UnavailableError:
            for each in {name, "ended.json"}:  # no run has finished without its scores
                (run.root / each).unlink(missing_ok=True)
            resume = hints.command("resume", run.root)
            yield row("rebuilt", True, f"{name} was damaged and is removed: `{resume}` makes it again")


def _graph_again(run: RunDir) -> Iterator[Row]:
    """Give the run its graph back, as the newest checkpoint has it, where graph.yaml cannot be read."""
    try:
        GraphSpec.load(run.graph, check=False)
    except GraphError:
        path = Branches(checkpoints_of(run), run.run_id).path
        graph = next((point.graph for point in reversed(path) if point.graph), None)
        if graph is None:
            raise UnavailableError(
                f"{run.graph}: no checkpoint has the graph: put it back from a copy"
            ) from None
        run.write_bytes("graph.yaml", Artifacts(run.artifacts).read(graph))
        yield row("rebuilt", True, "graph.yaml, as the newest checkpoint has it")
