"""A bench from its plan to its table: what has no row yet is run, and the table is kept up to date."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budgetmlagent.bench import results
from budgetmlagent.bench.found import CELLS, RUNS
from budgetmlagent.bench.here import Here, Place
from budgetmlagent.bench.plan import Cell, Needs
from budgetmlagent.bench.runner import Runner, Told
from budgetmlagent.models.embedded.lent import LENT, Lender
from budgetmlagent.records import archive
from budgetmlagent.run.request import Request
from budgetmlagent.run.wiring import fetched

Rows = dict[Cell, dict[str, Any]]


def make(
    asked: Mapping[Cell, Request],
    rows: Rows,
    out: Path,
    jobs: int,
    place: Place,
    told: Told,
    ended: Callable[[dict[str, Any]], None],
) -> None:
    """Run what is not in `rows` yet, `jobs` at once, and add its rows there; `ended` hears each."""
    runs = out / RUNS
    table = results.Table(out)
    left = {cell: one for cell, one in asked.items() if cell not in rows}

    def ordered() -> list[dict[str, Any]]:
        return [rows[cell] for cell in asked if cell in rows]

    try:
        for cell, row in Runner(out / CELLS, jobs, told, place).run(left):
            rows[cell] = row
            table.keep(ordered)
            archive.keep_ended(str(row.get("run_dir", "")), runs)
            ended(row)
    finally:
        table.keep(ordered, ended=True)


@contextmanager
def here(needs: Needs, out: Path, slots: int) -> Iterator[Here]:
    """Make runs on this machine, `slots` at once, which share the servers of the embedded models.

    Raises UnavailableError where weights cannot be had or a server does not start.
    """
    if not (needs.embedded and slots):
        yield Here({})
        return
    for spec in needs.embedded:
        fetched(spec.model)
    with Lender(out.resolve() / "served.json", needs.embedded, slots) as lender:
        yield Here({LENT: str(lender.file)})
