"""What a step did, in words: for a card, a table of steps and the lines of a run that is going on."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memory.attempts import Attempt, Reader, Records, doubt
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.records.events import Event
    from graphs.model import Graph, Rule

LONGEST = 160  # characters of what a step did


def outcome(event: "Event", artifacts: Reader, width: int = 100) -> str:
    """Say what a step did and where it led, in `width` characters or few more."""
    moves = f" {moved(event)}" if moved(event) else ""
    led = f" → {event['route'].get('to', '')}{moves}"
    return happened(event, artifacts, max(width - len(led), 10)) + led


def moved(event: "Event") -> str:
    """Say which roles a step's decision moved up or down their ladders, as `↑coder`."""
    arrows = (("up", "↑"), ("down", "↓"))
    return " ".join(f"{arrow}{event.route[key]}" for key, arrow in arrows if event.route.get(key))


def happened(event: "Event", artifacts: Reader, longest: int = LONGEST) -> str:
    """Say in a sentence of at most `longest` characters what a step did: its fault, the score of its attempt, its plan."""
    fault, plan = event["fault"], event["plan"]
    if fault.get("kind"):
        what = f"{fault['kind'].replace('_', ' ')}: {fault.get('detail', '')}"
    elif event["attempt"]:
        attempt = Attempt.read(artifacts, event["attempt"])
        what = doubt(attempt) or attempt.problem or f"score {number(attempt.score)}"
        what += ", a new best" if attempt.status == "keep" and event["turn"] else ""
    elif event["execution"]:
        what = "looked into the data: no attempt" if event.is_look else "ran the script"
    elif event.role == "planner":
        plans = "plans a look" if plan.get("action") == "look" else "plans"
        asked = f"{event['model']} {plans}" if event["model"] else "a remembered plan"
        what = f"{asked}: {plan.get('instruction') or plan.get('action', '')}"
    elif event.role == "coder":
        what = _wrote(event)
    elif event["reply"]:
        what = f"{event['model']} answered: {artifacts.text(event['reply'])}"
    else:
        what = "done"
    lost = f"({event['lost']} runs lost, run again) " if event.get("lost") else ""
    return shortened(lost + what, longest)


def _wrote(event: "Event") -> str:
    plan = event["plan"]
    if event["model"]:
        return f"{event['model']} wrote the {'look' if plan.get('action') == 'look' else 'script'}"
    if plan.get("action") == "tune":
        return f"{plan.get('instruction', '')}: {plan.get('by') or 'a model'} chose it, code made it"
    return "memory wrote the script"


def edited(edit: Mapping[str, Any]) -> str:
    """Say what was changed by hand."""
    return f"changed {', '.join(edit['fields'])}" if edit["fields"] else "the graph or a limit was changed"


def why(event: Mapping[str, Any], spec: "Graph") -> str:
    """Say why a step led where it led: `rule 4: memory has more to try → planner`."""
    return in_words(event["node"], str(event["route"].get("rule", "")), spec)


def in_words(node: str, text: str, spec: "Graph") -> str:
    """Say a rule of a node by its number in the picture and in words; of a graph that does not have it, its own text."""
    from graphs.words import said

    found = _rule(node, text, spec)
    if not found:
        return text
    number, rule = found
    return f"{number}: {said(rule)} → {rule.to}"


def _rule(node: str, text: str, spec: "Graph") -> "tuple[str, Rule] | None":
    for keys, rule in spec.fork(node):
        if str(rule) == text:
            return f"{'rule' if keys[0] == 'rules' else 'fault'} {int(keys[-1]) + 1}", rule
    return None


def saw(values: Mapping[str, Any]) -> str:
    """Return the values that a rule saw as a person reads them: `gain = 12.346, hopes = {small: 5, large: 7.5}`."""
    return ", ".join(f"{name} = {_plain(value)}" for name, value in _in_dollars(values).items()) or "nothing"


def _in_dollars(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `out_of_budget` saw in dollars: runs of earlier versions have nano-dollars there, which are whole numbers."""
    if values.keys() != {"spent", "budget", "fault"}:
        return values
    return {name: round(each / NANO, 6) if isinstance(each, int) else each for name, each in values.items()}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_plain(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, float):
        return f"{value:.5g}"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def scores(events: "Sequence[Event]", artifacts: Records) -> list[tuple[int, float]]:
    """Return each attempt's step and score."""
    made = [(e["step"], Attempt.read(artifacts, e["attempt"]).score) for e in events if e["attempt"]]
    return [(step, score) for step, score in made if score is not None]


def money(usd: float) -> str:
    """Return dollars as a person reads them."""
    return f"${usd:.4f}"


def number(value: float | None) -> str:
    """Return a score in five digits."""
    return "-" if value is None else f"{value:.5g}"


def shortened(text: str, longest: int) -> str:
    """Return a text in one line of at most `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
