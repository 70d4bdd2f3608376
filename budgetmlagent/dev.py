"""What `langgraph dev` loads: the graph bound to a task, with no checkpointer of its own (the server brings one).

BUDGETML_TASK, _GRAPH, _MODELS, _BUDGET, _TURNS and _HISTORY choose what `budgetml run`'s options do. An input of `{}`
starts a run.
"""

import os
from pathlib import Path
from typing import Any

from budgetmlagent import rundir, wiring
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.order import plan
from graphs.compile import compile_graph
from memory.artifacts import Artifacts


def make_graph() -> Any:
    """Return the compiled graph of a new run below `runs/`."""
    setting = {k.removeprefix("BUDGETML_"): v for k, v in os.environ.items() if k.startswith("BUDGETML_")}
    order = plan(
        setting.get("TASK", "digits"),
        setting.get("GRAPH", "budgetml"),
        setting.get("MODELS") or None,
        float(setting.get("BUDGET", "0.25")),
        int(setting.get("TURNS", "12")),
        seed=0,
        history=setting.get("HISTORY", "all"),
    )
    run = rundir.create(Path("runs").resolve(), order.config, order.spec.dump())
    ledger = Ledger(run.ledger)
    ledger.open_run(order.config.run_id, order.config.budget)
    parts = wiring.build(order.config, run, order.task, order.spec, Artifacts(run.artifacts), ledger)
    return compile_graph(order.spec, parts.deps)
