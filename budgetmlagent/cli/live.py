"""Progress on standard error: a line a turn that fits the width, and on a terminal what is running now, and since when."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from budgetmlagent.cli import progress
from budgetmlagent.records.steps import moved
from budgetmlagent.wording import counted
from graphs.policy import END
from memory.attempts import Attempt, doubt, status
from memory.state import NANO

if TYPE_CHECKING:
    from rich.text import Text

    from budgetmlagent.records.events import Event

WIDE = 100  # columns from which on a line says the best score and the budget too
STYLES = {"keep": "green", "discard": "dim", "crash": "red", "": "yellow"}  # by what became of the script


class Now:
    """What is running, since when, and the model that is waited for: told anew whenever the terminal is drawn."""

    def __init__(self, what: str) -> None:
        self.what, self.since = what, time.monotonic()

    def __rich__(self) -> "Text":
        from rich.text import Text

        from budgetmlagent.run.wiring import WAITS

        told = f"{self.what} {progress.clock(time.monotonic() - self.since)} {WAITS.standing()}"
        return Text(told, no_wrap=True, overflow="ellipsis")


class Live:
    """Shows a run while it goes on; `step` is given each event."""

    def __init__(self, session: Any) -> None:
        from budgetmlagent.cli.console import Console

        self.session = session
        self.started = time.monotonic()
        self.console = Console(stderr=True, highlight=False)
        self.status = self.console.status("")
        self.told, self.turn = begun(session.timeline)

    def __enter__(self) -> Self:
        config = self.session.config
        task = self.session.task  # as it is now
        network = task.network and not config.replay
        gpus = f", GPUs {task.gpu}" if task.gpu and not config.replay else ""
        self.console.print(
            f"run {config.run_id}: graph {config.graph}, ${config.budget / NANO:.2f}, {counted(config.turns, 'turn')}, "
            f"sandbox {config.sandbox.partition(':')[0]}{', NETWORK ON' if network else ''}{gpus}, sends to {', '.join(config.hosts) or 'nobody'}",
            markup=False,
            soft_wrap=not self.console.is_terminal,
        )
        if config.unsafe:
            self.console.print("[bold red]UNSAFE: scripts run without a sandbox[/]")
        if self.console.is_terminal:
            self.status.start()
        self._now(self.session.next, self.session.state.turn)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status.stop()
        self._tell("unfinished")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Draw nothing meanwhile: a person is asked."""
        self.status.stop()
        yield
        if self.console.is_terminal:
            self.status.start()

    def step(self, event: "Event") -> None:
        """Take one step; print the turn, or the look, that it ends."""
        if any(self._is_over(earlier, event) for earlier in self.turn):
            self._tell()  # which came to no attempt
        self.turn.append(event)
        if event.is_look:
            self._tell("looked")
        elif event.attempt or event.route["to"] == END:
            self._tell()
        self._now(event.route["to"], event.turn)

    def _is_over(self, earlier: "Event", event: "Event") -> bool:
        """Whether `event` ends the turn of an `earlier` step: it begins another, or plans a look, which keeps the number, after a fault."""
        if earlier.role == "planner" or earlier.turn <= self.told:
            return False
        is_plan_of_look = event.role == "planner" and event.plan.get("action") == "look"
        return earlier.turn < event.turn or (is_plan_of_look and bool(earlier.fault))

    def _now(self, node: str, turn: int) -> None:
        ahead = "scoring the best" if node == END else node
        self.status.update(Now(f"turn {turn}/{self.session.config.turns} {ahead}"))

    def _tell(self, without: str = "no script") -> None:
        """Print the turn so far; `without` is said of one in which no script has run."""
        if any(event.attempt or event.is_look or event.turn > self.told for event in self.turn):
            self.console.print(self._line(without), no_wrap=True, overflow="ellipsis", crop=True)
            self.told = self.turn[-1].turn
        self.turn = []

    def _line(self, without: str) -> "Text":
        """Tell a turn: time, number, who worked, what was tried, what came of it, the money."""
        from rich.text import Text

        config, last = self.session.config, self.turn[-1]
        spent = self.session.ledger.spent(config.run_id) / NANO
        kind, came = became(self.turn, self.session.artifacts, without)
        elapsed = progress.clock(time.monotonic() - self.started)
        begin = Text(
            f"{elapsed:>5s} {f'{last.turn}/{config.turns}':>5s} {who(self.turn, self.session.graph):6s} "
        )
        end = Text(f" {came:15s}", STYLES[kind])
        wide = self.console.width >= WIDE
        best = "-" if last.score is None else f"{last.score:.4g}"
        end.append(
            f" best {best:8s} ${spent:.4f}/{config.budget / NANO:.2f}" if wide else f" ${spent:.4f}",
            "default",
        )
        tried = Text(what(self.turn))
        room = max(self.console.width - begin.cell_len - end.cell_len, 10)
        tried.truncate(room, overflow="ellipsis", pad=self.console.is_terminal)
        return Text.assemble(begin, tried, end)


def begun(timeline: "Sequence[Event]") -> tuple[int, "list[Event]"]:
    """Return the newest turn that is told, -1 for none, and the steps since: what comes after its attempt or look is told with the next one."""
    last = max((n for n, event in enumerate(timeline) if event.attempt or event.is_look), default=-1)
    return (timeline[last].turn if last >= 0 else -1), list(timeline[last + 1 :])


def who(turn: "Sequence[Event]", spec: Any) -> str:
    """Name the models that were asked in a turn; memory where none was, and nobody where only the starter has run."""
    asked = dict.fromkeys(progress.rung(event, spec) for event in turn if event.model)
    return ",".join(filter(None, asked)) or ("memory" if turn[-1].turn else "-")


def what(turn: "Sequence[Event]") -> str:
    """Say what was tried in a turn, after the moves up (↑) and down (↓) a ladder that led to it."""
    moves = " ".join(filter(None, map(moved, turn[:-1])))
    last = turn[-1]
    plan = f"{last.plan.get('action', '')}: {last.plan.get('instruction', '')}".strip(": ")
    why = f"{last.fault['kind']}: {last.fault.get('detail', '')}" if last.fault and not last.attempt else ""
    after = moved(last)
    return " ".join(" ".join(filter(None, (moves, why or plan, after))).split())


def became(turn: "Sequence[Event]", artifacts: Any, without: str) -> tuple[str, str]:
    """Return what became of a turn's script, keep, discard or crash, and that with its score; "" and `without` for none."""
    if not (made := turn[-1].attempt):
        return "", without
    attempt = Attempt.read(artifacts, made)
    score = "" if attempt.score is None else f"{attempt.score:.4g}"
    word = "in noise" if doubt(attempt) else status(attempt)
    return status(attempt), f"{word} {score}".strip()
