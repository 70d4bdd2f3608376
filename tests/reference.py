"""The reference of the docs site, made of what is there: docstrings, `--help` of each command, the schema of graph files."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[1]

# What a reader imports, by the module that they import it from, and where it stands.
PYTHON = {
    "budgetmlagent": {
        "Session": "budgetmlagent.run.session.Session",
        "GraphSpec": "graphs.spec.GraphSpec",
        "runs": "budgetmlagent.records.frame.runs",
    },
    "budgetmlagent.run.request": {"Request": "budgetmlagent.run.request.Request"},
    "budgetmlagent.records.events": {"Event": "budgetmlagent.records.events.Event"},
    "memory": {"RunState": "memory.state.RunState", "Attempt": "memory.attempts.Attempt"},
    "nodes": {
        "Deps": "nodes.deps.Deps",
        "Here": "nodes.deps.Here",
        "Models": "nodes.deps.Models",
        "Reply": "nodes.deps.Reply",
        "Able": "nodes.able.Able",
        "declares": "nodes.declares.declares",
        "note": "nodes.notes.note",
        "told_by_others": "nodes.notes.told_by_others",
    },
    "graphs.policy": {"Verdict": "graphs.verdict.Verdict"},
    "budgetmlagent.testing": {
        name: f"budgetmlagent.testing.{name}"
        for name in ("deps", "state", "ScriptedModels", "MemoryArtifacts", "MemoryHistory", "Task")
    },
}
GROUPS = ("graph", "models", "memory", "new")


def pages() -> dict[str, str]:
    """Return the Markdown of each page by its name."""
    return {"python": python(), "commands": commands(), "graph-file": graph_file()}


# -- from docstrings


def python() -> str:
    """Return the page of what a program imports: each signature as it stands, and its docstring."""
    found = griffe.GriffeLoader(search_paths=[ROOT])
    for package in ("budgetmlagent", "graphs", "nodes", "memory"):
        found.load(package)
    told = "# Python\n\nWhat is imported, with the words that stand above it in the source.\n"
    for module, names in PYTHON.items():
        told += f"\n## From `{module}`\n"
        for name, path in names.items():
            told += "".join(_told(found.modules_collection[path], name, 3))
    return told


def _told(thing: griffe.Object, name: str, level: int) -> Iterator[str]:
    yield f"\n{'#' * level} `{name}`\n"
    if thing.is_function:
        yield f"\n```python\n{thing.signature(name=name.rpartition('.')[2])}\n```\n"
    yield f"\n{thing.docstring.value}\n" if thing.docstring else ""
    if thing.is_class:
        made = thing.all_members.get("__init__")
        if made is not None and made.is_function and made.docstring:
            yield f"\n```python\n{made.signature(name=name)}\n```\n\n{made.docstring.value}\n"
        for own in _public(thing):
            yield from _told(own, f"{name}.{own.name}", level + 1)
        yield from _fields(thing)


def _public(thing: griffe.Class) -> list[griffe.Object]:
    """Return the methods and properties with words of their own, in the order of their names."""
    members = [thing.all_members[name] for name in sorted(thing.all_members) if not name.startswith("_")]
    return [m for m in members if m.docstring and (m.is_function or "property" in m.labels)]


def _fields(thing: griffe.Class) -> Iterator[str]:
    """Yield a class' typed fields with the comments beside them, as they stand in the source."""
    fields = [m for m in thing.members.values() if m.is_attribute and m.annotation and m.name[0] != "_"]
    if fields := [m for m in fields if "property" not in m.labels]:
        first, last = min(m.lineno for m in fields), max(m.endlineno for m in fields)
        lines = fields[0].filepath.read_text(encoding="utf-8").splitlines()[first - 1 : last]
        yield "\n```python\n" + "\n".join(line.removeprefix("    ") for line in lines) + "\n```\n"


# -- from the command line


def commands() -> str:
    """Return the page of commands: what each says with `--help`."""
    told = "# Commands\n\nWhat each says with `--help`.\n"
    for name in _names():
        told += f"\n## `budgetml {name}`\n\n```text\n{_help(name)}\n```\n"
        if name in GROUPS:
            for inner in _names(name):
                told += f"\n### `budgetml {name} {inner}`\n\n```text\n{_help(name, inner)}\n```\n"
    return told


def _names(*group: str) -> list[str]:
    lines = _help(*group).partition("Commands:\n")[2].splitlines()
    return [line.split()[0] for line in lines if line[2:3].strip()]


def _help(*command: str) -> str:
    from budgetmlagent.cli import call

    before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), "100"
    try:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            call([*command, "--help"])
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.update(COLUMNS=before)
    return out.getvalue().strip()


# -- from the schema of graph files


def graph_file() -> str:
    """Return the page of a graph's YAML: its keys, a node's, a rule's, and each predicate with its arguments."""
    schema = json.loads((ROOT / "graphs" / "graph.schema.json").read_text(encoding="utf-8"))
    node, rule = schema["$defs"]["NodeSpec"], schema["$defs"]["Rule"]
    when = rule["properties"]["when"]["anyOf"]
    told = f"# The file of a graph\n\n{schema['description']}\n\n{_keys(schema)}"
    told += f"\n## A node\n\n{node['description']}\n\n{_keys(node)}"
    told += f"\n## A rule\n\n{rule['description']}\n\n{_keys(rule)}"
    told += "\n## Predicates\n\nWhat `when` may name. Arguments without a value have to be given.\n"
    return told + "".join(_predicate(one["const"], one["description"]) for one in when if "const" in one)


def _keys(part: dict) -> str:
    needed = part.get("required", ())
    rows = [
        f"| `{name}` | {'yes' if name in needed else ''} | {_cell(told.get('description', ''))} |"
        for name, told in part["properties"].items()
    ]
    return "\n".join(["| key | needed | what it says |", "| --- | --- | --- |", *rows]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _predicate(name: str, said: str) -> str:
    import inspect

    from graphs.policy import PREDICATES

    given = list(inspect.signature(PREDICATES[name]).parameters.values())[1:]
    arguments = "".join(f"\n- `{argument}`" for argument in given)
    return f"\n### `{name}`\n\n{said}\n{arguments}\n"
