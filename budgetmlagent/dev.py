"""What `langgraph dev` loads: the graph bound to a task, with no checkpointer of its own (the server brings one).

BUDGETML_TASK, _GRAPH, _MODELS, _BUDGET, _TURNS and _HISTORY choose what `budgetml run`'s options do. An input of `{}`
starts a run. The server asks for the graph at every request, on its event loop: to draw it begins nothing, and the run
of a thread is begun once, in another Python thread.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.runtime import ServerRuntime

from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records import rundir
from budgetmlagent.records.rundir import RunConfig, RunDir
from budgetmlagent.run import wiring
from budgetmlagent.run.order import load_graph, plan
from budgetmlagent.run.wiring import Parts
from budgetmlagent.tasks.folder import load_task
from graphs.compile import compile_graph
from graphs.spec import GraphSpec
from memory.artifacts import Artifacts
from nodes.deps import Deps


def make_graph(config: RunnableConfig | None = None, runtime: ServerRuntime[Any] | None = None) -> Any:
    """Return the compiled graph of a new run below `runs/`.

    The server gives both arguments and gets an asynchronous context manager of the graph of its thread's run.
    """
    if config is None or runtime is None:
        return _of_run("")[0]
    return _served(str(config["configurable"].get("thread_id", "")), to_run=bool(runtime.execution_runtime))


@asynccontextmanager
async def _served(thread: str, *, to_run: bool) -> AsyncIterator[Any]:
    if not to_run:
        yield await asyncio.to_thread(_drawn)
        return
    graph, parts = await asyncio.to_thread(_of_run, thread)
    try:
        yield graph
    finally:
        await asyncio.to_thread(parts.close)


def _drawn() -> Any:
    """Return the graph to look at and to change states by: no node runs in it, so it is bound to nothing."""
    return compile_graph(load_graph(_setting("GRAPH", "budgetml")), cast("Deps", None))


def _of_run(thread: str) -> tuple[Any, Parts]:
    run, config, spec = _run(Path("runs").resolve(), thread)
    ledger = Ledger(run.ledger)
    ledger.open_run(config.run_id, config.budget)
    task = load_task(config.task, direction=config.direction)
    parts = wiring.build(config, run, task, spec, Artifacts(run.artifacts), ledger)
    return compile_graph(spec, parts.deps), parts


def _run(runs: Path, thread: str) -> tuple[RunDir, RunConfig, GraphSpec]:
    """Return the run of `thread`, where it has one: what its state names lies in that run's folder. Else a new one."""
    there = next(runs.glob(f"*-{thread}/config.json"), None) if thread else None
    if there:
        run = RunDir(there.parent)
        return run, run.config(), load_graph(str(run.graph))
    order = plan(
        _setting("TASK", "digits"),
        _setting("GRAPH", "budgetml"),
        _setting("MODELS", "") or None,
        float(_setting("BUDGET", "0.25")),
        int(_setting("TURNS", "12")),
        seed=0,
        history=_setting("HISTORY", "all"),
    )
    config = order.config
    if thread:
        config = replace(config, run_id=f"{order.task.name}-{thread}")
    return rundir.create(runs, config, order.spec.dump()), config, order.spec


def _setting(name: str, default: str) -> str:
    return os.environ.get(f"BUDGETML_{name}", default)
