"""`budgetml cost`: what was spent on what, and what all runs may spend together."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from budgetmlagent import foreign
from budgetmlagent.cli import names, options
from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.wording import counted, one_of

if TYPE_CHECKING:
    from budgetmlagent.money.ledger import Ledger

CALL = (
    "id", "run", "step", "node", "model", "served", "answered", "price", "usd", "tokens_in", "tokens_out", "cached",
    "thought", "usd_thought", "state", "try", "request", "note",
)  # fmt: skip


def cost(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run. [default: all runs]", autocompletion=names.runs),
    ] = None,
    by: Annotated[str | None, options.choice("node|model|day|run", "Sums, not calls.")] = None,
    cap: Annotated[
        float | None, typer.Option(metavar="USD", help="Give all runs together this budget, from now on.")
    ] = None,
    runs_dir: options.ReadRuns = Path("runs"),
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show what was spent. Every request of a run, or the sums of all runs."""
    from budgetmlagent.money.entries import By

    if by is not None and by not in get_args(By):
        raise OptionError("by", by, one_of(get_args(By), by))
    if as_csv and as_json:
        raise UsageError("--csv and --json: choose one of them")
    if run is None:
        found, rows = _project(runs_dir, by or "run", cap)
    elif cap is None:
        found, rows = _run(run, runs_dir, by)
    else:
        raise UsageError("--cap is of all runs together; `budgetml resume RUN --budget USD` sets a run's")
    if as_json:
        options.print_json(found)
    elif as_csv:
        table = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
        table.writeheader()
        table.writerows({key: foreign.cell(value) for key, value in row.items()} for row in rows)
    else:
        print(*(_line(row) for row in rows), *_ending(found, runs_dir), sep="\n")


def _project(runs_dir: Path, by: Any, cap: float | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from budgetmlagent.cache import is_copy
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.money.place import is_there, place_of
    from budgetmlagent.money.report import project_of, table
    from budgetmlagent.run import forgotten
    from budgetmlagent.run.options import nano

    place = place_of(runs_dir)
    if cap is not None and is_copy(runs_dir):
        raise UsageError("--cap: runs in an archive are only read; give a folder's runs a budget")
    if cap is None and not is_there(place):
        raise UsageError(f"no run has spent anything in {runs_dir}: {place} is missing")
    to_be = None if cap is None else nano("cap", cap)
    if to_be is not None:
        forgotten.refuse(runs_dir, capped=True)
        Ledger(place).set_project_cap(to_be)
    ledger = Ledger(place)
    rows = table(ledger, by)
    return {**project_of(ledger), "by": by, "rows": rows}, rows


def _run(run: str, runs_dir: Path, by: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from budgetmlagent.money.report import cost_of, table

    ledger, name = _entered(run, runs_dir)
    spent = cost_of(ledger, name)
    calls = [{key: call[key] for key in CALL} for call in spent.calls]
    rows = table(ledger, by, name) if by else calls
    sums = {"usd": spent.usd, "usd_settled": spent.usd_settled, "usd_reserved": spent.usd_reserved}
    return {**sums, "calls": calls} | ({"by": by, "rows": rows} if by else {}), rows


def _entered(run: str, runs_dir: Path) -> "tuple[Ledger, str]":
    """Find a run's ledger and its name there: by its folder, or by its requests. A check of models has no folder."""
    from budgetmlagent.money.ledger import Ledger
    from budgetmlagent.money.place import existing
    from budgetmlagent.records import copies

    try:
        found = copies.found(run, runs_dir)
    except UsageError:
        ledger = existing(runs_dir)
        if ledger is None or not ledger.calls(run):
            raise
        return ledger, run
    return Ledger(found.ledger), found.run_id


def _line(row: dict[str, Any]) -> str:
    tokens = f"{row['tokens_in']:6d} in {row['cached']:6d} cached {row['tokens_out']:5d} out"
    if row["thought"]:
        tokens += f" ({row['thought']} thought, ${row['usd_thought']:.6f})"
    if "state" in row:
        note = f"  {row['note']}" if row["note"] else ""
        where = f"step {row['step']:3d} {row['node']:9s} {row['model']:8s}"
        return f"{where} {tokens}  ${row['usd']:.6f} {row['state']}{note}"
    name = next(iter(row.values()))
    reserved = f", ${row['usd_reserved']:.6f} of it reserved" if row["usd_reserved"] else ""
    return f"{name:36s} {counted(row['calls'], 'call'):>11s} {tokens}  ${row['usd']:.6f}{reserved}"


def _ending(found: dict[str, Any], runs_dir: Path) -> Sequence[str]:
    unknown = found["usd_reserved"]
    reserved = f", of which ${unknown:.6f} reserved for unknown outcomes" if unknown else ""
    total = f"total ${found['usd']:.6f}{reserved}"
    if "cap_usd" not in found:
        return [total]
    if found["cap_usd"] is None:
        from budgetmlagent.records import hints

        cap = " ".join(filter(None, ["budgetml cost --cap USD", hints.among(runs_dir)]))
        return [total, f"no budget for all runs in {runs_dir}; `{cap}` sets one"]
    return [total, f"budget of all runs in {runs_dir} ${found['cap_usd']:.6f}, ${found['left_usd']:.6f} left"]
