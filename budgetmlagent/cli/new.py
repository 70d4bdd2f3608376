"""`budgetml new task|node|graph`: what a user brings, as files that the other commands take."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetmlagent.cli import names, options
from budgetmlagent.errors import UnavailableError
from budgetmlagent.keyless import keyless

if TYPE_CHECKING:
    from budgetmlagent.new.fromtable import Plan
    from budgetmlagent.new.scaffold import Scaffold

app = typer.Typer(help="Make a task, a node or a graph of your own.", no_args_is_help=True)


@app.command()
def task(
    data: Annotated[Path, typer.Option(metavar="FILE", help="The table: .csv, .tsv (also .gz) or .parquet.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="accuracy, balanced_accuracy, f1_macro, roc_auc; rmse, mae, rmsle, r2. [default: a guess]",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to make. [default: FILE-COLUMN]")
    ] = None,
    group: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="Rows of one value are held out together: a customer, a patient."
        ),
    ] = "",
    time: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="The latest rows are held out; with --group those of each group."
        ),
    ] = "",
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the rows that are held out.")] = 0,
) -> None:
    """Make a task folder from one table. Data, starter, scorer and held-out answers."""
    from budgetmlagent.new import tablefile

    tablefile.need_pandas()
    from budgetmlagent.new import fromtable, newtask
    from budgetmlagent.new.parts import Apart

    folder = out or Path(newtask.name_of(f"{data.name.partition('.')[0]}-{target}"))
    newtask.free_folder(folder)
    plan = fromtable.plan(tablefile.read_table(data), target, metric, seed, Apart(group, time))
    public, private = newtask.write(plan, folder, seed)
    print("\n".join(_said(plan, public, private)))
    print(f"\nnext: budgetml run {_as_argument(folder)}")


@app.command()
def node(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it: a Python name in small letters.")
    ],
    after: Annotated[str, typer.Option(metavar="NODE", help="The node that it comes after.")] = "evaluator",
    graph: Annotated[str, typer.Option(metavar="GRAPH", help="The graph to put it into.")] = "budgetml",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder for a package of its own. [default: NAME_node; none in the repository]",
        ),
    ] = None,
) -> None:
    """Write an example node that works. With its prompt, its test and a graph that has it."""
    from budgetmlagent.new import scaffold

    made = scaffold.node(name, after, graph, out)
    scaffold.write(made)
    ours = out is None and scaffold.is_repository(Path())
    if ours:
        _generate_docs()
    root = "" if made.root == Path() else f"{made.root}/"
    print("\n".join(["wrote", *(f"  {root}{file}" for file in made.files)]))
    if ours:
        print("made anew\n  docs/graphs.md")
    print("next")
    if root:
        print(f"  cd {shlex.quote(str(made.root))}")
    for command in _next(made):
        print(f"  {command}")


@app.command()
def graph(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="GRAPH",
            help="The graph to copy: a shipped one's name or a file.",
            autocompletion=names.graphs,
        ),
    ] = "budgetml",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: NAME.yaml]")
    ] = None,
) -> None:
    """Copy a graph, with its comments, to edit it."""
    from budgetmlagent.new import scaffold

    made = scaffold.graph(name, origin, out)
    scaffold.write(made)
    print(f"wrote\n  {made.graph}\nnext")
    for command in _next(made):
        print(f"  {command}")


def _next(made: "Scaffold") -> list[str]:
    """Return the commands that come next, as they work here."""
    file = shlex.quote(made.graph)
    checks = [f"pytest {made.test}"] if made.test else [f"budgetml graph draw {file}"]
    commands = f"budgetml graph lint {file}", *checks, f"budgetml run digits --graph {file}"
    return [options.typed(command) for command in commands]


def _generate_docs() -> None:
    """Make the generated parts of the repository's documentation anew: one shows every shipped graph."""
    environment = keyless() | {"PYTHONPATH": str(Path.cwd())}
    made = subprocess.run(
        [sys.executable, "tests/generated.py"], env=environment, capture_output=True, text=True, check=False
    )
    if made.returncode:
        why = (made.stderr.strip().splitlines() or ["no word of why"])[-1]
        raise UnavailableError(f"tests/generated.py fails, docs/graphs.md stays as it was: {why}")


def _said(plan: "Plan", public: int, private: int) -> list[str]:
    """What was decided, a line each."""
    from budgetmlagent.new import metrics, newtask

    others = ", ".join(name for name in metrics.fitting(plan.kind) if name != plan.metric.name)
    better = "more" if plan.metric.higher else "less"
    return [
        f"target   {plan.target!r}: {newtask.kind_words(plan)}",
        f"metric   {plan.metric.name}, {better} is better (--metric also takes {others})",
        f"rows     {len(plan.train)} to learn from, {len(plan.test)} held out: "
        f"{public} public for the score during a run, {private} private for the verdict",
        f"row id   {plan.id!r}",
        f"starter  {newtask.model_words(plan)} on {newtask.column_words(plan)}",
        *(f"note     {note}" for note in plan.notes),
    ]


def _as_argument(folder: Path) -> str:
    """The folder as `budgetml run` takes it: a bundled task's name alone would be that task."""
    from budgetmlagent.tasks.folder import bundled

    return shlex.quote(f"./{folder}" if str(folder) in bundled() else str(folder))
