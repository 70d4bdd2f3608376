"""What an attempt leaves to the history, for this run and for others."""

from typing import Any

from memory.attempts import Attempt, briefing, line, shown, signature
from memory.briefing import Briefing
from memory.cards import card
from memory.ideas import ADVISED, in_store, outcome, sayer
from memory.state import RunState
from nodes.craft.fingerprint import error_line, fingerprint
from nodes.craft.lesson import lesson
from nodes.craft.looks import kept_here
from nodes.craft.says import says
from nodes.craft.told import told
from nodes.deps import Deps, Execution


def remember(attempt: Attempt, model: str, state: RunState, deps: Deps) -> None:
    """Write to the history: the attempt, a repair that worked, what came of an idea, a winning script as a case of its own.

    `model` is the dearest one that took part in it; "" where none did.
    """
    if state.turn == 0:
        return
    facts = briefing(state, deps.artifacts)
    origin = {"task": deps.task.name, "step": deps.here.step, "kinds": facts.get("kinds", [])}
    origin |= kept_here(state)
    if state.head and Attempt.read(deps.artifacts, state.head).turn == 0:
        about = card(facts, deps.task.text, deps.task.metric, deps.task.direction)
        deps.history.remember(about | {"task": deps.task.name})
    more: dict[str, Any] = {"text": line(attempt), "status": shown(attempt)}
    if model:
        more |= {"model": model, "call": state.task["models"][model]["call"]}
    deps.history.remember(attempt.as_json() | lesson(attempt, state, deps, facts) | origin | more)
    if attempt.cures and attempt.status != "crash":
        deps.history.remember(_free_repair(state, deps, attempt) | origin)
    if state.counts.get("repairs") and attempt.status != "crash" and state.head:
        deps.history.remember(_model_repair(deps, attempt, state.head) | origin)
    # An idea that was not wholly carried out, and so did not help, is one that nobody has tried.
    kept = attempt.status == "keep"
    if attempt.plan.get("action") in ADVISED and (kept or not says(attempt, deps.artifacts).skipped):
        deps.history.remember(_tried(deps, attempt, facts) | origin)
    best = kept and attempt.score is not None
    if best and state.task.get("baseline") is not None:
        deps.history.remember(_winner(deps, attempt, facts) | origin)


def _free_repair(state: RunState, deps: Deps, attempt: Attempt) -> dict[str, Any]:
    """A repair without a model, found again by the words of the error that it cured, where one was raised."""
    what = "; ".join(attempt.cures)
    earlier = deps.artifacts.json(state.run["execution"]).get("earlier", [])
    tail = Execution.of(deps.artifacts.json(earlier[0])).tail if earlier else ""
    text = " - ".join(filter(None, [told(error_line(tail)), what]))
    return {"kind": "repair", "what": what, "text": text, "error": fingerprint(tail)}


def _model_repair(deps: Deps, attempt: Attempt, before: str) -> dict[str, Any]:
    failed = Attempt.read(deps.artifacts, before)
    text = f"{failed.problem} - repaired by {attempt.plan.get('wrote', '')}"
    return {"kind": "repair", "error": failed.error, "what": text, "text": text, "script": attempt.script}


def _tried(deps: Deps, attempt: Attempt, facts: Briefing) -> dict[str, Any]:
    """Return what came of an expert's idea."""
    what, by = attempt.plan.get("instruction", ""), sayer(attempt.plan, deps.artifacts)
    text = in_store(what, facts.get("summary", ""))
    return {"kind": "idea", "what": what, "by": by, "text": text, "tried": outcome(attempt)}


def _winner(deps: Deps, attempt: Attempt, facts: Briefing) -> dict[str, Any]:
    """A winning script, offered first to a later run whose files, targets and ids have the same names."""
    title = attempt.plan.get("instruction", "")[:160]
    advised = {"what": attempt.plan["instruction"]} if attempt.plan.get("action") in ADVISED else {}
    return advised | {
        "kind": "case",
        "name": f"won-{attempt.script[:8]}",
        "title": title,
        "text": f"{title}. {facts.get('summary', '')}"[:600],
        "script": deps.artifacts.text(attempt.script),
        "signature": signature(facts),
        "score": attempt.score,
        "baseline": attempt.score_before,
    }
