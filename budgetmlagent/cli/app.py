"""All commands, assembled."""

import typer

from budgetmlagent.cli import bench, cleaning, cost, export, graphs, looking, memory, models, new, running

app = typer.Typer(
    name="budgetml",
    help="An ML engineer that works within a budget: remember, then think cheaply, then ask.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(running.run)
app.command("resume")(running.resume)
app.command("show")(looking.show)
app.command("why")(looking.why)
app.command("bench")(bench.bench)
app.command("cost")(cost.cost)
app.command("list")(looking.list_runs)
app.command("clean")(cleaning.clean)
app.command("doctor")(models.doctor)
app.command("export")(export.export)
app.add_typer(graphs.app, name="graph")
app.add_typer(models.app, name="models")
app.add_typer(memory.app, name="memory")
app.add_typer(new.app, name="new")
