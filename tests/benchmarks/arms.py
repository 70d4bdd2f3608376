"""Four arms on real tasks: what memory alone gains, what the models add, and what a single dear agent costs.

    python tests/benchmarks/arms.py [TASK ...] [--turns 10] [--seeds 0 1] [--arms NAME ...] [--models F --who WORDS] [--table]

Each finished run is a line of `tests/benchmarks/arms.jsonl` and is not made again; a stopped one is gone on with, so the
whole can be interrupted. `--table` prints what is there without running anything. Delete the file to measure afresh.
`--who` says which models answered, where they are not the embedded ones; their runs are kept in `arms-WHO.jsonl`. The normalised gain is the share of the way
from the starter to the best private score that any run of the task has reached here.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ARMS = {
    "memory": ("recall", "run"),
    "ours": ("budgetml", "run"),
    "single": ("single_agent", "off"),
    "single+memory": ("single_agent", "run"),
}
HERE = Path(__file__).parent
KEPT = (
    "task", "seed", "turns", "status", "reason", "baseline", "best", "private_baseline", "private_best", "gain_pct",
    "success", "feedback", "usd", "usd_by_node", "calls", "calls_by_model", "tokens_in", "tokens_out", "cached_tokens",
    "expert_calls", "escalations", "steps", "seconds", "best_by",
)  # fmt: skip
COLUMNS = (
    "task",
    "arm",
    "models",
    "seed",
    "success",
    "gain %",
    "normalised",
    "$",
    "tokens",
    "min",
    "by",
    "expert",
    "turns",
)
EMBEDDED = "embedded"


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tasks", nargs="*", default=["digits", "flights", "glosses"])
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--budget", type=float, default=2.0)
    parser.add_argument("--models", help="a models.yaml; without it the embedded models")
    parser.add_argument("--who", default=EMBEDDED, help="who answers, for the table")
    parser.add_argument("--out", type=Path, default=Path("runs/arms"))
    parser.add_argument("--table", action="store_true", help="only print what is there")
    options = parser.parse_args()
    if not options.table:
        for task, arm, seed in plan(options):
            run(options, task, arm, seed)
    print(table(results()))


def plan(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Yield the runs, so that each task has all its arms early; memory alone is deterministic and is run once."""
    for seed in options.seeds:
        for task in options.tasks:
            for arm in options.arms:
                if arm != "memory" or seed == options.seeds[0]:
                    yield task, arm, seed


def run(options: argparse.Namespace, task: str, arm: str, seed: int) -> None:
    """Make one run, or go on with it, and keep its summary, unless it is kept already."""
    from budgetmlagent.errors import RunFailedError
    from budgetmlagent.records.rundir import all_runs
    from budgetmlagent.run.session import Session

    name = Path(task).name
    if any((r["task"], r["arm"], r["seed"], who(r)) == (name, arm, seed, options.who) for r in results()):
        return
    graph, history = ARMS[arm]
    folder = options.out / options.who / name / arm / str(seed)
    there = all_runs(folder)
    print(f"{task} {arm} seed {seed}", file=sys.stderr, flush=True)
    if there:
        session = Session.open(there[-1].root)
    else:
        session = Session(task, graph, options.models, options.budget, options.turns, seed, history, folder)
    try:
        summary = session.run()
    except RunFailedError as error:
        print(f"  failed: {error}", file=sys.stderr, flush=True)
        return
    kept = HERE / ("arms.jsonl" if options.who == EMBEDDED else f"arms-{options.who}.jsonl")
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"arm": arm, "who": options.who} | {key: summary[key] for key in KEPT}) + "\n")


def results() -> list[dict[str, Any]]:
    """Return the kept summaries."""
    files = sorted(HERE.glob("arms*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def who(row: dict[str, Any]) -> str:
    """Return which models answered."""
    return str(row.get("who", EMBEDDED))


def normalised(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> float | None:
    """Return the share of the way from the starter to the best that was reached here; None where there is no way to go."""
    start = row["private_baseline"]
    ends = [r["private_best"] for r in rows if r["task"] == row["task"] and r["private_best"] is not None]
    if start is None or row["private_best"] is None:
        return None
    way = max((end - start for end in ends), key=abs, default=0.0)
    return (row["private_best"] - start) / way if way else None


def number(value: float | None, digits: int) -> str:
    """Return a number for a cell, or that there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the runs and, below, each arm's means as Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    order = list(ARMS)
    for r in sorted(rows, key=lambda r: (r["task"], order.index(r["arm"]), who(r), r["seed"])):
        cells = (
            r["task"], r["arm"], who(r), r["seed"], "yes" if r["success"] else "no", number(r["gain_pct"], 1),
            number(normalised(r, rows), 2), f"{r['usd']:.4f}", r["tokens_in"] + r["tokens_out"],
            f"{r['seconds'] / 60:.1f}", r["best_by"], r["expert_calls"], r["turns"],
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        "| arm | models | runs | success | mean gain % | mean normalised | mean $ | dollars against `single` |",
        "|" + " --- |" * 8,
    ]
    for arm in order:
        for models in dict.fromkeys(who(r) for r in rows if r["arm"] == arm):
            lines.append(summed(arm, models, rows))
    return "\n".join(lines)


def summed(arm: str, models: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return an arm's means; its dollars against the single agent's of the same models, on the tasks that both have."""
    mine = [r for r in rows if (r["arm"], who(r)) == (arm, models)]
    alone = [r for r in rows if (r["arm"], who(r)) == ("single", models)]
    tasks = {r["task"] for r in alone} & {r["task"] for r in mine}
    same, single = (mean([r["usd"] for r in some if r["task"] in tasks]) for some in (mine, alone))
    share = f"{100 * same / single:.1f}%" if single else "-"
    ways = [way for r in mine if (way := normalised(r, rows)) is not None]
    cells = (
        arm, models, len(mine), f"{sum(r['success'] for r in mine)}/{len(mine)}",
        f"{mean([r['gain_pct'] for r in mine if r['gain_pct'] is not None]):.1f}", f"{mean(ways):.2f}",
        f"{mean([r['usd'] for r in mine]):.4f}", share,
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; 0 for none."""
    return sum(values) / len(values) if values else 0.0


if __name__ == "__main__":
    main()
