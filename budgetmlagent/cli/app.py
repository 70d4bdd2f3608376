"""All commands, assembled."""

from typing import Any

import typer
from typer.core import TyperGroup

from budgetmlagent.cli import (
    bench,
    cleaning,
    cost,
    export,
    graphs,
    listing,
    looking,
    memory,
    models,
    new,
    running,
    studio,
)
from budgetmlagent.errors import InterruptedCommandError


class Commands(TyperGroup):
    """The commands. An interrupt of one is told like an error; Typer has only the status for it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed. Raises InterruptedCommandError."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise InterruptedCommandError(getattr(interrupt, "typed", "interrupted")) from None


app = typer.Typer(
    name="budgetml",
    cls=Commands,
    help="An ML engineer that works within a budget: remember, then think cheaply, then ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(running.run)
app.command("resume")(running.resume)
app.command("show")(looking.show)
app.command("why")(looking.why)
app.command("bench")(bench.bench)
app.command("diff")(looking.diff)
app.command("cost")(cost.cost)
app.command("list")(listing.list_runs)
app.command("clean")(cleaning.clean)
app.command("doctor")(models.doctor)
app.command("export")(export.export)
app.command("studio")(studio.studio)
app.add_typer(graphs.app, name="graph")
app.add_typer(models.app, name="models")
app.add_typer(memory.app, name="memory")
app.add_typer(new.app, name="new")
