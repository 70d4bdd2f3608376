"""How long a busy host is left in peace."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetmlagent.models.faults.judge import retry_after
from budgetmlagent.models.waiting import LONGEST, UNREACHED, Waits


class Clock:
    def __init__(self):
        self.time, self.waited = 100.0, []

    def waits(self):
        return Waits(sleep=self.sleep, now=lambda: self.time)

    def sleep(self, seconds):
        self.waited.append(seconds)
        self.time += seconds


def test_each_busy_answer_doubles_the_wait_up_to_the_longest_and_an_answer_ends_it():
    clock = Clock()
    waits = clock.waits()
    for _ in range(9):
        waits.busy("a", None)
        waits.before("a")
        waits.before("a")  # what was waited for is over
    for number, seconds in enumerate(clock.waited):
        assert min(0.75 * 2**number, LONGEST) - 1e-9 <= seconds <= min(1.25 * 2**number, LONGEST) + 1e-9
    assert len(clock.waited) == 9 and clock.waited[-1] == LONGEST
    waits.answered("a")
    waits.busy("a", None)
    waits.before("a")
    assert clock.waited[-1] <= 1.25


def test_the_hosts_own_word_counts_up_to_the_longest_and_for_that_host_alone(capsys):
    clock = Clock()
    waits = clock.waits()
    waits.busy("a", 7.0)
    waits.before("b")
    waits.before("a")
    assert clock.waited == [7.0]
    assert capsys.readouterr().err == "a is busy: waiting 7 s before the next request\n"
    waits.busy("a", 0.0)
    waits.before("a")
    waits.busy("a", 3600.0)
    clock.time += 10
    waits.before("a")
    assert clock.waited == [7.0, LONGEST - 10]


def test_what_is_longer_than_is_waited_for_is_told_as_the_host_said_it(capsys):
    waits = Clock().waits()
    waits.busy("a", 86_400.0)
    waits.before("a")
    said = "a is busy and asks to wait 86400 s: waiting 60 s before the next request\n"
    assert capsys.readouterr().err == said


def test_a_host_that_cannot_be_reached_is_called_so_at_once_and_waited_for_seconds(capsys):
    clock = Clock()
    waits = clock.waits()
    for _ in range(8):
        waits.unreached("a")
        waits.before("a")
    assert len(clock.waited) == 8 and max(clock.waited) <= UNREACHED
    said = capsys.readouterr().err
    assert said.count("a cannot be reached: waiting ") == 8 and "busy" not in said
    waits.busy("a", 7.0)
    waits.before("a")
    assert "a is busy: waiting 7 s" in capsys.readouterr().err


def test_an_interrupt_ends_a_wait():
    def interrupted(seconds):
        raise KeyboardInterrupt

    waits = Waits(sleep=interrupted)
    waits.busy("a", 5.0)
    with pytest.raises(KeyboardInterrupt):
        waits.before("a")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 1.5 ", 1.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_in_seconds(value, seconds):
    assert retry_after({"retry-after": value}) == seconds


def test_retry_after_as_a_date():
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert retry_after({"retry-after": format_datetime(later, usegmt=True)}) == pytest.approx(90, abs=5)
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) is None
    assert retry_after({}) is None


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_left(value):
    seconds = retry_after({"retry-after": value})
    assert seconds is None or 0 <= seconds < float("inf")


def test_what_is_waited_for_is_told_with_its_time():
    clock = Clock()
    waits = clock.waits()
    assert waits.standing() == ""
    with waits.asking("large"):
        clock.time += 70
        assert waits.standing() == "large is thinking, 1:10"
        with ThreadPoolExecutor(1) as pool:  # another run of the process
            pool.submit(_small_asked_too, waits, clock).result()
        assert waits.standing() == "large is thinking, 1:40"
    assert waits.standing() == ""


def _small_asked_too(waits, clock):
    with waits.asking("small"):
        clock.time += 30
        assert waits.standing() == "large is thinking, 1:40, small is thinking, 0:30"


def test_without_a_terminal_a_line_says_that_a_model_still_thinks(capsys):
    threads, said, end = threading.active_count(), "", time.monotonic() + 120
    with Waits(now=lambda: 0.0, every=0.02).asking("large"):
        while not said and time.monotonic() < end:
            said = capsys.readouterr().err
    assert said.startswith("large is thinking, 0:00\n")
    while threading.active_count() > threads:  # who tells it ends with the answer
        assert time.monotonic() < end
