"""`budgetml memory list|show|forget|export`: what the runs have learned."""

import json
from pathlib import Path
from typing import Annotated

import typer

from budgetmlagent.cli import options

app = typer.Typer(help="Long-term memory: cases, attempts and repairs.", no_args_is_help=True)
Item = Annotated[str, typer.Argument(metavar="ID", help="An item's id, or its beginning.")]


@app.command("list")
def list_(
    kind: Annotated[
        str | None, typer.Option(metavar="case|attempt|repair|idea", help="Only this kind.")
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this task.")] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """List what is remembered: the bank of cases and what runs wrote."""
    from budgetmlagent.upkeep.memory import list_items

    items = list_items(runs_dir, kind=kind, task=task)
    lines = (
        f"{i['id'][:12]} {i['kind']:8s} {i['run']:32s} {' '.join(i['text'].split())[:90]}" for i in items
    )
    options.tell(as_json, items, lines)


@app.command()
def show(item: Item, runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """Show one item whole."""
    from budgetmlagent.upkeep.memory import show_item

    found = show_item(runs_dir, item)
    options.tell(as_json, found, [json.dumps(found, indent=1, ensure_ascii=False)])


@app.command()
def forget(item: Item, runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """Forget an item for good: no later merge brings it back."""
    from budgetmlagent.upkeep.memory import forget as forget_item

    count = forget_item(runs_dir, item)
    options.tell(as_json, {"forgotten": count}, [f"forgot {count}"])


@app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the JSON lines go.")] = Path(
        "memory.jsonl"
    ),
    runs_dir: options.RunsDir = Path("runs"),
) -> None:
    """Write all that is remembered as JSON lines."""
    from budgetmlagent.upkeep.memory import export as export_items

    export_items(runs_dir, out)
    print(out)
