"""Steering: runs that are begun, gone on with, stopped. Each is driven by a child process, and by one at a time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import psutil

from budgetmlagent.errors import BudgetMLError, UnavailableError, UsageError
from budgetmlagent.records import live
from budgetmlagent.run.view import RunView
from budgetmlagent.studio import price
from budgetmlagent.studio.look import living
from budgetmlagent.studio.place import ConflictError, Place
from budgetmlagent.studio.protocol import DriveAsked, StartAsked
from budgetmlagent.studio.replies import Code, Driven, Live

PATIENCE = 120.0  # seconds in which a child must have taken its run
LEAVE = 10.0  # seconds in which an interrupted run is left
KEPT = 1000  # of the newest clicks
SPENDING = ("step", "run", "until", "approve", "decline")
Tell = Callable[[str, str], None]


@dataclass
class Child:
    """A process that goes on with a run."""

    process: subprocess.Popen[str]
    log: IO[str]
    taken: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    run: str = ""
    error: str = ""
    status: int = 0


@dataclass
class Click:
    """A click that is being answered, or was."""

    done: threading.Event = field(default_factory=threading.Event)
    reply: Driven | None = None
    error: BudgetMLError | None = None


class Driver:
    """All runs that this studio drives. `tell(run, line)` is called when one ends with an error."""

    def __init__(self, place: Place, tell: Tell) -> None:
        self.place, self._tell = place, tell
        self._lock = threading.Lock()
        self._children = dict[str, Child | None]()  # by run; None while one is begun
        self._clicks = dict[str, Click]()
        self._spare: Child | None = None  # a process that waits for its order
        self._closed = False

    # -- what is asked

    def start(self, asked: StartAsked) -> Driven:
        """Begin a run. Raises what `Session(...)` raises."""
        request = asked.model_dump(exclude={"go", "once"}) | {"runs_dir": str(self.place.runs_dir)}
        order = {"action": "start", "request": request, "go": asked.go}

        def begin() -> Driven:
            child = self._begin("", order, wait=not asked.go)
            return self._driven(child.run, price.started(asked, self.place.runs_dir))

        return self._once(asked.once, begin)

    def drive(self, asked: DriveAsked) -> Driven:
        """Go on with a run or stop it. Raises UsageError, and ConflictError where it stands otherwise than the page believes."""
        if asked.action == "pause":
            self.place.view(asked.run).pause()
            return self._driven(asked.run, price.driven(asked, self.place.runs_dir))
        if asked.action == "stop":
            self._stop(asked.run)
            return self._driven(asked.run, price.driven(asked, self.place.runs_dir))
        return self._once(asked.once, lambda: self._drive(asked))

    def is_ours(self, run: str) -> bool:
        """Whether this studio drives the run now."""
        return run in self._children

    def close(self) -> None:
        """Interrupt every run that is driven: each is left so that it can be gone on with."""
        with self._lock:
            spare, self._spare, self._closed = self._spare, None, True
        if spare:
            spare.process.communicate()  # it has no order, and ends
            spare.log.close()
        driven = [child for child in self._children.values() if child]
        for child in driven:
            child.process.send_signal(signal.SIGINT)
        for child in driven:
            child.ended.wait(LEAVE)

    # -- once

    def _once(self, once: str, act: Callable[[], Driven]) -> Driven:
        """Act, or answer a click that was answered before as it was then."""
        if not once:
            return act()
        with self._lock:
            known = self._clicks.get(once)
            click = known or self._clicks.setdefault(once, Click())
            while len(self._clicks) > KEPT:
                self._clicks.pop(next(iter(self._clicks)))
        if known:
            known.done.wait(PATIENCE)
        else:
            try:
                click.reply = act()
            except BudgetMLError as error:
                click.error = error
            finally:
                click.done.set()
        if click.error:
            raise click.error
        if click.reply is None:
            raise UnavailableError("the first click is not answered yet; look again")
        return click.reply

    def _drive(self, asked: DriveAsked) -> Driven:
        run = self.place.run(asked.run)
        name = run.run_id
        with self._lock:
            if name in self._children or live.stands(run) == "underway":
                raise ConflictError(f"run {name} is underway: pause or stop it first")
            self._children[name] = None
        try:
            self._stands(self.place.view(name), asked)
            order = asked.model_dump(exclude={"at", "once"}) | {
                "run": str(run.root),
                "runs_dir": str(self.place.runs_dir),
            }
            order["go"] = asked.go or asked.action in ("run", "until")
            child = self._begin(name, order, wait=not (order["go"] or asked.action == "step"))
        except BaseException:
            with self._lock:
                if self._children.get(name) is None:
                    self._children.pop(name, None)
            raise
        return self._driven(child.run, price.driven(asked, self.place.runs_dir))

    def _stands(self, view: RunView, asked: DriveAsked) -> None:
        """Raise where the run stands elsewhere than the page believes, or nothing waits for the word that is given."""
        here = view.branches.step
        if asked.at is None and asked.action in SPENDING:
            raise UsageError(f"drive: {asked.action}: `at` is needed, the step after which the run stands")
        if asked.at is not None and asked.at != here:
            raise ConflictError(
                f"run {view.run_id} was gone on with meanwhile: it stands after step {here}; look again"
            )
        if view.done and asked.action in ("step", "run", "until") and asked.step is None:
            raise UsageError(
                f"run {view.run_id} has come to its end: give it more money or turns, go back, or fork it"
            )
        if view.question and asked.action in ("step", "run", "until"):
            raise UsageError(f"run {view.run_id} {view.waits}")

    # -- processes

    def _begin(self, name: str, order: dict[str, Any], *, wait: bool) -> Child:
        """Begin a child and wait until it has taken its run, with `wait` until it ends. Raises what it says was wrong."""
        child = self._waiting()
        if name:
            self._children[name] = child
        assert child.process.stdin
        with suppress(OSError), child.process.stdin as orders:
            orders.write(json.dumps(order))
        threading.Thread(target=self._listen, args=(child, name), daemon=True).start()
        (child.ended if wait else child.taken).wait(PATIENCE)
        if child.error and (wait or not child.run):
            raise _as_error(child)
        if not child.run:
            raise UnavailableError("the run's process has not answered; look again")
        return child

    def _waiting(self) -> Child:
        """Return a process that waits for its order, and begin the next one: what it imports takes seconds."""
        with self._lock:
            ready, self._spare = self._spare, None
        if ready is None or ready.process.poll() is not None:
            ready = self._child()
        with self._lock:
            if not self._closed:
                self._spare = self._spare or self._child()
        return ready

    def _child(self) -> Child:
        log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "budgetmlagent.studio.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.place.folder, text=True,
            start_new_session=True, env=os.environ | {"LANGSMITH_TRACING": "false", "ANONYMIZED_TELEMETRY": "false"},
        )  # fmt: skip
        return Child(process, log)

    def _listen(self, child: Child, name: str) -> None:
        """Take what a child says until it ends; tell what went wrong after its run was taken."""
        assert child.process.stdout
        with child.process.stdout as lines:
            for line in lines:
                self._hear(child, name, json.loads(line))
        code = child.process.wait()
        if not child.error and code not in (0, 130):
            child.error, child.status = f"the run's process ended with status {code}: {_last(child.log)}", 3
        child.log.close()
        self._let_go(child)

    def _hear(self, child: Child, name: str, said: Mapping[str, Any]) -> None:
        """Take a line that a child says."""
        if run := said.get("run"):
            child.run = run
            if run != name:
                self._children[run] = child
            child.taken.set()
        child.error, child.status = said.get("error", child.error), said.get("status", child.status)
        if "ended" in said or "error" in said:
            self._let_go(child)  # of the run: that the process still takes its leave hinders nobody

    def _let_go(self, child: Child) -> None:
        """Note that a child has come to its end, once; tell what went wrong after its run was taken."""
        with self._lock:
            for run in [run for run, each in self._children.items() if each is child]:
                del self._children[run]
        told, before = child.taken.is_set(), child.ended.is_set()
        child.taken.set()
        child.ended.set()
        if told and child.error and not before:
            self._tell(child.run, child.error)

    def _stop(self, name: str) -> None:
        """Interrupt whoever goes on with a run: a child of ours, or another process of this person on this machine."""
        run = self.place.run(name)
        child = self._children.get(run.run_id)
        if child:
            child.process.send_signal(signal.SIGINT)
            return
        held = live.holder(run)
        if not held or not held.alive:
            raise UsageError(f"run {run.run_id}: nobody goes on with it now, so there is nothing to stop")
        if not held.here:
            raise UsageError(f"run {run.run_id}: it is underway on {held.host}: stop it there")
        try:
            process = psutil.Process(held.pid)
            if process.uids().real != os.getuid():
                raise UsageError(f"run {run.run_id}: process {held.pid} of another user goes on with it")
            process.send_signal(signal.SIGINT)
        except psutil.Error as error:
            raise UsageError(f"run {run.run_id}: process {held.pid} cannot be interrupted: {error}") from None

    def _driven(self, name: str, code: Code) -> Driven:
        return Driven(run=name, live=self.live(name), said=[], code=code)

    def live(self, name: str) -> Live:
        """Return how a run is gone on with now."""
        run = self.place.run(name)
        return living(run, "", self.is_ours(name))


def _as_error(child: Child) -> BudgetMLError:
    if "is running in another process" in child.error:
        return ConflictError(child.error)
    return UsageError(child.error) if child.status == 2 else UnavailableError(child.error)


def _last(log: IO[str]) -> str:
    """Return the last line of what a process said that ended unexpectedly."""
    log.seek(0)
    lines = log.read().strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
