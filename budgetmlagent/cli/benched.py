"""How a bench is told: what runs now, a line a run that has ended, and what all say together."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetmlagent.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from budgetmlagent.bench.plan import Cell
    from budgetmlagent.bench.runner import Step
    from budgetmlagent.bench.words import Names


class Live:
    """A line a run that has ended, and below, in a terminal, a table of those that run now."""

    def __init__(self, cells: "Sequence[Cell]", rows: "Sequence[Mapping[str, Any]]") -> None:
        """`rows` are those of runs that have ended before."""
        from rich.live import Live

        from budgetmlagent.bench.plan import cell_of
        from budgetmlagent.bench.words import Names
        from budgetmlagent.cli.console import Console

        asked = [cell_of(cell) for cell in cells]
        self.console = Console(stderr=True, highlight=False)
        self.names = Names.of(asked)
        self.called = {row["cell"]: called(row, self.names) for row in asked}
        self.done, self.usd = len(rows), sum(row.get("usd") or 0.0 for row in rows)
        self.now: dict[str, Step] = {}
        self.live = Live(
            get_renderable=self._table, console=self.console, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> "Live":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def told(self, name: str, now: "Step | None") -> None:
        """Hear how far a run is, None when it has ended."""
        if now:
            self.now[name] = now
        else:
            self.now.pop(name, None)

    def ended(self, row: dict[str, Any]) -> None:
        """Tell of a run that has ended."""
        self.done += 1
        self.usd += row.get("usd") or 0.0
        self.console.print(
            f"{self.done}/{len(self.called)} {line(row, self.names)}", markup=False, soft_wrap=True
        )

    def _table(self) -> Any:
        from rich.table import Column, Table
        from rich.text import Text

        now = dict(sorted(self.now.items()))
        waiting = len(self.called) - self.done - len(now)
        usd = self.usd + sum(step.usd for step in now.values())
        table = Table(
            Column(f"{len(now)} run, {waiting} wait", overflow="fold"), "turn", "node", Column(f"${usd:.4f}", justify="right"), box=None
        )  # fmt: skip
        for name, step in now.items():
            table.add_row(Text(self.called[name]), str(step.turn), step.node or "begins", f"${step.usd:.4f}")
        return table


def called(row: "Mapping[str, Any]", names: "Names") -> str:
    """Return what a run is called: its task, setting and seed."""
    from budgetmlagent.bench.summary import way

    return f"{names.task(row)} ({names.setting(way(row))}) seed {row['seed']}"


def line(row: dict[str, Any], names: "Names") -> str:
    """Tell a row in a line."""
    from budgetmlagent.bench.summary import starved

    gain = row.get("gain_pct")
    what = f"{called(row, names)}: {row['status']}"
    what += ", starved" if starved(row) else ""
    if row["status"] == "failed":
        return f"{what}: {row['reason']}"
    return f"{what}, {'no gain known' if gain is None else f'{gain:+.1f}%'}, ${row['usd']:.4f}, {row['seconds'] / 60:.1f} min"


def damaged(path: Path, why: str) -> None:
    """Tell of a row that cannot be read."""
    import sys

    print(f"budgetml: {path}: damaged ({why}); `--continue` makes it again from its run", file=sys.stderr)


def tell(cells: "Sequence[Cell]", found: "Mapping[Cell, dict[str, Any]]", out: Path, as_json: bool) -> None:
    """Write the table of those runs that have ended, and print what came of them, for people or as JSON."""
    from budgetmlagent.bench import results
    from budgetmlagent.bench.summary import compared, summed
    from budgetmlagent.bench.words import Names, interval, starved_in_words
    from budgetmlagent.cli.console import Console

    rows, kept = [found[cell] for cell in cells if cell in found], False
    with suppress(OSError):  # of a folder that is only looked at, or a full disk
        results.write(out, rows)
        kept = True
    told: dict[str, Any] = {
        "dir": str(out),
        "runs": len(cells),
        "done": len(rows),
        "summary": summed(rows),
        "compared": compared(rows),
    }
    if as_json:
        return options.print_json(told | {"rows": rows})
    console, names = Console(highlight=False), Names.of(rows)
    console.print(_summary(told["summary"], names))
    if hungry := starved_in_words(told["summary"]):
        console.print(hungry, markup=False, soft_wrap=True)
    for pair in told["compared"]:
        first, second = (names.setting(pair[which]) for which in ("first", "second"))
        failed = f" ({pair['failed'][1]} and {pair['failed'][0]} failed)" if any(pair["failed"]) else ""
        console.print(
            f"{second} against {first}, {pair['pairs']} pairs{failed}: better {pair['better']}, even {pair['even']}, worse"
            f" {pair['worse']}; normalised gain {interval(pair['normalised_gain'], 2, '+')}, dollars {interval(pair['usd'], 4, '+')}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    if kept:
        console.print(
            f"{out / results.CSV}: a line a run; {out / results.PAGE}: the whole",
            markup=False,
            soft_wrap=True,
        )
    return None


def _summary(found: list[dict[str, Any]], names: "Names") -> Any:
    from rich.table import Column, Table

    from budgetmlagent.bench.words import interval, minutes

    hungry = any(one["starved"] for one in found)  # else the column would take room for nothing
    table = Table(
        Column("setting", overflow="fold"),
        "runs",
        "failed",
        *["starved"] * hungry,
        "success",
        "gain %",
        "normalised",
        "$ a run",
        "minutes",
        box=None,
    )
    for one in found:
        table.add_row(
            names.setting((one["graph"], one["models_file"])), str(one["runs"]), str(one["failed"]), *[str(one["starved"])] * hungry,
            interval(one["success"], 2), interval(one["gain_pct"], 1), interval(one["normalised_gain"], 2),
            interval(one["usd"], 4), interval(minutes(one["seconds"]), 1),
        )  # fmt: skip
    return table
