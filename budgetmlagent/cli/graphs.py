"""`budgetml graph show|lint|draw|diff|gate`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budgetmlagent.cli import names as complete
from budgetmlagent.cli import options
from budgetmlagent.cli.commands import Commands
from budgetmlagent.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from budgetmlagent.records.events import Event
    from graphs.spec import GraphSpec

app = typer.Typer(help="Look at a graph and check it.", cls=Commands)
Graph = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH", help="A shipped graph's name, or a .yaml file.", autocompletion=complete.graphs
    ),
]


@app.command()
def show(graph: Graph, as_json: options.Json = False) -> None:
    """Show the nodes and the whole policy."""
    from graphs.drawing.mermaid import outline

    spec = _load(graph)
    if as_json:
        options.print_json(spec.model_dump(mode="json"))
    else:
        print(outline(spec), end="")


@app.command()
def lint(
    graph: Graph,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A models.yaml that has to know the ladders' models.",
            autocompletion=complete.models,
        ),
    ] = None,
    bring_in: Annotated[
        bool, typer.Option("--import", help="Import the functions that it names, which runs their code.")
    ] = False,
) -> int:
    """Check a graph. One line a finding, status 2 where there is one; notes on what a node goes without."""
    from budgetmlagent.models.config import load_models
    from graphs.linter import graph as linter
    from graphs.spec import GraphError, GraphSpec

    names, notes = None if models is None else list(load_models(models)), list[Any]()
    try:
        spec = GraphSpec.load(graph, check=False)
        findings = (linter.bring_in(spec) if bring_in else []) or spec.findings(names)
        notes = [] if findings else linter.losses(spec)
    except GraphError as error:
        if not error.findings:
            raise UsageError(str(error)) from None
        findings = error.findings
    for finding in findings:
        print(finding)
    for note in notes:
        print(note._replace(what=f"note: {note.what}"))
    if not findings and not notes:
        print(f"{graph}: nothing to find fault with")
    return 2 if findings else 0


@app.command()
def draw(
    graph: Annotated[
        str,
        typer.Argument(
            metavar="GRAPH", help="A shipped graph's name, or a .yaml file.", autocompletion=complete.graphs
        ),
    ] = "",
    run: Annotated[
        str,
        typer.Option(
            metavar="RUN", help="Draw the path of this run on its own graph.", autocompletion=complete.runs
        ),
    ] = "",
    runs_dir: options.RunsDir = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it: .svg, .png or .mmd.")
    ] = None,
    detail: Annotated[
        bool, typer.Option("--detail", help="Each rule about faults too, on an arrow of its own.")
    ] = False,
) -> None:
    """Print the graph as Mermaid text, or draw it into a file."""
    from graphs.drawing.mermaid import mermaid

    if not graph and not run:
        raise UsageError("graph draw: name a GRAPH or --run RUN")
    if out and out.suffix not in (".svg", ".png", ".mmd"):
        raise UsageError(f"--out {out}: a file that ends in .svg, .png or .mmd is needed")
    if run:
        spec, events, following = _path(run, runs_dir)
        text = mermaid(_load(graph) if graph else spec, events, following, detail=detail)
    else:
        text = mermaid(_load(graph), detail=detail)
    if out:
        _draw(text, out)
    else:
        print(text, end="")


def _path(run: str, runs_dir: Path) -> "tuple[GraphSpec, list[Event], str]":
    """Return a run's graph, its events and the node that runs next."""
    from budgetmlagent.records import events, rundir
    from budgetmlagent.records.checkpoints import have_begun
    from budgetmlagent.run.view import RunView

    found = rundir.find(run, runs_dir)
    if have_begun(found):
        view = RunView(found)
        return view.spec, view.timeline, view.next
    kept = found.root / "events.jsonl"  # of a recording, all that there is of its steps
    told = events.read(kept) if kept.is_file() else []
    spec = _load(str(found.graph))
    return spec, told, told[-1].route["to"] if told else spec.start


def _draw(text: str, out: Path) -> None:
    from graphs.drawing.picture import PictureError, png, svg

    try:
        made = png(text) if out.suffix == ".png" else (svg(text) if out.suffix == ".svg" else text).encode()
        out.write_bytes(made)
    except PictureError as error:
        raise UnavailableError(f"--out {out}: {error}") from None
    except OSError as error:
        raise UnavailableError(f"--out {out}: cannot be written: {error.strerror}") from None


@app.command()
def diff(one: Graph, other: Graph, as_json: options.Json = False) -> int:
    """Print what must change in one graph for it to be the other. Status 1 where they differ."""
    lines = _load(one).diff(_load(other))
    options.tell(as_json, lines, lines or ["no difference"])
    return 1 if lines else 0


@app.command()
def gate(
    graph: Graph,
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs, by id or folder.", autocompletion=complete.runs),
    ],
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> int:
    """Take the decisions of recorded runs again under a graph. No model is asked; status 1 where one changes."""
    from budgetmlagent.run.view import RunView
    from graphs.retake import changed

    spec = _load(graph, to_run=True)  # its predicates decide again
    opened = [RunView.open(run, runs_dir) for run in runs]
    decisions = {view.run_id: view.decisions for view in opened}
    changes = {run: changed(spec, steps) for run, steps in decisions.items()}
    count = sum(map(len, changes.values()))
    total = sum(map(len, decisions.values()))
    told = [{"run": run} | asdict(change) for run, found in changes.items() for change in found]
    lines = [f"{run}: {change}" for run, found in changes.items() for change in found]
    end = f"{count} of {total} decisions change under {spec.name}"
    options.tell(as_json, {"decisions": total, "changes": told}, [*lines, end])
    return 1 if count else 0


def _load(graph: str, *, to_run: bool = False) -> "GraphSpec":
    from budgetmlagent.run.order import load_graph

    return load_graph(graph, to_run=to_run)
