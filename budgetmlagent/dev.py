"""What `langgraph dev` loads: the graph bound to a task, with no checkpointer of its own (the server brings one).

BUDGETML_TASK, _GRAPH, _MODELS, _BUDGET, _TURNS and _HISTORY choose what `budgetml run`'s options do. An input of `{}`
starts a run. The server asks for the graph at every request, on its event loop: to draw it begins nothing, and the run
of a thread is begun once, in another Python thread.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.runtime import ServerRuntime

from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.run import wiring
from budgetmlagent.run.order import begin, load_graph
from budgetmlagent.run.request import DEFAULTS, Request
from budgetmlagent.run.stranger import require_own
from budgetmlagent.run.wiring import Parts
from budgetmlagent.tasks.folder import load_task
from graphs.compile import compile_graph
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
    return compile_graph(load_graph(os.environ.get("BUDGETML_GRAPH", DEFAULTS["graph"])), cast("Deps", None))


def _of_run(thread: str) -> tuple[Any, Parts]:
    """Return the graph of the run of `thread` and its parts: what the thread's state names lies in that run's folder."""
    there = next(Path(Request.runs_dir).resolve().glob(f"*-{thread}/config.json"), None) if thread else None
    run = RunDir(there.parent) if there else begin(_asked(), thread)
    config, spec = run.config(), load_graph(str(run.graph))
    require_own(run, config)
    ledger = Ledger(run.ledger)
    ledger.open_run(config.run_id, config.budget)
    task = load_task(config.task, direction=config.direction)
    parts = wiring.build(config, run, task, spec, Artifacts(run.artifacts), ledger)
    return compile_graph(spec, parts.deps), parts


def _asked() -> Request:
    def option(name: str, default: Any) -> str:
        return os.environ.get(f"BUDGETML_{name}", str(default))

    return Request(
        task=option("TASK", "digits"),
        graph=option("GRAPH", DEFAULTS["graph"]),
        models=option("MODELS", "") or None,
        budget=float(option("BUDGET", DEFAULTS["budget"])),
        turns=int(option("TURNS", DEFAULTS["turns"])),
        history=option("HISTORY", DEFAULTS["history"]),
    )
