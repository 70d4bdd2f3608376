"""Two runs side by side: where they part and why, what they score and cost, and what their best scripts have otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import unified_diff
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.records import events
from budgetmlagent.records.events import Event
from budgetmlagent.records.summary import gain_of
from budgetmlagent.run.shown import PLAIN, html_diff
from budgetmlagent.wording import counted
from memory.attempts import Attempt
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

SETTINGS = ("graph", "turns", "history", "seed", "direction")  # of a run's config, beside budget and models
EDITED, LED = "edited by hand", "another rule led on"
SHORT = 100  # characters of what was planned or decided


@dataclass(frozen=True)
class Step:
    """A step as what can be otherwise in it, first causes first."""

    step: int
    node: str
    facts: Mapping[str, Any]
    told: Mapping[str, str] = field(default_factory=dict)  # in the place of a fact


@dataclass(frozen=True)
class Parting:
    """The first step that is not the same in both runs."""

    step: int
    node: str
    why: str
    one: str  # what it was in the first run
    other: str


@dataclass(frozen=True)
class Comparison:
    """Two runs of one task. `str` tells it; `as_json` returns it."""

    runs: tuple[Mapping[str, Any], Mapping[str, Any]]  # their summaries
    settings: Mapping[str, tuple[Any, Any]]  # what they were begun with otherwise
    parting: Parting | None  # None where one is the other, as far as both went
    script: Sequence[str]  # a unified diff of the best scripts, a line each; empty where they are the same

    def as_json(self) -> dict[str, Any]:
        """Return it as `budgetml diff --json` prints it."""
        told = (
            "run_id", "task", "graph", "status", "baseline", "best", "private_best", "gain_pct", "gain_se_pct", "success",
            "usd", "calls", "turns", "steps",
        )  # fmt: skip
        return {
            "runs": [{key: run.get(key) for key in told} for run in self.runs],
            "settings": {name: list(both) for name, both in self.settings.items()},
            "parting": asdict(self.parting) if self.parting else None,
            "script": list(self.script),
        }

    def __str__(self) -> str:
        """Tell it in lines."""
        return visible("\n".join([*self._told(), *self.script]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        names, changed = self.script[:2], self.script[2:]
        told = escape(visible("\n".join([*self._told(), *names])))
        return f'<pre class="{PLAIN}">{told}\n{visible(html_diff(changed))}</pre>'

    def _told(self) -> Iterator[str]:
        yield from self._table()
        yield from self._parting()
        if not self.script:
            yield "the best scripts are the same"

    def _table(self) -> Iterator[str]:
        one, other = self.runs
        rows = [("run", one["run_id"], other["run_id"])]
        rows += [(name, str(first), str(second)) for name, (first, second) in self.settings.items()]
        rows += [
            ("status", one["status"], other["status"]),
            ("score", _number(one["best"]), _number(other["best"])),
            ("private score", _number(one["private_best"]), _number(other["private_best"])),
            ("gain", gain_of(one), gain_of(other)),
            ("money", _money(one), _money(other)),
            ("turns, steps", f"{one['turns']}, {one['steps']}", f"{other['turns']}, {other['steps']}"),
        ]
        width = max(len(first) for _, first, _ in rows)
        for name, first, second in rows:
            yield f"{name:14s} {first:{width}s}  {second}".rstrip()

    def _parting(self) -> Iterator[str]:
        if not self.parting:
            yield f"{'they part':14s} nowhere, as far as both went"
            return
        yield f"{'they part':14s} at step {self.parting.step}, {self.parting.node}: {self.parting.why}"
        yield f"{'':14s} - {self.parting.one}"
        yield f"{'':14s} + {self.parting.other}"


def compare(one: "RunView", other: "RunView") -> Comparison:
    """Compare two runs. Raises UsageError where they are of two tasks, whose scores tell nothing of each other."""
    first, second = one.summary, other.summary
    if first["task"] != second["task"]:
        raise UsageError(
            f"{one.run_id} is a run of {first['task']!r}, {other.run_id} of {second['task']!r}: two tasks cannot be compared"
        )
    before, after = _begun(one), _begun(other)
    settings = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    names = (one.run_id, other.run_id)
    script = [line.rstrip("\n") for line in unified_diff(_best(one), _best(other), *names)]
    return Comparison((first, second), settings, _parting(one, other), script)


def _begun(run: "RunView") -> dict[str, Any]:
    config = run.config
    models = ", ".join(str(model.get("model")) for model in config.models.values())
    return {name: getattr(config, name) for name in SETTINGS} | {
        "budget": f"${config.budget / NANO:.2f}",
        "models": models,
    }


def _best(run: "RunView") -> list[str]:
    """The lines of the best script; none before the starter has run."""
    best = run.state.best.get("attempt")
    return run.artifacts.text(Attempt.read(run.artifacts, best).script).splitlines() if best else []


def _parting(one: "RunView", other: "RunView") -> Parting | None:
    """Return the first step that differs, in what was edited before it, asked, answered, planned, scored or decided."""
    for a, b in zip_longest(_steps(one), _steps(other), fillvalue=Step(0, "", {EDITED: "nothing"})):
        for why in (key for key in a.facts if key in b.facts and a.facts[key] != b.facts[key]):
            here = a if a.step else b
            told = {**a.facts, **a.told}[why], {**b.facts, **b.told}[why]
            return Parting(here.step, here.node, why, *map(_short, told))
    return None


def _steps(run: "RunView") -> Iterator[Step]:
    """Yield each step, and what was edited after the newest."""
    for event in run.timeline:
        facts, route = {EDITED: _edits(event.edits), **_facts(event, run)}, event.route
        facts |= {LED: [route["to"], route.get("up", ""), route.get("down", "")]}
        yield Step(event.step, event.node, facts, {LED: route["rule"]})
    edits = events.newest_edits(run.branches.path)
    yield Step(run.branches.step + 1, run.next, {EDITED: _edits(edits)})


def _edits(edits: Sequence[Mapping[str, Any]]) -> str:
    told = [", ".join(edit["fields"]) or "the graph or a limit" for edit in edits]
    return "; ".join(told) or "nothing"


def _facts(event: Event, run: "RunView") -> dict[str, Any]:
    attempt = Attempt.read(run.artifacts, event.attempt) if event.attempt else None
    plan = event.plan
    return {
        "another node ran": event.node,
        "memory supplied other items": [item[:8] for item in event.recalled],
        "another model was asked": event.model or "none",
        "the model was asked otherwise": f"prompt {event.prompt[:8]}" if event.prompt else "nothing",
        "the model answered otherwise": run.artifacts.text(event.reply) if event.reply else "nothing",
        "another plan": f"{plan.get('action', '')}: {plan.get('instruction', '')}",
        "another script": f"script {attempt.script[:8]}" if attempt else "",
        "another score": _number(attempt.score) if attempt else "",
        "another fault": f"{event.fault.get('kind', 'none')}",
    }


def _money(summary: Mapping[str, Any]) -> str:
    return f"${summary['usd']:.4f}, {counted(summary['calls'], 'call')}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _short(value: Any) -> str:
    told = " ".join((", ".join(value) if isinstance(value, list) else str(value)).split()) or "nothing"
    return told if len(told) <= SHORT else f"{told[:SHORT]}…"
