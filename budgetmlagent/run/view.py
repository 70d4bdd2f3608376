"""Looking at a run: everything is read from its three stores, and nothing is started."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent import disk
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.models.approval import standing
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.report import calls_of, cost_of
from budgetmlagent.records import events, hints, live, summary
from budgetmlagent.records.branches import Branches, spanned
from budgetmlagent.records.checkpoints import checkpoints_of
from budgetmlagent.records.copies import found
from budgetmlagent.records.events import Event
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.run import forgotten, shown
from budgetmlagent.tasks.folder import load_task
from graphs.policy import END
from graphs.spec import GraphError, GraphSpec
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Attempt
from memory.state import RunState

if TYPE_CHECKING:
    from budgetmlagent.run.compare import Comparison


class RunView:
    """A run as it stands: its state, what happened, what was said, what it cost."""

    _word: bool | None = None  # a person's, on `question`, where it can be given

    @classmethod
    def open(cls, run: str | Path, runs_dir: str | Path = "runs") -> Self:
        """Open a run by id or path, here or in the archive.

        Raises UsageError for an unknown one and UnavailableError for a damaged one.
        """
        for name, value in (("", run), ("runs_dir=", runs_dir)):
            if not isinstance(value, str | Path):
                what = "a folder is needed" if name else "the id or the folder of a run is needed"
                raise UsageError(f"{cls.__name__}.open({name}{value!r}): {what}")
        return cls(found(run, Path(runs_dir)))

    def __init__(self, folder: RunDir) -> None:
        self.folder, self.config = folder, folder.config()
        # Whether it can be gone on with is judged then: to look at a run its own nodes need not be installed.
        try:
            self.spec = GraphSpec.load(folder.graph, check=False)
        except GraphError as error:
            restore = f"`{hints.command('doctor', folder.root, '--rebuild')}` restores it"
            raise UnavailableError(f"{' '.join(str(error).split())}; {restore}") from None
        self.task = load_task(self.config.task, direction=self.config.direction, begun=True)
        self.artifacts = Artifacts(folder.artifacts)
        self.ledger = Ledger(folder.ledger)
        self.branches = Branches(checkpoints_of(folder), self.run_id)
        self._nothing_forgotten()

    def _nothing_forgotten(self) -> None:
        """Raise UnavailableError where a store was emptied: going on would forget finished steps, or money."""
        newest, told = self.branches.newest, self.folder.root / "events.jsonl"
        spent = newest.values.get("spent", 0) if newest else 0
        if not newest and told.is_file() and told.stat().st_size:
            lost = f"checkpoints {self.folder.states}: empty, though the run has finished steps"
        else:
            lost = forgotten.of_run(self.ledger, self.run_id, spent)
        if lost:
            raise UnavailableError(f"{lost}; {disk.LOOK}")

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.config.run_id

    @property
    def graph(self) -> GraphSpec:
        """The graph, as a copy."""
        return self.spec.model_copy(deep=True)

    @property
    def next(self) -> str:
        """The node that runs next; "END" where the run has come to its end."""
        path = self.branches.path
        return path[-1].next if path else self.spec.start

    @property
    def done(self) -> bool:
        """Whether the run has come to its end."""
        return self.next == END

    @property
    def question(self) -> dict[str, Any] | None:
        """The call that waits for a person's word: step, node, model, usd (at most), left_usd; None where none does."""
        return self.branches.question

    @property
    def waits(self) -> str:
        """What is asked of a person and how to answer, or the answer that was given; "" where nothing is asked."""
        return standing(self.question, self._word)

    @property
    def state(self) -> RunState:
        """The state after the newest step."""
        path = self.branches.path
        return RunState(**path[-1].values) if path else RunState()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every request to a model: the ledger's lines of this run."""
        return calls_of(self.ledger, self.run_id)

    @property
    def cost(self) -> shown.Spent:
        """What the run cost so far: `.usd`, `.usd_settled`, `.usd_reserved` and `.calls`."""
        return shown.Spent(**vars(cost_of(self.ledger, self.run_id)))

    @property
    def timeline(self) -> shown.Timeline:
        """One event a step, oldest first: a list that shows itself as a table."""
        path = self.branches.path
        told = list(events.timeline(path, self.calls))
        return shown.Timeline(told, self.spec, self.artifacts, events.newest_edits(path))

    @property
    def decisions(self) -> list[tuple[int, str, RunState]]:
        """Each step's number and node, and the state as the step left it: what `graphs.retake` takes again."""
        path = self.branches.path  # once: the run may go on meanwhile
        after, told = (p for p in path if p.loop and p.step > 0), events.timeline(path, self.calls)
        return [(e.step, e.node, RunState(**p.values)) for e, p in zip(told, after, strict=True)]

    @property
    def timelines(self) -> list[list[Event]]:
        """The timeline of every branch, the abandoned ones too; the newest branch comes first."""
        calls = self.calls
        return [list(events.timeline(way, calls)) for way in self.branches.ways]

    def pause(self) -> None:
        """Ask whoever goes on with the run, in another process perhaps, to stop after the step that runs now.

        Raises UsageError where nobody does.
        """
        if live.stands(self.folder) != "underway":
            raise UsageError(f"run {self.run_id}: nobody goes on with it now, so there is nothing to pause")
        live.ask_to_pause(self.folder)

    def __repr__(self) -> str:
        """One line: which run, and where it stands."""
        stands = f"{len(self.timeline)} steps, next {self.next}, ${self.cost.usd:.4f}"
        return visible(f"<run {self.run_id}: {'; '.join(filter(None, (stands, self.waits)))}>")

    def __rich__(self) -> Any:
        """What a terminal shows of the run."""
        from budgetmlagent.run import card

        return card.terminal(card.card_of(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows of the run."""
        from budgetmlagent.run import card

        return {"text/html": card.html(card.card_of(self)), "text/plain": repr(self)}

    @property
    def record(self) -> summary.Record:
        """The run's three stores, read."""
        path, calls = self.branches.path, self.calls
        timeline = list(events.timeline(path, calls))
        values = path[-1].values if path else {}
        return summary.Record(self.config, self.folder, self.task, self.artifacts, calls, values, timeline)

    @property
    def summary(self) -> shown.Summary:
        """The JSON object of the contract, as it stands now."""
        return shown.Summary(summary.build(self.record))

    def compare(self, other: "RunView | str | Path") -> "Comparison":
        """Return this run beside another of the same task: where they part and why, scores, money, the scripts' diff.

        `other` is a run, or the id or folder of one. Raises UsageError for an unknown run and for one of another task.
        """
        from budgetmlagent.run.compare import compare

        if not isinstance(other, RunView | str | Path):
            raise UsageError(f"compare({other!r}): a run is needed, or the id or folder of one")
        run = other if isinstance(other, RunView) else RunView.open(other, self.folder.root.parent)
        return compare(self, run)

    def plot(self) -> Any:
        """Return score and money over the steps: a figure of matplotlib where that is installed, else a small SVG."""
        from budgetmlagent.run.curve import curve_of, figure

        curve = curve_of(self.task.metric, self.timeline, self.artifacts)
        try:
            return figure(curve)
        except ImportError:
            return curve

    def why(self, step: int | None = None) -> shown.Why:
        """Return the event of `step` (default: the newest), whose route says rule, values and rules passed over."""
        timeline = self.timeline
        found = [e for e in timeline if step is None or e.step == step]
        if not found:
            steps = spanned([event.step for event in timeline])
            raise UsageError(f"run {self.run_id} has no step {step}; its steps are {steps}")
        return shown.Why(found[-1], self.spec, self.artifacts)

    def diff(self, step: int | None = None) -> shown.Changes:
        """Return what `step` (default: the newest) changed in the state: field -> (before, after)."""
        before, after = self._around(step)
        return shown.Changes({k: (before.get(k), v) for k, v in after.items() if v != before.get(k)})

    def _around(self, step: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the values before and after `step` (default: the newest)."""
        path, number = self.branches.path, self.why(step).step
        at = next(i for i, point in enumerate(path) if point.loop and point.step == number)
        return path[at - 1].values, path[at].values

    def prompt(self, step: int | None = None) -> str:
        """Return what the model was shown at `step` (default: the newest that asked one); "" where none was asked."""
        event = self._asked(step)
        messages = self.artifacts.json(event.prompt)["messages"] if event and event.prompt else []
        return "\n\n".join(f"## {m['role']}\n{m['content']}" for m in messages)

    def reply(self, step: int | None = None) -> str:
        """Return what the model said at `step` (default: the newest that asked one); "" where none was asked."""
        event = self._asked(step)
        return self.artifacts.text(event.reply) if event and event.reply else ""

    def _asked(self, step: int | None) -> Event | None:
        if step is not None:
            return self.why(step)
        return next((event for event in reversed(self.timeline) if event.prompt), None)

    def files(self, step: int | None = None) -> dict[str, Any]:
        """Return what the newest execution at or before `step` (default: the best attempt's) left in its workspace.

        It is the manifest that `budgetmlagent.sandbox.snapshot.take` describes, with the `execution`'s artifact id.
        Raises UsageError for an unknown step and where nothing has run or was kept, UnavailableError for a damaged run.
        """
        found = self._executed(step)
        if not found:
            when = "" if step is None else f" up to step {step}"
            raise UsageError(
                f"run {self.run_id}: no script has been executed{when}, so there are no files to show"
            )
        try:
            name = self.artifacts.json(found).get("snapshot")
            if not name:
                raise UsageError(f"run {self.run_id}: no snapshot was kept of execution {found[:12]}")
            return {"execution": found, **self.artifacts.json(name)}
        except (FileNotFoundError, CorruptArtifactError) as error:
            raise UnavailableError(f"run {self.run_id}: the snapshot cannot be read: {error}") from None

    def _executed(self, step: int | None) -> str | None:
        """Return the newest execution at or before `step`, by default the best attempt's."""
        if step is None:
            best = self.state.best.get("attempt")
            return Attempt.read(self.artifacts, best).execution if best else None
        until = self.why(step).step
        ran = [e.execution for e in self.timeline if e.step <= until and e.execution]
        return ran[-1] if ran else None

    def history(self, step: int | None = None) -> shown.Supplied:
        """Return what memory supplied to the node of `step` (default: to the one that runs next), with the contents."""
        if step is None:
            items: list[Any] = list(self.state.history)
        else:
            items = self._around(step)[0].get("history", [])
        return shown.Supplied({**self.artifacts.json(item["id"]), **item} for item in items)
