"""What a script may take: the limit that it passed is named, whatever it did to pass it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import host
import pytest
from users import UID, become

from budgetmlagent.sandbox.cages import bubblewrap, cgroup
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.cage import GROUP, WATCHDOG, Cage
from budgetmlagent.sandbox.cages.door import Door
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.alone import Alone, Times
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.watchdog import Limits


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


def test_a_killed_run_ends_in_time_and_keeps_a_bounded_output(cage: Cage, tmp_path: Path) -> None:
    limits = Limits(seconds=1.0, output_mb=1)
    outcome = cage.launch(Job(interpreter(None), ["-c", host.script("flood")], tmp_path, limits))
    assert (outcome.killed, outcome.exit, len(outcome.output)) == ("output", None, 1 << 20)
    outcome = cage.launch(Job(interpreter(None), ["-c", host.script("deaf")], tmp_path, limits))
    assert (outcome.killed, outcome.exit) == ("time", None)


def test_limits_hold_without_isolation_too(tmp_path: Path) -> None:
    limits = Limits(seconds=20, memory_mb=160)
    outcome = UNSAFE.launch(Job(interpreter(None), ["-c", host.script("memory_one")], tmp_path, limits))
    assert outcome.killed == "memory"


def test_forks_that_share_memory_are_counted_once(cage: Cage, tmp_path: Path) -> None:
    script = "import os, time\nheld = b'x' * (80 << 20)\nfor _ in range(4):\n    if not os.fork(): break\ntime.sleep(0.6)"
    outcome = cage.launch(Job(interpreter(None), ["-c", script], tmp_path, Limits(20, memory_mb=200)))
    assert (outcome.exit, outcome.killed) == (0, "")
    assert 80 < outcome.memory_mb < 200


def test_what_a_script_would_have_taken_alone_is_told_apart_from_what_it_took(
    cage: Cage, tmp_path: Path
) -> None:
    """Others on the same processor slow it down; its own sleep does not count as that."""
    core = min(os.sched_getaffinity(0))
    script = f"import os, time\nos.sched_setaffinity(0, {{{core}}})\nwhile time.process_time() < 0.6: pass"
    burn = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint(flush=True)\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) for _ in range(3)]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        slowed = cage.launch(Job(interpreter(None), ["-c", script], tmp_path, Limits(60)))
    finally:
        for other in others:
            other.kill()
            other.communicate()
    assert (slowed.exit, slowed.killed) == (0, "")
    assert 0.2 < slowed.alone < 0.9 * slowed.seconds
    slept = cage.launch(Job(interpreter(None), ["-c", "import time; time.sleep(1)"], tmp_path, Limits(60)))
    assert 0.9 < slept.alone <= slept.seconds


def test_waiting_for_ones_own_processes_is_not_waiting_for_others() -> None:
    alone, cores = Alone(), len(os.sched_getaffinity(0))
    assert alone.seconds(9.0) == 0.0  # nothing is known
    alone.times = {pid: Times(computed=9 / 4, waited=27 / 4) for pid in range(4 * cores)}
    assert alone.seconds(9.0) == pytest.approx(9.0)
    alone.times = {1: Times(computed=2, waited=7), 2: Times(computed=0, waited=3)}
    assert alone.seconds(9.0) == pytest.approx(2.0)
    alone.look([os.getpid(), 2**30])  # one that is not there
    assert set(alone.times) == {1, 2, os.getpid()} and alone.times[os.getpid()].computed > 0


@pytest.mark.parametrize("opened", [True, False])
def test_nothing_runs_before_the_door_is_opened(cage: Cage, tmp_path: Path, opened: bool) -> None:
    """In that time the first process inside is put into its groups. The end of who holds the door does not open it."""
    with cgroup.fence(99) as fence:
        with Door() as door:
            argv = bubblewrap.argv(
                cage.binary, Job(interpreter(None), [], tmp_path, Limits(seconds=9), masks=()), door
            )
            process = subprocess.Popen([*argv, "/usr/bin/touch", "ran"], env={}, pass_fds=door.inherited)
            inner = door.enter(process, fence)
            assert inner is not None
            first = os.dup(inner)
            time.sleep(0.3)
            assert process.poll() is None and not (tmp_path / "ran").exists()
            if opened:
                door.open()
                process.wait()
        time.sleep(0.3)
        if not opened:
            signal.pidfd_send_signal(first, signal.SIGKILL)
        process.wait()
        os.close(first)
    assert (tmp_path / "ran").exists() == opened


HANDED_ON = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "tasks")  # what systemd hands on
FORKS = (  # each child lives as long as the parent, whose end closes the pipe
    "import os\nn, (held, end) = 0, os.pipe()\ntry:\n    for n in range(40):\n"
    "        if not os.fork(): os.close(end); os.read(held, 1); os._exit(0)\nexcept OSError: pass\nprint(n)"
)
GROUPS = pytest.mark.skipif(
    os.geteuid() != 0 or cgroup.home() is None, reason="for root, with control groups"
)


@GROUPS
def test_root_is_fenced_though_the_kernel_exempts_it() -> None:
    free = subprocess.run(
        ["prlimit", "--nproc=10", sys.executable, "-c", FORKS], check=False, capture_output=True, text=True
    )
    assert free.stdout == "39\n", "the kernel does hold root: the control group is not needed any more"
    with cgroup.fence(10) as join:
        held = subprocess.run(
            [*join, sys.executable, "-c", FORKS], check=False, capture_output=True, text=True
        )
    assert int(held.stdout) < 10


HANDED = """
import subprocess, sys, tempfile
from pathlib import Path
from budgetmlagent.sandbox.cages import cgroup
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process.alone import Alone, Times
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.watchdog import Limits
forks, files = sys.argv[1:]
with cgroup.fence(10) as join:
    print(subprocess.run([*join, sys.executable, "-c", forks], capture_output=True, text=True).stdout.strip())
