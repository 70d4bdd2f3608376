"""Executions outlive whoever asked for them: nothing that is finished is run twice, and what is lost is said."""

import itertools
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import forked
import psutil
import pytest
import tiny
from fault_server import FaultServer
from killed import start

from budgetmlagent import Session
from budgetmlagent.errors import UnavailableError
from budgetmlagent.sandbox.cages import bubblewrap, cgroup
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.bubblewrap import Bubblewrap
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.door import Door
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.detached import MOST_LOST, execute
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.runner import claim, read_job, runner_of, write_job
from budgetmlagent.sandbox.process.scratch import PREFIX, end_orphans, scratch, sweep
from budgetmlagent.sandbox.process.standby import Standby
from budgetmlagent.sandbox.process.watchdog import Limits

CALLER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
from pathlib import Path
from budgetmlagent.sandbox.process.detached import execute
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.watchdog import Limits
script = sys.argv[2]
ended = execute(Path(sys.argv[1]), probe(), lambda w: Job(interpreter(None), ["-c", script], w, Limits(300)))
print(ended.outcome.output.decode())
"""

TOLD_TO_GO = """
import time
from pathlib import Path
while not Path("go").exists():
    time.sleep(0.01)
print("done")
"""


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


def job(script: str, seconds: float = 300) -> Callable[[Path], Job]:
    return lambda workspace: Job(interpreter(None), ["-c", script], workspace, Limits(seconds))


def unasked(workspace: Path) -> Job:
    raise AssertionError("it is begun anew")


def called(folder: Path, script: str) -> "subprocess.Popen[bytes]":
    """Another process that asks for an execution; returns when its runner is at work."""
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(folder), script], stdout=subprocess.PIPE)
    eventually((folder / "0/run.json").exists)
    return caller


def go(folder: Path) -> None:
    """Let the script end that waits for it."""
    (folder / "0/workspace/go").touch()


def eventually(holds: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.01)


def killed(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


def left(mark: str) -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline", "status"])
    return [
        p for p in found
        if any(mark in word for word in p.info["cmdline"] or []) and p.info["status"] != psutil.STATUS_ZOMBIE
    ]  # fmt: skip


def test_an_execution_is_as_its_script_ends(cage: Cage, tmp_path: Path) -> None:
    ended = execute(
        tmp_path / "e", cage, job("open('made', 'w').write('x'); print('out'); raise SystemExit(3)")
    )
    assert (ended.outcome.exit, ended.outcome.output, ended.outcome.killed, ended.lost) == (
        3,
        b"out\n",
        "",
        0,
    )
    assert (ended.workspace / "made").read_text() == "x"
    again = execute(tmp_path / "e", cage, unasked)
    assert again == ended
    (tmp_path / "e/0/log").write_bytes(b"o")  # as the machine's crash may leave it
    anew = execute(tmp_path / "e", cage, job("print('anew')"))
    assert (anew.outcome.output, anew.lost) == (b"anew\n", 1)
    late = execute(tmp_path / "late", cage, job("import time; time.sleep(9)", seconds=0.3))
    assert (late.outcome.exit, late.outcome.killed) == (None, "time")


def test_the_result_is_there_although_the_caller_was_killed(cage: Cage, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    killed(called(folder, TOLD_TO_GO))
    assert not (folder / "0/result.json").exists()
    go(folder)
    eventually((folder / "0/result.json").exists)
    ended = execute(folder, cage, unasked)
    assert (ended.outcome.output, ended.lost) == (b"done\n", 0)


def test_a_live_execution_is_joined(cage: Cage, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    killed(called(folder, TOLD_TO_GO))
    assert runner_of(folder / "0") is not None
    threading.Timer(0.3, go, [folder]).start()
    ended = execute(folder, cage, unasked)
    assert (ended.outcome.output, ended.lost) == (b"done\n", 0)
    assert not (folder / "1").exists()


@pytest.mark.parametrize("name", ["bubblewrap", "unsafe"])
def test_nothing_outlives_the_runner_and_the_loss_is_told(name: str, cage: Cage, tmp_path: Path) -> None:
    folder, mark = tmp_path / "e", f"mark-{name}-{os.getpid()}"
    chosen = cage if name == "bubblewrap" else UNSAFE
    script = f"import time, pathlib; pathlib.Path('begun').touch(); time.sleep(300) # {mark}"
    lost: list[int] = []

    def kill() -> None:
        eventually((folder / "0/workspace/begun").exists)
        runner = runner_of(folder / "0")
        assert runner is not None and left(mark)
        lost.append(1)
        runner.kill()
        eventually(lambda: not left(mark))

    def prepare(workspace: Path) -> Job:
        return job("print('second')" if lost else script)(workspace)

    killer = threading.Thread(target=kill)
    killer.start()
    ended = execute(folder, chosen, prepare)
    killer.join()
    assert lost == [1]
    assert (ended.outcome.output, ended.lost) == (b"second\n", 1)


@pytest.mark.soak  # a window of microseconds is left, which a busy machine makes wider (docs/log.md)
def test_a_runner_killed_as_it_begins_lets_no_script_go_on(cage: Cage, tmp_path: Path) -> None:
    """Where it dies before the script may begin, bubblewrap's first process waits, and is ended by whoever goes on."""
    chance, workspaces = random.Random(1), []
    standby = Standby()
    for number in range(12):
        place = tmp_path / str(number)
        workspaces.append(place / "workspace")
        workspaces[-1].mkdir(parents=True)
        script = "import time; time.sleep(0.7); open('ended', 'w')"
        write_job(place, cage, replace(job(script)(workspaces[-1]), masks=()))
        standby.prepare()
        time.sleep(0.3)
        runner = standby.run(place)
        eventually((place / "run.json").exists)
        time.sleep(chance.uniform(0, 0.03))
        runner.kill()
        runner.wait()
    time.sleep(1)
    end_orphans(tmp_path)
    eventually(lambda: not left(str(tmp_path)))
    assert [str(place) for place in workspaces if (place / "ended").exists()] == []


