"""What a first run teaches the next: a first run, a second on the same task, one on a sibling under other columns; paired.

    python tests/benchmarks/second.py [--pairs NAME ...] [--models F --who WORDS] [--turns 6] [--histories off run all] [--runs first second sibling] [--table]

Each run is a line of `tests/benchmarks/second.jsonl` and is not made again, so the whole can be interrupted. With `off`
nothing is remembered, with `run` what the run itself learned, with `all` what the runs before it learned, too: with `all`
the three runs of a pair share one memory, which nothing else has seen. `--who` says which models answered.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from siblings import SIBLINGS, write

from budgetmlagent import Session
from memory.attempts import Attempt, chain
from memory.scores import gain

RESULTS = Path(__file__).with_suffix(".jsonl")
PAIRS = {
    "amount": ("flats", "used_cars"),
    "yesno": ("loans", "turbines"),
    "words": ("tickets", "recipes"),
    "several": ("crops", "rocks"),
    "dated": ("bakery", "bicycles"),
}
RUNS = ("first", "second", "sibling")
KEPT = (
    "task",
    "seed",
    "status",
    "reason",
    "baseline",
    "best",
    "usd",
    "calls",
    "expert_calls",
    "turns",
    "seconds",
    "best_by",
)
HEAD = ("pair", "models", "history", "run", "task", "baseline", "best", "turn of it", "turns", "$", "calls", "dear calls", "by")  # fmt: skip


def main() -> None:
    """Make the runs that are missing, and print the table."""
    given = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    given.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS))
    given.add_argument(
        "--runs", nargs="+", choices=RUNS, default=RUNS, help="with another one's --models each"
    )
    given.add_argument("--histories", nargs="+", choices=("off", "run", "all"), default=["off", "run", "all"])
    given.add_argument("--models", help="a models.yaml; without it the embedded models")
    given.add_argument("--who", default="embedded", help="who answers, for the table")
    given.add_argument("--turns", type=int, default=6)
    given.add_argument("--budget", type=float, default=1.0)
    given.add_argument("--out", type=Path, default=Path("runs/second"))
    given.add_argument("--table", action="store_true", help="only print what is there")
    asked = given.parse_args()
    for pair in [] if asked.table else asked.pairs:
        for history in asked.histories:
            for which in asked.runs:
                made(asked, pair, history, which)
    print("\n".join(table(results())))


def made(asked: argparse.Namespace, pair: str, history: str, which: str) -> None:
    """Make one run, or go on with it, and keep what came of it, unless it is kept already."""
    key = {"pair": pair, "models": asked.who, "history": history, "run": which}
    if any(row | key == row for row in results()):
        return
    print(*key.values(), file=sys.stderr, flush=True)
    name = PAIRS[pair][which == "sibling"]
    task = write(next(one for one in SIBLINGS if one.name == name), asked.out / "tasks")
    runs = asked.out / asked.who / pair / history  # one folder, one memory
    mark = runs / f"{which}.run"
    if mark.exists():
        session = Session.open(mark.read_text(), runs_dir=runs)
    else:
        seed = int(which == "second")
        session = Session(str(task), "budgetml", asked.models, asked.budget, asked.turns, seed, history, runs)
        mark.write_text(session.run_id)
    summary = session.run()
    row = key | {name: summary[name] for name in KEPT} | {"scores": scores(session)}
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def scores(session: Session) -> list[tuple[int, float | None, str]]:
    """Return the attempts in their order: turn, score, and who chose it."""
    tried: list[Attempt] = [*chain(session.artifacts, session.state.head)][::-1]
    return [(one.turn, one.score, str(one.plan.get("by", ""))) for one in tried]


def results() -> list[dict[str, Any]]:
    """Return the kept runs."""
    return (
        [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
        if RESULTS.exists()
        else []
    )


def turn_of(row: dict[str, Any], wanted: float) -> int | None:
    """Return the first turn whose script was as good as `wanted`, but for a thousandth of the way from the starter; None where none was.

    A script that trains by the clock scores a little otherwise each time.
    """
    start = row["baseline"] if row["baseline"] is not None else wanted
    way = "max" if row["best"] is None or row["best"] >= start else "min"
    short = abs(wanted - start) / 1000
    good = [
        turn for turn, score, _ in row["scores"] if score is not None and gain(wanted, score, way) >= -short
    ]
    return min(good, default=None)


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the runs as Markdown, and what the second runs needed to be where the first ended."""
    yield "| " + " | ".join(HEAD) + " |"
    yield "|" + " --- |" * len(HEAD)
    for row in rows:
        cells = (
            row["pair"], row["models"], row["history"], row["run"], row["task"], f"{row['baseline']:.4g}",
            f"{row['best']:.4g}", turn_of(row, row["best"]), row["turns"], f"{row['usd']:.4f}", row["calls"],
            row["expert_calls"], row["best_by"],
        )  # fmt: skip
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield ""
    yield "| models | history | second runs as good as a first that gained | at their first turn | dear calls: first, second, sibling | $: first, second, sibling |"
    yield "|" + " --- |" * 6
    for who in dict.fromkeys(row["models"] for row in rows):
        for history in ("off", "run", "all"):
            mine = [row for row in rows if (row["models"], row["history"]) == (who, history)]
            yield from summed(who, history, mine)


def summed(who: str, history: str, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield one line about all pairs under one setting."""
    by = {(row["pair"], row["run"]): row for row in rows}
    pairs = [pair for pair in PAIRS if (pair, "first") in by and (pair, "second") in by]
    if not pairs:
        return
    gained = [pair for pair in pairs if by[pair, "first"]["best"] != by[pair, "first"]["baseline"]]
    turns = [turn_of(by[pair, "second"], by[pair, "first"]["best"]) for pair in gained]
    as_good, at_once = sum(turn is not None for turn in turns), sum(turn in (0, 1) for turn in turns)
    ran = [[by[pair, which] for pair in pairs if (pair, which) in by] for which in RUNS]
    dear = [sum(row["expert_calls"] for row in some) if some else "-" for some in ran]
    usd = [f"{statistics.mean(row['usd'] for row in some):.4f}" if some else "-" for some in ran]
    yield f"| {who} | {history} | {as_good}/{len(gained)} | {at_once}/{len(gained)} | {', '.join(map(str, dear))} | {', '.join(usd)} |"


if __name__ == "__main__":
    main()
