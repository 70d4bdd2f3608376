"""How much of a machine a bench may use where control groups, as of containers and SLURM jobs, leave it less."""

import os
from pathlib import Path

import psutil
import pytest

from budgetmlagent.bench import rooms


@pytest.fixture
def group(tmp_path: Path) -> Path:
    (tmp_path / "mine").write_text("0::/outer/inner\n")
    inner = tmp_path / "groups" / "outer" / "inner"
    inner.mkdir(parents=True)
    return inner


def memory(group: Path) -> int:
    return rooms.memory(group.parents[1], group.parents[2] / "mine")


def cores(group: Path) -> int:
    return rooms.cores(group.parents[1], group.parents[2] / "mine")


def test_without_limits_it_is_what_the_machine_has(group: Path, tmp_path: Path) -> None:
    for file, text in (("memory.max", "max\n"), ("cpu.max", "max 100000\n")):
        (group / file).write_text(text)
    mine = len(os.sched_getaffinity(0))
    assert 0 < memory(group) <= psutil.virtual_memory().total and cores(group) == mine
    assert rooms.cores(tmp_path / "none", tmp_path / "none") == mine


def test_a_group_s_limit_holds_for_those_in_it_and_below_it(group: Path) -> None:
    for place in (group.parent, group):
        (place / "memory.max").write_text("1000\n")
        assert memory(group) == 1000
        (place / "memory.max").unlink()
        (place / "cpu.max").write_text("100000 100000\n")
        assert cores(group) == 1
        (place / "cpu.max").unlink()
    (group / "cpu.max").write_text("50000 100000\n")
    assert cores(group) == 1, "half a core runs one"


def test_groups_of_the_first_version_are_known(tmp_path: Path) -> None:
    mine, place = tmp_path / "mine", tmp_path / "groups" / "cpu,cpuacct" / "job"
    mine.write_text("4:memory:/job\n3:cpu,cpuacct:/job\n")
    place.mkdir(parents=True)
    (place / "cpu.cfs_quota_us").write_text("100000\n")
    (place / "cpu.cfs_period_us").write_text("100000\n")
    held = tmp_path / "groups" / "memory" / "job"
    held.mkdir(parents=True)
    (held / "memory.limit_in_bytes").write_text("2000\n")
    assert (rooms.memory(tmp_path / "groups", mine), rooms.cores(tmp_path / "groups", mine)) == (2000, 1)
    (place / "cpu.cfs_quota_us").write_text("-1\n")
    assert rooms.cores(tmp_path / "groups", mine) == len(os.sched_getaffinity(0))
