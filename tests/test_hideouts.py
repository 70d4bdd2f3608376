"""What a script cannot be seen to have: counted by what everybody may see, or a reason to stop. Attacks: attacks.py."""

import threading
import time
from pathlib import Path

import host
import pytest

from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job
from budgetmlagent.sandbox.process import usage
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.usage import Seen
from budgetmlagent.sandbox.process.watchdog import Limits

MB = 1 << 20
HANDING_OVER = (
    "import socket, time\nleft, right = socket.socketpair()\n"
    "for _ in range(360):\n    socket.send_fds(left, [b'x'], [0])\n    time.sleep(0.001)\n"
    "    __import__('os').close(socket.recv_fds(right, 1, 1)[1][0])\n    time.sleep(0.003)"
)


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


def test_a_process_that_cannot_be_read_takes_all_that_it_maps(tmp_path: Path) -> None:
    assert usage.proportional(Seen(str(tmp_path / "unreadable"), 50 * MB, MB)) == (51 * MB, 0)


def test_the_sentence_says_why_it_was_stopped(cage: Cage, tmp_path: Path) -> None:
    limits = Limits(20, disk_mb=8)
    code = "print('begun')\n" + host.script("fill_disk_in_flight")
    outcome = cage.launch(Job(interpreter(None), ["-c", code], tmp_path, limits))
    assert (outcome.killed, outcome.exit) == ("disk", None)
    assert outcome.output.endswith(
        b"\nstopped: the disk has lost more than the limit, and files are on their way in a socket: "
        b"they cannot be counted\n"
    )


def test_processes_may_hand_over_open_files_while_others_fill_the_disk(cage: Cage, tmp_path: Path) -> None:
    workspace, other = tmp_path / "workspace", tmp_path / "other"
    workspace.mkdir()

    def fill() -> None:
        for _ in range(7):
            time.sleep(0.2)
            with other.open("ab") as file:
                file.write(b"x" * (12 * MB))

    neighbour = threading.Thread(target=fill)
    neighbour.start()
    job = Job(interpreter(None), ["-c", HANDING_OVER], workspace, Limits(20, disk_mb=8))
    outcome = cage.launch(job)
    neighbour.join()
    assert (outcome.exit, outcome.killed, outcome.output) == (0, "", b"")


def test_what_was_lost_when_nothing_was_hidden_is_others(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    disk = usage.Disk(workspace, 8 * MB)
    (tmp_path / "other").write_bytes(b"x" * (40 * MB))
    assert disk.may_hide()
    disk.is_clear()
    assert not disk.may_hide()


def test_sockets_of_the_hosts_network_are_not_a_scripts() -> None:
    assert usage.buffered("/proc/self") == 0
