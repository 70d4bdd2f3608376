"""What a model may choose now when it plans: freely, or from a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from memory.attempts import chain
from memory.state import RunState
from nodes.craft import freely, listed, menu, telling
from nodes.craft.menu import Case, Idea
from nodes.craft.vain import without_vain_cases
from nodes.deps import Deps


@dataclass(frozen=True)
class Offer:
    """What there is to choose from, and how that is asked."""

    script: str  # the best one
    actions: list[str]
    cases: list[Case]
    ideas: list[Idea]
    tuned: list[str]  # changes of one number; who plans freely says such, too
    free: bool
    unsure: bool  # the model is asked what the tables are, too

    @classmethod
    def to(cls, state: RunState, deps: Deps, script: str, cases: Sequence[Case]) -> Self:
        """Return what the model that is to be asked may choose, `cases` among it, where `script` is the best one."""
        ideas = menu.ideas(state, deps)
        if deps.models.able(deps.here.model).is_free:
            left = without_vain_cases(cases, list(chain(deps.artifacts, state.head)), deps.artifacts)
            actions = freely.offered(state, deps, cases=bool(left))
            return cls(script, actions, left, ideas, [], free=True, unsure=telling.is_asked(state, deps))
        tuned = listed.numbers(state, deps, script)
        actions = listed.offered(state, deps, script, cases=bool(cases), tuned=bool(tuned))
        return cls(script, actions, list(cases), ideas, tuned, free=False, unsure=False)

    def schema(self, deps: Deps) -> dict[str, Any]:
        """Return the form of an answer."""
        if self.free:
            return freely.schema(freely.possible(deps), data=self.unsure)
        return listed.schema(self.cases, self.tuned, self.actions)
