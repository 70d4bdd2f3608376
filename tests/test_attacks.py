"""Attacks on the sandbox, as root and as an ordinary user; each works without it, and each flag of it counts."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from attacks import ATTACKS, Attack
from fences import FENCES, PLUMBING, Fence
from host import HOSTILE
from security_page import PAGE, stale
from users import USERS, Attacker

from budgetmlagent.sandbox.cages import bubblewrap
from budgetmlagent.sandbox.cages.door import Door
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.cages.job import Job, kernel_limits
from budgetmlagent.sandbox.process.watchdog import Limits

FLAG = re.compile(r"--[a-z-]+")


@pytest.fixture(scope="session")
def attacker() -> Iterator[Callable[[str], Attacker]]:
    made: dict[str, Attacker] = {}
    yield lambda user: made.get(user) or made.setdefault(user, Attacker(user))
    for one in made.values():
        one.close()


def each_with_its_users(rows: Sequence[Attack] | Sequence[Fence]) -> list:
    return [
        pytest.param(row, user, id=f"{row.name}-{user}")
        for row in rows
        for user in USERS
        if user in row.users
    ]


def ready(one: Attacker, needs: str = "") -> Attacker:
    if lack := one.lacks(needs):
        pytest.skip(lack)
    return one


@pytest.mark.parametrize(("attack", "user"), each_with_its_users(ATTACKS))
def test_attack_is_held(attack: Attack, user: str, attacker: Callable[[str], Attacker]) -> None:
    one = ready(attacker(user), attack.needs)
    assert not one.ask("held", attack.name)
    assert one.ask("free", attack.name), "the attack itself does not work"


@pytest.mark.parametrize(("fence", "user"), each_with_its_users(FENCES))
def test_flag_counts(fence: Fence, user: str, attacker: Callable[[str], Attacker]) -> None:
    one = ready(attacker(user), fence.needs)
    assert one.ask("down", fence.name), "without it nothing is different"
    if fence.beside:
        assert not one.ask("stands", fence.name), "alone it does not hold"


@pytest.mark.parametrize("user", USERS)
def test_nothing_of_the_host_is_seen(user: str, attacker: Callable[[str], Attacker]) -> None:
    assert ready(attacker(user)).ask("sights") == []


@pytest.mark.parametrize("user", USERS)
def test_doors_into_the_kernel_are_shut(user: str, attacker: Callable[[str], Attacker]) -> None:
    assert ready(attacker(user), "x86_64").ask("doors") == []


@pytest.mark.parametrize("user", USERS)
def test_an_answer_that_fails_fails_alone(user: str, attacker: Callable[[str], Attacker]) -> None:
    one = ready(attacker(user))
    with pytest.raises((AssertionError, KeyError), match="no such attack"):
        one.ask("held", "no such attack")
    assert one.ask("sights") == []


def test_every_flag_is_accounted_for() -> None:
    job = Job(interpreter(None), [], Path("/w"), Limits(seconds=9), masks=())
    with Door() as door:
        argv = bubblewrap.argv(Path("bwrap"), job, door)
    limits = kernel_limits(processes=1, disk_bytes=1)
    flags = {word.partition("=")[0] for word in [*argv, *limits] if word.startswith("--") and word != "--"}
    taken_out = {flag for fence in FENCES for pattern, _ in fence.cuts for flag in FLAG.findall(pattern)}
    assert flags - PLUMBING <= taken_out, "a flag that nothing tests"


def test_every_script_is_in_use() -> None:
    used = {attack.script for attack in ATTACKS} | {"look_around", "kernel_doors", ""}
    assert {path.stem for path in HOSTILE.glob("*.py")} | {""} == used


def test_the_page_has_a_row_for_each_attack_and_flag() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert stale(page) == []
    assert "**" not in page.partition("<!-- attacks -->")[2], (
        "the page shows a run that was not as it should be"
    )
    line = next(line for line in page.splitlines(keepends=True) if line.startswith("| submit a FIFO |"))
    assert stale(page.replace(line, "")) == ["submit a FIFO"]
    assert stale(page.replace("`--hostname`", "`--nothing`")) == [
        "--hostname: host name",
        "--nothing: host name",
    ]
