"""Graphs to look at and edit: the file as it is, what it would be, what is wrong with it, which decisions would change."""

import json
import shlex
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import prompts
from budgetmlagent.errors import BudgetMLError, UsageError
from budgetmlagent.studio.cards import cards, rows_of
from budgetmlagent.studio.made import Decision, EditReply, Gate, GraphReply, PromptReply, Saved
from budgetmlagent.studio.place import OF_RUN, PROMPTS, Place, digest, text_of
from budgetmlagent.studio.protocol import EditAsked, LayoutAsked, PromptAsked, SaveAsked
from budgetmlagent.studio.replies import Code, FindingRow, GraphView
from graphs.files import SHIPPED, SUFFIXES
from graphs.finding import GraphError
from graphs.linter import graph as linter
from graphs.operations import Operation, edited, operation
from graphs.retake import changed
from graphs.spec import GraphSpec
from memory.files import parsed

NOWHERE: list[str | int] = []


def graph(place: Place, name: str) -> GraphReply:
    """Return a graph with its text. Raises UsageError where there is no such file."""
    path = place.graph(name)
    loaded = _loaded(place, name)
    code = Code(
        python=f"from budgetmlagent import GraphSpec\ngraph = GraphSpec.load({loaded!r})",
        command=f"budgetml graph lint {shlex.quote(loaded)}",
    )
    read_only = path is None or place.read_only(path)
    reply = told(text_of(path or SHIPPED / f"{name}.yaml"), name, code, positions(path))
    return reply | {"path": place.named(path) if path else "", "read_only": read_only}


def _loaded(place: Place, name: str) -> str:
    """Return what a command calls a graph: of a run's own, the file."""
    path = place.graph(name)
    return place.named(path) if path and name.startswith(OF_RUN) else name


def told(text: str, name: str, code: Code, where: Mapping[str, list[float]] | None = None) -> GraphReply:
    """Return a graph's text as it is told: judged, and as cards."""
    spec, findings = judged(text, name)
    return GraphReply(
        graph=name,
        path=name,
        read_only=False,
        text=text,
        hash=digest(text),
        view=_view(spec, findings, where or {}),
        findings=findings,
        code=code,
    )


def judged(text: str, path: str) -> tuple[GraphSpec | None, list[FindingRow]]:
    """Return the graph that a text is, None where it is none, and what is wrong with it."""
    try:
        spec = GraphSpec.parse(text, path, check=False)
    except GraphError as error:
        return None, rows_of(error.findings) or [_finding(str(error))]
    found = spec.findings()
    return spec, rows_of(found) + ([] if found else rows_of(linter.losses(spec), note=True))


def _parsed(text: str, path: str) -> GraphSpec | None:
    try:
        return GraphSpec.parse(text, path, check=False)
    except GraphError:
        return None


def _finding(what: str) -> FindingRow:
    return FindingRow(keys=NOWHERE, line=1, column=1, kind="yaml", what=what, note=False)


def _view(
    spec: GraphSpec | None, findings: Sequence[FindingRow], where: Mapping[str, list[float]]
) -> GraphView | None:
    return cards(spec, findings=findings, positions=where) if spec else None


def edit(place: Place, asked: EditAsked) -> EditReply:
    """Return a graph's text with the operations done on it, judged; where one cannot be done, nothing of them is.

    Raises UsageError where the graph's file is none that the studio may read.
    """
    path = place.graph(asked.graph)
    text, error, done = asked.text, "", list[Operation]()
    try:
        done = [operation(each.model_dump()) for each in asked.operations]
        text = edited(asked.text, done, asked.graph) if done else asked.text
    except GraphError as refused:
        error = refused.lines[0]
        done = []
    spec, findings = judged(text, asked.graph)
    before = asked.text if asked.before is None else asked.before
    origin = _parsed(before, asked.graph)
    lines = unified_diff(before.splitlines(), text.splitlines(), "before", "after", lineterm="", n=2)
    return EditReply(
        text=text,
        hash=digest(text),
        view=_view(spec, findings, positions(path)),
        findings=findings,
        diff=list(lines),
        changes=origin.diff(spec) if spec and origin else [],
        gate=gate(place, spec, findings, asked.runs) if asked.runs else None,
        error=error,
        code=Code(
            python="\n".join(each.python for each in done),
            command=shlex.join(["budgetml", "graph", "gate", _loaded(place, asked.graph), *asked.runs])
            if asked.runs
            else "",
        ),
    )


