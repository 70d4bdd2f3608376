"""Intervals of a bench's values: how often they hold on data whose truth is known, and where there are none."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from budgetmlagent.bench.intervals import Interval, mean, rate, wilson

TRIES = 600  # a coverage of .95 is then seen as .95 +- .02


def drawn(
    tasks: int, seeds: int, between: float = 1.0, within: float = 0.2
) -> Iterator[list[tuple[str, float]]]:
    """Many times the values of runs, about 0: a task's lie about its own, as far `within` as seeds differ."""
    chance = np.random.default_rng(0)
    for _ in range(TRIES):
        own = chance.normal(0, between, (tasks, 1)) + chance.normal(0, within, (tasks, seeds))
        yield [(f"t{i}", float(value)) for i, runs in enumerate(own) for value in runs]


def covered(intervals: Iterable[Interval | None], truth: float) -> float:
    return float(np.mean([low <= truth <= high for _, low, high in intervals]))


@pytest.mark.parametrize(("tasks", "seeds"), [(10, 9), (30, 3), (6, 1), (5, 1), (1, 6), (5, 20)], ids=str)
def test_a_means_interval_holds_as_often_as_it_says(tasks: int, seeds: int) -> None:
    between = 1.0 if tasks > 1 else 0.0  # of one task nothing is said of others
    found = [mean(values) for values in drawn(tasks, seeds, between)]
    assert 0.92 <= covered(found, 0.0) <= 0.98


def test_that_of_a_difference_holds_where_two_settings_have_the_same_tasks() -> None:
    pairs = zip(drawn(10, 9), drawn(10, 9, within=0.5), strict=True)
    found = [
        mean((task, 2 * b - a) for (task, a), (_, b) in zip(one, two, strict=True)) for one, two in pairs
    ]
    assert 0.92 <= covered(found, 0.0) <= 0.98


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.8])
def test_a_rates_interval_holds_where_a_tasks_runs_are_alike(chance: float) -> None:
    """Each task has its own rate: half of them all or nothing, the others as chance has it."""
    draw = np.random.default_rng(1)
    found = []
    for _ in range(TRIES):
        own = [float(draw.random() < chance) if draw.random() < 0.5 else chance for _ in range(10)]
        found.append(rate([(f"t{i}", float(draw.random() < p)) for i, p in enumerate(own) for _ in range(9)]))
    assert covered(found, chance) >= 0.92


def test_wilsons_interval() -> None:
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert [round(x, 3) for x in wilson(8, 10)] == [0.8, 0.49, 0.943]
    assert wilson(3, 3)[2] == 1.0 and wilson(3, 3)[1] < 0.5


def test_tasks_are_counted_and_runs_where_there_is_one_task() -> None:
    runs = [("a", 1.0), ("a", 1.0), ("b", 0.0), ("b", 1.0)]
    assert rate(runs) == wilson(1.5, 2) and rate(runs[:2]) == wilson(2, 2) and rate([]) is None
    values = [(str(value), value) for value in (1.0, 2.0, 3.0, 4.0, 10.0)]
    assert mean(values * 9) == mean(reversed(values)) == mean(("a", value) for _, value in values)
    assert mean(values) == pytest.approx((4.0, -0.389, 8.389), abs=0.002)  # 2.776 standard errors
    assert mean(values, low=0.0, high=8.0) == (4.0, 0.0, 8.0)


def test_few_values_and_such_as_are_all_the_same_have_no_interval() -> None:
    assert mean([]) is None and mean([("a", 2.0)]) == mean([("a", 2.0)] * 9) == (2.0, None, None)
    assert mean([(task, value) for task in "abcd" for value in (1.0, 2.0, 6.0)]) == (3.0, None, None)
    third = [(str(n), value) for n in range(1, 9) for value in (0.1,) * n]
    assert mean(third) == (pytest.approx(0.1), None, None)  # however many runs a task has
