"""What a remembered script has done already is not done again: the case that it was once rendered from gives it anew."""

from collections.abc import Sequence
from typing import Any

from memory.attempts import Reader, chain
from memory.briefing import Briefing
from memory.state import RunState
from nodes.craft.render import RenderError, render
from nodes.craft.scripts import ast_key

Case = dict[str, Any]


def without_repeats(
    cases: Sequence[Case], facts: Briefing, state: RunState, artifacts: Reader, seconds: float
) -> list[Case]:
    """Leave out cases that give a script which has run, where another run's script is what has run."""
    attempts = list(chain(artifacts, state.head))
    chosen = [artifacts.json(name) for a in attempts if (name := a.plan.get("case"))]
    if not any(case.get("script") for case in chosen):
        return list(cases)
    tried = {attempt.ast for attempt in attempts}
    scripts = [(case, _script(case, facts, seconds)) for case in cases]
    return [case for case, script in scripts if not script or ast_key(script) not in tried]


def _script(case: Case, facts: Briefing, seconds: float) -> str:
    """Return the script that a case gives; "" for an edit, and where it cannot be rendered."""
    if case.get("script") or case.get("edit"):
        return str(case.get("script") or "")
    try:
        return render(case, facts, seed=0, seconds=seconds)
    except RenderError:
        return ""