def gate(place: Place, spec: GraphSpec | None, findings: Sequence[FindingRow], runs: Sequence[str]) -> Gate:
    """Take the recorded decisions of runs again under a graph; its predicates are imported for that. No model is asked."""
    if spec is None or any(not found["note"] for found in findings):
        return Gate(decisions=0, changes=[], error="the graph has findings: mend them first")
    total, changes = 0, list[Decision]()
    try:
        spec.check(to_run=True)
        for run in runs:
            decisions = place.view(run).decisions
            total += len(decisions)
            changes += [
                Decision(
                    run=run,
                    step=c.step,
                    node=c.node,
                    before=str(c.before),
                    after=str(c.after or "the node is gone"),
                )
                for c in changed(spec, decisions)
            ]
    except (GraphError, BudgetMLError) as error:
        return Gate(decisions=total, changes=changes, error=" ".join(str(error).splitlines()))
    return Gate(decisions=total, changes=changes, error="")


def save(place: Place, asked: SaveAsked) -> Saved:
    """Write a graph or a prompt. Raises UsageError where it must not be, ConflictError where the file was changed."""
    path = place.inside(asked.path, (*SUFFIXES, PROMPTS))
    if path.suffix in SUFFIXES:
        try:
            GraphSpec.parse(asked.text, asked.path, check=False)
        except GraphError as error:
            raise UsageError(error.lines[0]) from None
    return Saved(path=place.named(path), hash=place.write(path, asked.text, asked.hash))


def prompt(place: Place, asked: PromptAsked) -> PromptReply:
    """Return a prompt's text, and where a copy of it beside the graph would lie. Raises UsageError."""
    try:
        path = prompts.path_of(asked.prompt)
    except LookupError as error:
        raise UsageError(str(error)) from None
    own = asked.prompt.endswith(PROMPTS) and ":" not in asked.prompt
    if own:
        path = place.inside(asked.prompt, (PROMPTS,))
    text = text_of(path)
    beside = place.graph(asked.graph) if asked.graph else None
    if beside and place.read_only(beside):
        beside = None  # the graph is saved as a copy, which lies in the folder
    copy = (beside.parent if beside else place.folder) / f"{path.stem}{PROMPTS}"
    return PromptReply(
        prompt=asked.prompt,
        path=place.named(path) if own else "",
        read_only=not own or place.read_only(path),
        text=text,
        hash=digest(text),
        copy=place.named(copy),
    )


def layout_file(path: Path) -> Path:
    """Return the file beside a graph that says where its nodes stand."""
    return path.with_name(f"{path.stem}.layout.json")


def positions(path: Path | None) -> dict[str, list[float]]:
    """Return where the nodes of a graph's file stand; {} where nobody has put them anywhere."""
    if path is None or not (file := layout_file(path)).is_file():
        return {}
    try:
        told = parsed(text_of(file))
        return {str(name): [float(x), float(y)] for name, (x, y) in told["positions"].items()}
    except (UsageError, ValueError, TypeError, LookupError, AttributeError):
        return {}  # a picture's layout is worth no refusal


def layout(place: Place, asked: LayoutAsked) -> dict[str, Any]:
    """Keep where nodes stand, beside a graph of one's own; a shipped one's is kept nowhere."""
    path = place.graph(asked.graph)
    if path is None or place.read_only(path) or not path.is_file():
        return {"kept": False}
    file = layout_file(path)
    read = digest(text_of(file)) if file.exists() else ""
    place.write(file, json.dumps({"positions": asked.positions}, indent=1) + "\n", read)
    return {"kept": True}