cage = probe()
print(cage.limits["memory"], cage.limits["processes"], sep=", ")
with tempfile.TemporaryDirectory() as folder:
    print(cage.launch(Job(interpreter(None), ["-c", files], Path(folder), Limits(30, memory_mb=96))).killed)
    print([str(group) for name in ("pids", "memory") if (home := cgroup.home(name)) for group in home.glob("budgetml-*-*")])
"""
# Files in memory that have a name are counted by the kernel alone.
FILES = "for i in range(200):\n    with open(f'/dev/shm/{i}', 'wb') as file: file.write(b'x' * (1 << 20))"


@GROUPS
@pytest.mark.parametrize("handed", [True, False])
def test_an_ordinary_user_is_fenced_where_groups_were_handed_to_him(handed: bool) -> None:
    groups = {
        home / f"budgetml-test-{os.getpid()}" for name in ("pids", "memory") if (home := cgroup.home(name))
    }
    join = ["/bin/sh", "-c", cgroup.JOIN, "sh", *(f"{group}/cgroup.procs" for group in groups), "--"]
    command = become([sys.executable, "-B", "-c", HANDED, FORKS, FILES], before=join)
    if not command:
        pytest.skip("no bubblewrap or setpriv with which root could become an ordinary user")
    for group in groups:
        group.mkdir()
        for path in (group, *(group / name for name in HANDED_ON if handed and (group / name).exists())):
            os.chown(path, int(UID) if handed else 0, -1)
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    finally:
        for folder in (*(group / cgroup.CALLERS for group in groups), *groups):
            if folder.exists():
                folder.rmdir()
    assert done.stdout, done.stderr
    forks, told, killed, left = done.stdout.splitlines()
    assert (int(forks) < 10, killed, left) == (handed, "memory" if handed else "", "[]"), done.stderr
    assert told == (f"{GROUP}, {GROUP}" if handed else f"{WATCHDOG}, the kernel (RLIMIT_NPROC)")
