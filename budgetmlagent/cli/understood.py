"""What `budgetml new task` understood, before it writes: the columns, the decisions, and the question at a terminal."""

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from budgetmlagent.new.fromtable import Plan
    from budgetmlagent.new.newtask import Made
    from budgetmlagent.new.tablefile import Table


def show(plan: "Plan", table: "Table", made: "Made") -> None:
    """Print the columns as a table, and a line for each decision and note."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    from budgetmlagent.cli import options
    from budgetmlagent.cli.console import Console
    from budgetmlagent.new import preview

    grid = Grid(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for name in preview.HEAD:
        grid.add_column(name, justify="right" if name == "missing" else "left", overflow="fold")
    for row in preview.rows(plan, table.header):
        grid.add_row(*map(Text, row))
    Console(width=options.width() or 140).print(grid)
    if more := preview.more(plan):
        print(f"and {more} more columns")
    print()
    print("\n".join(lines(plan, made)))


def lines(plan: "Plan", made: "Made") -> list[str]:
    """What was decided, a line each."""
    from budgetmlagent.new import metrics, newtask

    others = ", ".join(name for name in metrics.fitting(plan.kind) if name != plan.metric.name)
    better = "more" if plan.metric.higher else "less"
    without = " ".join(f"--drop {shlex.quote(name)}" for name in plan.leaks)
    return [
        f"target   {plan.target!r}: {newtask.kind_words(plan)}",
        f"metric   {plan.metric.name}, {better} is better (--metric also takes {others})",
        f"rows     {len(plan.train)} to learn from, {len(plan.test)} held out: "
        f"{made.public} public for the score during a run, {made.private} private for the verdict",
        f"row id   {plan.id!r}",
        f"starter  {newtask.model_words(plan)} on {newtask.column_words(plan)}",
        *(
            [f"plain    boosting without any thought scores {made.yardstick:g} on the public rows"]
            if made.yardstick is not None
            else []
        ),
        *(f"note     {note}" for note in plan.notes),
        *(
            [f"again    the same command with {without} leaves out what may tell {plan.target!r}"]
            if without
            else []
        ),
    ]


def agreed(folder: "Path") -> bool:
    """Ask at the terminal whether to write; without one, nobody is asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    print(f"\nWrite {folder}? [Y/n] ", end="", flush=True)
    answer = sys.stdin.readline()  # its end is no answer
    return answer.strip().lower() in ("", "y", "yes") and bool(answer)
