"""All commands, assembled."""

import typer
from typer.main import get_command

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
from budgetmlagent.cli.commands import Commands

app = typer.Typer(
    name="budgetml",
    cls=Commands,
    help="An ML engineer that works within a budget: remember, then think cheaply, then ask.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"color": False},  # Typer's own codes would be printed as escapes that can be read
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
budgetml = get_command(app)  # as `app` would make it anew for each command line of a process
