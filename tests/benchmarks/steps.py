"""What a step costs: our compiled five-node graph against a bare LangGraph graph of the same shape, step by step in turn.

    python tests/benchmarks/steps.py [--steps 400] [--rounds 3]

Both have the same state class, nodes that write the same fields, and a SqliteSaver with durability "sync" of their own. Ours
decides by the rules of `budgetml.yaml`; the bare one's edges are plain functions. No model, sandbox or history works.
Below stand what the ledger adds to a step that asks a model and what its event adds to any step, as parts of a bare step, and
what a step of a Session costs on a recording: `step` makes the parts of the run anew each time.
"""

import argparse
import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from budgetmlagent.money.ledger import Answer, Call, Ledger
from graphs.spec import GraphSpec
from memory.state import NANO, Best, Fault, Plan, Recalled, Run, RunState, Shared, Task
from nodes.able import WEAKEST, Able
from nodes.deps import Deps

RECALLED = 6  # items that the history supplies to the planner
EDGES = {
    "executor": ["evaluator"],
    "evaluator": ["planner", "coder", "expert"],
    "planner": ["coder", "planner"],
    "coder": ["executor", "coder"],
    "expert": ["coder", "planner"],
}


class Update(TypedDict, total=False):
    """What the nodes of the benchmark write."""

    task: Shared[Task]
    turn: Shared[int]
    head: Shared[str]
    best: Shared[Best]
    script: Shared[str]
    plan: Shared[Plan]
    run: Shared[Run]
    fault: Shared[Fault]
    advice: Shared[str]
    counts: Shared[dict[str, int]]
    notes: dict[str, Any]


def executor(state: RunState, deps: Deps | None = None) -> Update:
    """Write what an execution leaves."""
    it = name("execution", state.turn)
    run = Run(
        execution=it, exit=0, seconds=1.234, output=name("out", state.turn), error="", cures=[], known=False
    )
    task = Task(
        name="digits", direction="max", budget=250_000_000, turns=10**9, history="run", briefing=name("b", 0)
    )
    return {"run": run, "fault": Fault(), "task": state.task or task}


def evaluator(state: RunState, deps: Deps | None = None) -> Update:
    """Write an attempt: the first one is the best, the others fail."""
    head = name("attempt", state.turn)
    failed = state.counts.get("failed", 0) + 1
    counts = state.counts | {"failed": failed, "failed_since_up": failed, "failed_since_expert": failed % 9}
    first: Update = {"task": Task(**{**state.task, "baseline": 0.8}), "best": Best(attempt=head, score=0.8)}
    return {"head": head, "counts": counts, "fault": Fault()} | ({} if state.best else first)


def planner(state: RunState, deps: Deps | None = None) -> Update:
    """Write a plan and count the turn."""
    chosen = [*state.notes.get("planner", {}).get("chosen", []), name("case", state.turn)[:12]]
    plan = Plan(action="improve", instruction=f"{state.turn}: " + "x" * 120, case="", by="small")
    return {
        "turn": state.turn + 1,
        "plan": plan,
        "fault": Fault(),
        "notes": {"planner": {"chosen": chosen[-20:]}},
    }


def coder(state: RunState, deps: Deps | None = None) -> Update:
    """Write a script."""
    plan = Plan(**{**state.plan, "wrote": "small"})
    return {"script": name("script", state.turn), "plan": plan, "fault": Fault()}


def expert(state: RunState, deps: Deps | None = None) -> Update:
    """Write advice."""
    return {"advice": name("advice", state.turn), "fault": Fault()}


def name(what: str, turn: int) -> str:
    """Return an id such as the artifacts have."""
    return hashlib.sha256(f"{what} {turn}".encode()).hexdigest()


class Cheap:
    """The two parts that the step itself uses."""

    def spent(self) -> int:
        """Return some sum."""
        return 123_456_789

    def able(self, model: str) -> Able:
        """Return what the weakest can do: its prompts are chosen so."""
        return WEAKEST

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:
        """Return what the history would name to the planner, and less to the others."""
        count = RECALLED if node == "planner" else 1
        return [
            Recalled(id=name("item", i), kind="attempt", similarity=0.87, source="digits-1/3 digits")
            for i in range(count)
        ]


BEGIN = {"turn": 0, "rungs": {"planner": 1}}  # memory is used up: the most rules are looked at
NODES = {f.__name__: f for f in (planner, coder, executor, evaluator, expert)}
DEPS = Deps(Cheap(), None, None, None, None, Cheap(), None, None)  # type: ignore[arg-type]


def ours(saver: SqliteSaver) -> Any:
    """Return the shipped graph with the nodes of this file."""
    spec = GraphSpec.load("budgetml")
    for node in NODES:
        spec.set_node(node, run=f"steps:{node}")
    return spec.compile(DEPS, saver)


def bare(saver: SqliteSaver) -> Any:
    """Return the same shape in plain LangGraph."""

    def leads(targets: list[str]) -> Any:
        return lambda state: targets[
            -1 if state.counts.get("failed", 0) % 9 == 8 and len(targets) == 3 else 0
        ]

    builder = StateGraph(RunState)
    for node, function in NODES.items():
        builder.add_node(node, function)
        builder.add_conditional_edges(node, leads(EDGES[node]), EDGES[node])
    builder.add_edge(START, "executor")
    return builder.compile(checkpointer=saver)


