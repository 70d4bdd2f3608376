"""What crashed once is not met again: cases share parts of their scripts, and what one of them crashed in, others have too."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from memory.attempts import Reader, chain
from memory.briefing import Briefing
from memory.state import RunState
from nodes.craft.fingerprint import failure
from nodes.craft.render import RenderError, render
from nodes.craft.scripts import parse
from nodes.craft.source import at_line

MEASURE = "score"  # the function by which the cases' scripts measure themselves
GENERAL = {"max": "r2", "min": "rmse"}  # of numbers, where the metric has no name


@dataclass(frozen=True)
class Crash:
    """Where a case's script ended: in the function of this name ("" for none), and all code of the script that ran there."""

    function: str
    code: frozenset[
        str
    ]  # the function or the statement, and each function of the script that it names, by and by

    def met_by(self, script: str) -> bool:
        """Tell whether all of that code is part of `script`."""
        tree = parse(script)
        return tree is not None and self.code <= {ast.unparse(node) for node in _parts(tree)}


def crashes(state: RunState, artifacts: Reader) -> list[Crash]:
    """Return where cases crashed on this branch, as far as that can be told."""
    tried = [
        a for a in chain(artifacts, state.head) if a.plan.get("action") == "apply" and a.fault == "crash"
    ]
    found = (
        crash(artifacts.text(a.script), artifacts.json(a.execution)["tail"]) for a in tried if a.execution
    )
    return [each for each in found if each is not None]


def crash(script: str, tail: str) -> Crash | None:
    """Return where `script` ended with the error at the end of its output; None where that is not told."""
    error, tree = failure(tail), parse(script)
    if error is None or tree is None or not error.line:
        return None
    here = [part for part in _parts(tree) if at_line(part, error.line)]
    if not here:
        return None
    innermost = max(here, key=lambda part: part.lineno)
    defined = {part.name: part for part in _parts(tree) if isinstance(part, ast.FunctionDef)}
    ran: list[ast.stmt] = [innermost]
    for part in ran:  # it grows
        named = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        ran += [defined[name] for name in sorted(named & defined.keys()) if defined[name] not in ran]
    function = innermost.name if isinstance(innermost, ast.FunctionDef) else ""
    return Crash(function, frozenset(map(ast.unparse, ran)))


def without_crashes(
    cases: Sequence[dict[str, Any]], facts: Briefing, known: Sequence[Crash], seconds: float
) -> list[dict[str, Any]]:
    """Leave out the cases whose script, rendered for `facts`, would meet one of the `known` crashes again."""

    def meets(case: Mapping[str, Any]) -> bool:
        if not case.get("template"):
            return False
        try:
            script = render(case, facts, seed=0, seconds=seconds)
        except RenderError:
            return False  # the coder says why
        return any(each.met_by(script) for each in known)

    return [case for case in cases if not meets(case)] if known else list(cases)


def without_metric(facts: Briefing, known: Sequence[Crash]) -> Briefing:
    """Leave the starter's own function for its metric out of the briefing, once a script has crashed in it."""
    metric = facts.get("metric", {})
    own = metric.get("function")
    if not own or not any(each.function in (own, MEASURE) for each in known):
        return facts
    better = metric["direction"]
    general = {"name": metric["name"] or GENERAL[better], "direction": better}
    return cast("Briefing", {**facts, "metric": general})


def _parts(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a script, and the functions in them."""
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node not in tree.body]
    return [*tree.body, *inner]
