"""`budgetml graph show|lint|draw`."""

from typing import Annotated

import typer

from budgetmlagent.cli import options
from budgetmlagent.errors import UsageError

app = typer.Typer(help="Look at a graph and check it.", no_args_is_help=True)
Graph = Annotated[str, typer.Argument(metavar="GRAPH", help="A shipped graph's name, or a .yaml file.")]


@app.command()
def show(graph: Graph, as_json: options.Json = False) -> None:
    """Show the nodes and the whole policy."""
    from graphs.draw import outline

    spec = _load(graph)
    if as_json:
        options.print_json(spec.model_dump(mode="json"))
    else:
        print(outline(spec), end="")


@app.command()
def lint(graph: Graph) -> None:
    """Check a graph: one line a finding, status 2 where there is one."""
    _load(graph)
    print(f"{graph}: nothing to find fault with")


@app.command()
def draw(graph: Graph) -> None:
    """Print the graph as Mermaid text."""
    from graphs.draw import mermaid

    print(mermaid(_load(graph)), end="")


def _load(graph: str):  # type: ignore[no-untyped-def]
    from graphs.spec import GraphError, GraphSpec

    try:
        return GraphSpec.load(graph)
    except GraphError as error:
        raise UsageError(str(error)) from None