def measured(folder: Path, steps: int) -> dict[str, tuple[list[float], float, list[str]]]:
    """Run both step by step in turn; return each one's milliseconds, KiB a step and nodes."""
    files = {kind: folder / f"{kind}.sqlite" for kind in ("ours", "bare")}
    with (
        closing(sqlite3.connect(files["ours"], check_same_thread=False)) as first,
        closing(sqlite3.connect(files["bare"], check_same_thread=False)) as second,
    ):
        graphs = {"ours": ours(SqliteSaver(first)), "bare": bare(SqliteSaver(second))}
        config = {"configurable": {"thread_id": "t"}, "recursion_limit": 10**6}
        runs = {
            kind: graph.stream(BEGIN, config, stream_mode="updates", durability="sync")
            for kind, graph in graphs.items()
        }
        spans: dict[str, list[float]] = {kind: [] for kind in runs}
        nodes: dict[str, list[str]] = {kind: [] for kind in runs}
        for step in range(steps):
            for kind in list(runs) if step % 2 else list(runs)[::-1]:
                spans[kind].append(timed(runs[kind], nodes[kind]))
        for run in runs.values():
            run.close()
    sizes = {kind: os.path.getsize(file) / 1024 / steps for kind, file in files.items()}
    return {kind: (spans[kind], sizes[kind], nodes[kind]) for kind in runs}


def timed(run: Iterator[dict[str, Any]], nodes: list[str]) -> float:
    """Take a step; return its milliseconds."""
    start = time.perf_counter()
    update = next(run)
    span = time.perf_counter() - start
    nodes.append(next(iter(update)))
    return 1000 * span


def around(spans: list[float], step: int) -> float:
    """Return the median of the steps about `step`."""
    return median(spans[max(0, step - 5) : step + 5])


def money(folder: Path, calls: int) -> float:
    """Reserve and settle one call after the other under all three caps; return the median milliseconds of both."""
    book = Ledger(folder / "ledger.sqlite")
    book.open_run("r", NANO)
    book.set_project_cap(NANO)
    spans = []
    for n in range(calls):
        call = Call(
            key=f"r/{n}/coder", run="r", step=n, node="coder", model="small", served="m", price="p",
            prompt=name("prompt", n), bytes=4000,
        )  # fmt: skip
        answer = Answer(text="x" * 2000, reply=name("reply", n), tokens_in=1000, tokens_out=500)
        start = time.perf_counter()
        room = book.reserve(call, 1000, role_cap=NANO)
        book.settle(room.id, 500, answer)  # type: ignore[union-attr]
        spans.append(1000 * (time.perf_counter() - start))
    return median(spans)


def telling(run: Any, file: Path) -> float:
    """Make the newest step's event from its checkpoints and the ledger and append it, as a run does; return the median milliseconds."""
    from budgetmlagent.records import events

    spans = []
    for _ in range(100):
        start = time.perf_counter()
        line = events.as_line(events.event(*run.branches.last_step, run.calls))
        with file.open("a", encoding="utf-8") as lines:
            lines.write(line)
        spans.append(1000 * (time.perf_counter() - start))
    return median(spans)


def session(folder: Path) -> tuple[str, float]:
    """Replay a recording by `Session.run` and by `Session.step`; return what a step costs in each, and its event's milliseconds."""
    from budgetmlagent import Session

    recording = Path(__file__).parents[1] / "recordings" / "digits"
    config = json.loads((recording / "config.json").read_text(encoding="utf-8"))
    spans: dict[str, list[float]] = {"run": [], "step": []}
    told = ""
    for kind, found in spans.items():
        one = Session(
            config["task"], str(recording / "graph.yaml"), f"replay:{recording}", config["budget"] / 1e9,
            config["turns"], config["seed"], config["history"], folder / kind,
        )  # fmt: skip
        while not one.done:
            start = time.perf_counter()
            if kind == "run":
                one.run()
            else:
                one.step()
            found.append(1000 * (time.perf_counter() - start))
        steps = len(one.timeline)
        with closing(sqlite3.connect(one.folder.checkpoints)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = os.path.getsize(one.folder.checkpoints) / 1024 / steps
        spent = found[0] / steps if kind == "run" else median(found)
        told += f"Session.{kind}: {spent:.0f} ms a step, {size:.2f} KiB a step over {steps} steps\n"
    return told, telling(one, folder / "events.jsonl")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(
        "| round | graph | ms at 10 | ms at 300 | median ms | last/first quarter | KiB a step |\n|"
        + " --- |" * 7
    )
    ratios, quarter, ledger = [], options.steps // 4, []
    for i in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            found = measured(Path(folder), options.steps)
            ledger.append(money(Path(folder), options.steps) / median(found["bare"][0]))
        for kind, (spans, size, _) in found.items():
            flat = median(spans[-quarter:]) / median(spans[:quarter])
            cells = [f"{x:.2f}" for x in (around(spans, 10), around(spans, 300), median(spans), flat, size)]
            print(f"| {i + 1} | {kind} | " + " | ".join(cells) + " |")
        ratios.append(median(found["ours"][0]) / median(found["bare"][0]))
    print(f"\nours / bare, median ms: {', '.join(f'{ratio:.2f}' for ratio in ratios)}\n")
    print(f"reserve and settle / bare, median ms: {', '.join(f'{ratio:.2f}' for ratio in ledger)}\n")
    with tempfile.TemporaryDirectory() as runs:
        told, event = session(Path(runs))
    print(f"event / bare, median ms: {event / median(found['bare'][0]):.2f}\n\n{told}", end="")


if __name__ == "__main__":
    main()
