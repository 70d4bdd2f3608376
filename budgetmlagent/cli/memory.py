"""`budgetml memory list|show|search|stats|forget|export|import|compact`: what the runs have learned."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import names, options
from budgetmlagent.cli.commands import Commands
from budgetmlagent.records.steps import shortened

app = typer.Typer(help="Long-term memory: cases, attempts and repairs.", cls=Commands)
Item = Annotated[str, typer.Argument(metavar="ID", help="An item's id, or its beginning.")]
Kind = Annotated[str | None, options.choice("case|attempt|repair|idea|card|offer", "Only this kind.")]
Task = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only of this task.", autocompletion=names.tasks)
]
MOST = 90  # characters of an item's text in a line
SHOWN = 10  # tasks and runs that `stats` names


@app.command("list")
def list_(
    kind: Kind = None,
    task: Task = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """List what is remembered: the bank of cases and what runs wrote."""
    from budgetmlagent.upkeep.memory import list_items

    items = list_items(runs_dir, kind=kind, task=task)
    options.tell(as_json, items, map(_line, items))


def _line(item: dict[str, Any]) -> str:
    mark = f"[imported: {item['imported']}] " if item.get("imported") else ""
    begin = f"{item['id'][:12]} {item['kind']:8s} {item['run']:32s} {mark}"
    return options.fitted(begin + shortened(item["text"], MOST))


def _origin(hit: dict[str, Any]) -> str:
    """Say where what was found comes from; a card is of a task, not of a run."""
    return hit["source"] if hit["run"] else f"the task {hit['task']}"


@app.command()
def show(item: Item, runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """Show one item whole."""
    from budgetmlagent.upkeep.memory import show_item

    found = show_item(runs_dir, item)
    options.tell(as_json, found, [json.dumps(found, indent=1, ensure_ascii=False)])


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="An error, a plan, or words on a task.")],
    kind: Kind = None,
    data: Annotated[
        str,
        options.choice("stays|schema|samples", "As a task that says this of its data is shown it."),
    ] = "schema",
    most: Annotated[int, typer.Option(metavar="N", help="How many.")] = 10,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Show what a step would be given for a text. In this order, and why."""
    from budgetmlagent.upkeep.found import search as search_items

    hits = search_items(runs_dir, text, kind=kind, data=data, most=most)
    options.tell(
        as_json,
        hits,
        [line for hit in hits for line in (_line(hit), f"    {hit['why']}; from {_origin(hit)}")],
    )


@app.command()
def stats(
    runs_dir: options.RunsDir = Path("runs"),
    trust: Annotated[
        bool, typer.Option("--trust", help="Obey the budgetml.toml beside the runs; that is remembered.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Count what is remembered. By kind, task, run and word on data; with the room that it takes."""
    from budgetmlagent.settings import confirm
    from budgetmlagent.upkeep.found import stats as count

    confirm(runs_dir, trust=trust)
    told = count(runs_dir)
    options.tell(as_json, told, _stats(told))


def _stats(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['items']} items in {told['place']}, {told['forgotten']} forgotten"
    for name in ("kinds", "tasks", "runs", "data", "imported"):
        counts = list(told[name].items())
        more = [f"and {len(counts) - SHOWN} more"] if len(counts) > SHOWN else []
        if counts:
            yield f"{name:9s} " + ", ".join([*(f"{what} {count}" for what, count in counts[:SHOWN]), *more])
    yield f"on disk   items {options.size(told['bytes']['items'])}, index {options.size(told['bytes']['index'])}"
    yield f"index     {told['index']}"


@app.command()
def forget(
    item: Annotated[str | None, typer.Argument(metavar="ID", help="An item's id, or its beginning.")] = None,
    kind: Kind = None,
    task: Task = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Only of this run, also from its own memory.", autocompletion=names.runs
        ),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Forget an item, or all of a task, a run or a kind. For good: no later merge brings them back."""
    from budgetmlagent.upkeep.memory import forget as forget_items

    count = forget_items(runs_dir, item, kind=kind, task=task, run=run)
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


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `budgetml memory export` wrote.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose it is; shown with each item. [default: the file's name]"),
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Take in what another team's runs have learned, marked as theirs."""
    from budgetmlagent.upkeep.memory import take_in

    told = take_in(runs_dir, file, name)
    options.tell(as_json, told, [f"imported {told['imported']}, {told['known']} were known already"])


@app.command()
def compact(runs_dir: options.RunsDir = Path("runs"), as_json: options.Json = False) -> None:
    """Drop what is superseded and would be offered to nobody."""
    from budgetmlagent.upkeep.memory import compact as drop

    told = drop(runs_dir)
    kinds = ", ".join(f"{kind} {count}" for kind, count in told["dropped"].items()) or "nothing"
    options.tell(as_json, told, [f"dropped {kinds} of {told['items']} items, {options.size(told['bytes'])}"])