def test_what_is_killed_time_and_again_is_given_up(cage: Cage, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nkill -9 $PPID\n")  # its parent, the runner
    broken.chmod(0o755)
    with pytest.raises(UnavailableError, match=f"killed {MOST_LOST + 1} times"):
        execute(tmp_path / "e", Bubblewrap(broken), job("pass"))
    assert not (tmp_path / "e").exists()


def test_a_sandbox_that_does_not_start_is_said_and_may_be_tried_again(cage: Cage, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: no room'\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(UnavailableError, match="sandbox: bwrap: no room"):
        execute(tmp_path / "e", Bubblewrap(broken), job("pass"))
    assert execute(tmp_path / "e", cage, job("print(1)")).outcome.output == b"1\n"


def test_an_interrupt_stops_the_execution(tmp_path: Path) -> None:
    mark = f"mark-interrupt-{os.getpid()}"
    caller = called(tmp_path / "e", f"import time; time.sleep(300) # {mark}")
    eventually(lambda: len(left(mark)) > 1)
    caller.send_signal(signal.SIGINT)
    caller.communicate(timeout=120)
    eventually(lambda: not left(mark))
    assert caller.returncode != 0


def test_a_runner_that_comes_too_late_does_nothing(cage: Cage, tmp_path: Path) -> None:
    place = tmp_path / "e/0"
    (place / "workspace").mkdir(parents=True)
    write_job(
        place,
        cage,
        Job(interpreter(None), ["-c", "open('made', 'w')"], place / "workspace", Limits(9), masks=()),
    )
    assert read_job(place)[0] == cage
    ended = execute(tmp_path / "e", cage, job("print('anew')"))
    assert (ended.outcome.output, ended.lost) == (b"anew\n", 0)
    assert Standby().run(place).wait() == 0
    assert list((place / "workspace").iterdir()) == []
    assert not (place / "result.json").exists()


def test_the_runner_that_waits_is_taken_unless_it_has_died(cage: Cage, tmp_path: Path) -> None:
    standby = Standby()
    for name in ("waits", "died"):
        standby.prepare()
        assert standby.waiting
        waiting = standby.waiting.pid
        if name == "died":
            standby.waiting.kill()
            eventually(lambda pid=waiting: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        assert execute(tmp_path / name, cage, job("print(1)"), standby).outcome.output == b"1\n"
        ran = json.loads((tmp_path / name / "0/run.json").read_text())["pid"]
        assert (ran == waiting) == (name == "waits")
        assert standby.waiting is None


def test_a_runner_that_waits_ends_with_its_owner() -> None:
    code = "from budgetmlagent.sandbox.process.standby import Standby\ns = Standby()\ns.prepare()\nprint(s.waiting.pid, flush=True)\ninput()"
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    runner = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    assert runner.wait(120) is None


def test_one_alone_can_claim(tmp_path: Path) -> None:
    assert [claim(tmp_path, {"pid": n}) for n in range(3)] == [True, False, False]
    assert json.loads((tmp_path / "run.json").read_text()) == {"pid": 0}


def test_a_runner_is_not_taken_for_another_process_of_its_number(tmp_path: Path) -> None:
    me = psutil.Process()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    said = {"pid": me.pid, "started": me.create_time(), "boot": boot}
    for wrong, found in (
        ({}, True),
        ({"started": 1.0}, False),
        ({"boot": "another"}, False),
        ({"pid": 2**22}, False),
    ):
        (tmp_path / "run.json").write_text(json.dumps(said | wrong))
        assert (runner_of(tmp_path) is not None) == found, wrong


def test_the_runner_is_given_no_key(cage: Cage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not to be seen")
    folder, seen = tmp_path / "e", []

    def look() -> None:
        eventually((folder / "0/run.json").exists)
        runner = runner_of(folder / "0")
        assert runner is not None
        seen.append(runner.environ())
        go(folder)

    looker = threading.Thread(target=look)
    looker.start()
    execute(folder, cage, job(TOLD_TO_GO))
    looker.join()
    assert "PATH" in seen[0]
    assert "OPENAI_API_KEY" not in seen[0]


def test_a_scratch_folder_lives_as_long_as_its_owner(tmp_path: Path) -> None:
    dead = tmp_path / f"{PREFIX}of-the-dead"
    dead.mkdir()
    (dead / "file").touch()
    with scratch("kind", tmp_path) as folder:
        assert folder.is_dir() and not dead.exists()
        beside = folder.with_name(f"{folder.name}-view")  # as a bare process has it
        beside.mkdir()
        sweep(tmp_path)
        assert folder.is_dir() and beside.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_sandbox_that_never_began_goes_with_the_scratch_folder_of_the_dead(
    cage: Cage, tmp_path: Path
) -> None:
    place = tmp_path / f"{PREFIX}of-the-dead" / "kind"
    place.mkdir(parents=True)
    with cgroup.fence(99) as fence, Door() as door:
        idle = Job(interpreter(None), [], place, Limits(seconds=9), masks=())
        argv = bubblewrap.argv(cage.binary, idle, door)
        outer = subprocess.Popen([*argv, "/usr/bin/true"], env={}, pass_fds=door.inherited)
        inner = door.enter(outer, fence)
        assert inner is not None
        outer.kill()
        outer.wait()
        assert not select.select([inner], [], [], 0.3)[0], "it ends by itself: nobody need end it"
        sweep(tmp_path)
        assert select.select([inner], [], [], 120)[0]
    assert list(tmp_path.iterdir()) == []


SLOW = "import time\ntime.sleep(0.4)\n" + tiny.STARTER


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_no_finished_execution_is_run_twice_whenever_the_caller_is_killed(tmp_path: Path, times: int) -> None:
    """Tries that an observer saw a runner take = executions that the run recorded + those that it says were lost."""
    chance, turns = random.Random(times), times
    numbers = itertools.count()
    with FaultServer(respond=lambda body: slowed(tiny.team(body), next(numbers))) as server:
        session = Session(
            str(tiny.task(tmp_path, SLOW)), models=tiny.models(tmp_path, server.url), budget=1.0, turns=turns,
            history="off", runs_dir=tmp_path / "runs",
        )  # fmt: skip
        with Observer(session.folder.work) as observer:
            for _ in range(times):
                child = start(session.folder.root)
                begun = len(observer.tries)
                eventually(
                    lambda begun=begun, child=child: len(observer.tries) > begun or not child.is_alive()
                )
                time.sleep(chance.uniform(0, 0.6))
                child.kill()
                child.join()
            done = forked.command("resume", str(session.folder.root), "--json")
    assert done.returncode == 0, done.stderr
    run = Session.open(session.folder.root)
    executions = [run.artifacts.json(e.execution) for e in run.timeline if e.execution]
    recorded = sum(1 + len(execution["earlier"]) for execution in executions)
    assert recorded > turns  # one for the starter, and one or more a turn
    assert len(observer.tries) == recorded + sum(e.lost for e in run.timeline)
    assert not run.folder.work.exists()
    assert not left(str(session.folder.root))


def slowed(turn: tiny.Turn, number: int) -> tiny.Turn:
    """A script that takes its time, and is not one that has run before."""
    turn.text = turn.text.replace(
        "```python\n", f"```python\nimport time\ntime.sleep(0.4)\nnumber = {number}\n"
    )
    return turn


def taken(path: Path) -> bool:
    """Whether a runner has taken a try; one that was written off before that says {}."""
    try:
        return path.read_text() != "{}"
    except FileNotFoundError:  # removed meanwhile
        return False


class Observer:
    """Watches which executions are taken by a runner."""

    def __init__(self, work: Path) -> None:
        self.work, self.tries, self.over = work, set[str](), threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.over.wait(0.01):
            with suppress(
                FileNotFoundError
            ):  # a folder was removed while it was looked through: at the next look
                self.tries |= {
                    str(path) for path in self.work.glob("execution-*/[0-9]*/run.json") if taken(path)
                }

    def __enter__(self) -> "Observer":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
