"""A run told in plain words on one HTML page that needs no script and no network. Whatever is told is escaped."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from budgetmlagent.foreign import visible
from budgetmlagent.records.events import Event
from budgetmlagent.records.success import verdict
from budgetmlagent.records.summary import below_the_starter, gain_of
from budgetmlagent.run.view import RunView
from budgetmlagent.templating import environment
from budgetmlagent.wording import counted
from graphs.drawing.mermaid import mermaid, outline
from graphs.drawing.picture import PictureError, svg
from memory.scores import rises
from memory.state import NANO

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 20_000  # characters of an output that the page shows; the whole one lies beside it
PACKAGES = (
    "budgetmlagent", "langgraph", "langgraph-checkpoint-sqlite", "langchain-openai", "chromadb", "genai-prices",
)  # fmt: skip


def readme(summary: Mapping[str, Any], caution: str) -> str:
    """Return README.md: what lies where."""
    return environment(TEMPLATES).get_template("README.md.jinja").render(run=summary, caution=caution)


def html(
    view: RunView, summary: Mapping[str, Any], steps: Sequence[dict[str, Any]], hashes: str, caution: str
) -> str:
    """Return index.html. `steps` are made by `step_of`, `hashes` the lines of SHA256SUMS of all other files."""
    timeline, calls = view.timeline, view.calls
    every = {(event.step, event.recall_key, event.graph) for way in view.timelines for event in way}
    here = {(event.step, event.recall_key, event.graph) for event in timeline}
    return (
        environment(TEMPLATES, html=True)
        .get_template("index.html.jinja")
        .render(
            run=summary,
            better="higher" if rises(summary["direction"]) else "lower",
            task={"text": visible(view.task.text), "data": view.task.data},
            story=_story(summary),
            caution=caution,
            result=list(_result(summary)),
            svg=_picture(view, timeline),
            outline=visible(outline(view.spec, timeline, view.next)),
            steps=steps,
            elsewhere=len(every - here),
            money=[call | {"dollars": f"${dollars(call['usd_nano'])}"} for call in calls],
            total=f"${dollars(sum(call['usd_nano'] for call in calls))}",
            integrity=_integrity(summary),
            versions=_versions(),
            hashes=hashes,
        )
    )


def _picture(view: RunView, timeline: Sequence[Event]) -> Any:
    """Return the graph with the way taken as SVG: our own drawing, in which every label is escaped already."""
    from markupsafe import Markup

    try:
        return Markup(svg(mermaid(view.spec, timeline, view.next)))  # noqa: S704
    except PictureError:
        return ""


def _story(summary: Mapping[str, Any]) -> str:
    better, gain = _number(summary["best"]), summary["gain_pct"]
    told = f"Keep the starter: {worse}. " if (worse := below_the_starter(summary)) else ""
    told += f"The starter scored {_number(summary['baseline'])}; the best script scored {better} ({summary['scored_on']} score)."
    if gain is not None:
        told += f" On answers that it never saw, that is {gain_of(summary)} better: {verdict(summary)}."
    spent = f"${summary['usd']:.4f} of ${summary['budget']:.2f}"
    told += (
        f" It took {counted(summary['turns'], 'decision')}, {counted(summary['steps'], 'step')} and {spent}."
    )
    replayed = " It is the replay of a recording: nothing was spent." if summary["replayed"] else ""
    return f"{told} The run {summary['status']}: {visible(summary['reason'])}.{replayed}"


def _result(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        "score during the run",
        f"{_number(summary['baseline'])} → {_number(summary['best'])} ({summary['scored_on']})",
    )
    yield "private score", f"{_number(summary['private_baseline'])} → {_number(summary['private_best'])}"
    yield "gain", gain_of(summary)
    yield "success (10% or more)", "yes" if summary["success"] else "no"
    yield "brought by", summary["best_by"] or "nothing"
    yield "models", ", ".join(f"{name}: {model}" for name, model in summary["models"].items()) or "none"
    yield (
        "budget, spent",
        f"${summary['budget']:.2f}, ${summary['usd']:.6f} in {counted(summary['calls'], 'call')}",
    )
    yield "graph, seed, memory", f"{summary['graph']}, {summary['seed']}, {summary['history']}"
    yield "time", counted(round(summary["seconds"]), "second")


def _integrity(summary: Mapping[str, Any]) -> str:
    verdict = summary["integrity"]
    if not verdict:
        return "There is no verdict: it is given when a run comes to its end."
    changed = ", ".join(map(str, verdict.get("changed", []))) or "none"
    word = "In order" if verdict.get("ok") else "NOT in order"
    return (
        f"{word}: of {counted(verdict.get('checked', 0), 'file or setting', 'files and settings')} of the task (the scorer, the answers, the data) these "
        f"were changed: {changed}; counted attempts to get round the rules: {verdict.get('attempts', 0)}."
    )


def _versions() -> list[tuple[str, str]]:
    machine = [("Python", platform.python_version()), ("platform", platform.platform())]
    return machine + [(name, version(name)) for name in PACKAGES]


def step_of(event: Event, outcome: str, parts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what the page tells of a step; `parts` are title and text of what can be unfolded."""
    route = event.route
    return {
        "number": event.step,
        "node": event.node,
        "model": event.model or "",
        "outcome": visible(outcome),
        "rule": visible(route.get("rule", "")),
        "saw": visible(_saw(route.get("saw", {}))),
        "passed": [(visible(p["rule"]), visible(_saw(p["saw"]))) for p in route.get("passed", [])],
        "edits": [visible(", ".join(edit["fields"]) or "the graph or a limit") for edit in event.edits],
        "parts": [{"title": title, "text": visible(_short(text))} for title, text in parts],
        "usd": f"${dollars(round(event.usd * NANO))}" if event.calls else "",
    }


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… ({len(text)} characters; the whole lies beside this page)"


def _saw(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items())


def dollars(nano: int) -> str:
    """Return nano-dollars as dollars, to the last digit."""
    return f"{nano // NANO}.{nano % NANO:09d}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.5g}"
