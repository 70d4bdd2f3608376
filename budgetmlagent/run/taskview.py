"""What the nodes, and the rules, may know of a run's task."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.money.usage import Tokens
from budgetmlagent.records.rundir import RunConfig
from budgetmlagent.run.order import able_of
from budgetmlagent.tasks.folder import TaskFolder
from budgetmlagent.tasks.metrics import perfect
from memory.state import Skill
from memory.state import Task as TaskState
from nodes.able import Able
from nodes.deps import Execution

if TYPE_CHECKING:
    from budgetmlagent.money.ledger import Ledger

SecondsLeft = Callable[[], float]
Brief = Callable[[Execution, Mapping[str, Any] | None], dict[str, Any]]
# A task's words on its data under which a run's models may see rows: those stay here.
ROWS = ("samples", "stays")
USUAL = Tokens(input=3_000, cached=0, output=1_000)  # of a call that plans, advises or writes a script


class TaskView:
    """The task as the nodes may know it (`nodes.deps.Task`)."""

    def __init__(
        self,
        folder: TaskFolder,
        config: RunConfig,
        ledger: "Ledger",
        specs: Mapping[str, ModelSpec],
        brief: Brief,
        seconds_left: SecondsLeft,
    ) -> None:
        self.name, self.text, self.metric = folder.name, folder.text, folder.metric
        self.direction: str = folder.direction
        self._perfect = perfect(folder.metric, folder.direction)
        self.seconds, self.starter = folder.seconds, folder.starter
        self.allowed: Mapping[str, str] = folder.allowed()
        self.rows = folder.data in ROWS
        self.looks = self.rows or all(map(is_loopback, specs.values()))
        self._config, self._ledger, self._specs = config, ledger, specs
        self._brief, self.seconds_left = brief, seconds_left

    def brief(self, execution: Execution, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the data briefing, or the one by what is told."""
        return self._brief(execution, told)

    def limits(self) -> TaskState:
        """Return what the rules must know; the budget is the ledger's, which `resume --budget` may have raised."""
        known = TaskState(
            name=self.name,
            direction=self.direction,
            budget=self._ledger.cap(self._config.run_id),
            turns=self._config.turns,
            history=self._config.history,
            aim=self._config.aim,
            models=skills(self._specs, able_of(self._config)),
        )
        return known if self._perfect is None else known | TaskState(perfect=self._perfect)


def skills(specs: Mapping[str, ModelSpec], able: Mapping[str, Able]) -> dict[str, Skill]:
    """Return what the rules must know of the models `specs`, by name."""
    from budgetmlagent.money.prices import price_of

    return {
        name: Skill(free=can.is_free, lines=can.lines, edits=can.edits, call=price_of(spec).cost(USUAL))
        for name, spec in specs.items()
        for can in [able[name]]
    }
