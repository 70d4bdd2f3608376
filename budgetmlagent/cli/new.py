"""`budgetml new task|node|graph`: what a user brings, as files that the other commands take."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budgetmlagent.cli import names, options, understood
from budgetmlagent.cli.commands import Commands
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.keyless import keyless

if TYPE_CHECKING:
    from budgetmlagent.new.scaffold import Scaffold

app = typer.Typer(help="Make a task, a node or a graph of your own.", cls=Commands)


@app.command()
def task(
    data: Annotated[
        str,
        typer.Option(
            metavar="TABLE",
            help="A file (.csv, .tsv, .txt, .xlsx, .ods, .parquet, .feather, .arrow, .json, .jsonl, .sqlite, .zip; text also .gz), a folder with train.csv, or a database's URL.",
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            metavar="COLUMN", help="The column to predict. [default: what a folder's submission asks for]"
        ),
    ] = "",
    table: Annotated[
        str, typer.Option(metavar="NAME", help="Which sheet of a workbook, or table of a database.")
    ] = "",
    sep: Annotated[
        str, typer.Option(metavar="MARK", help="What stands between cells of a text: tab, ^, ::, \\x01.")
    ] = "",
    encoding: Annotated[
        str, typer.Option(metavar="NAME", help="How a text's letters are written: cp1252, iso8859-2.")
    ] = "",
    header: Annotated[
        int | None,
        typer.Option(metavar="LINE", help="The line of a text that names the columns; 0: none does."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="accuracy, balanced_accuracy, f1_macro, roc_auc; rmse, mae, rmsle, r2. [default: a guess]",
        ),
    ] = None,
    kind: Annotated[
        str,
        options.choice("classification|regression", "[default: what the target's values are]"),
    ] = "",
    drop: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Leave a column out; may be given again.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="COLUMN=TYPE",
            help="What a column is: number, category, text, date or id; of marks and times decimal or thousands, h:m or m:s; a date's format such as %d.%m.%Y. May be given again.",
        ),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Short for --as COLUMN=text.")
    ] = None,
    date: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN[=FORMAT]", help="Short for --as COLUMN=date, or the dates' format."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to make. [default: TABLE-COLUMN]")
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking at the terminal.")] = False,
) -> None:
    """Make a task folder from one table. Shows what was understood, then writes data, starter, scorer and answers."""
    from budgetmlagent.new import tablefile

    tablefile.need_pandas()
    from budgetmlagent.new import corrected, fromtable, newtask, shape
    from budgetmlagent.new.parts import Apart
    from budgetmlagent.new.sources import anything

    said = corrected.parsed(kind, drop or [], types or [], text or [], date or [])
    wanted = anything.Wanted(table, target, shape.said(sep, encoding, header))
    if out:
        newtask.free_folder(out)
    found = anything.read(data, wanted)
    apart = Apart(tablefile.named(group), tablefile.named(time))
    plan = fromtable.plan(found, target, metric, seed, apart, said)
    folder = out or Path(newtask.name_of(f"{anything.name_of(data, wanted)}-{plan.target}"))
    newtask.free_folder(folder)
    made = newtask.planned(plan, folder, seed)
    understood.show(plan, found, made)
    if not yes and not understood.agreed(folder):
        raise UsageError(
            "new task: nothing was written; correct it by --target, --kind, --metric, --drop or --as"
        )
    newtask.write(made, folder)
    print(f"\nnext: budgetml run {_as_argument(folder)}")


@app.command()
def node(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call it: a Python name in small letters.")
    ],
    after: Annotated[str, typer.Option(metavar="NODE", help="The node that it comes after.")] = "evaluator",
    graph: Annotated[
        str, typer.Option(metavar="GRAPH", help="The graph to put it into.", autocompletion=names.graphs)
    ] = "budgetml",
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


def _as_argument(folder: Path) -> str:
    """The folder as `budgetml run` takes it: a bundled task's name alone would be that task."""
    from budgetmlagent.tasks.folder import bundled

    return shlex.quote(f"./{folder}" if str(folder) in bundled() else str(folder))
