"""What a run's best scripts make together, where it was given time to spare."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from forked import run

from memory.artifacts import Artifacts
from memory.attempts import Attempt
from memory.cases import load_cases, menu
from memory.together import AVERAGE, averages
from nodes.craft.scripts import ast_key

FACTS = {"submission": {"file": "submission.csv"}}
SCRIPT = """import pandas as pd
order = {order}
pd.DataFrame({{"id": order, "y": [{values}[key] for key in order]}}).to_csv("submission.csv", index=False)
model = dict(random_state={seed})
"""


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


def attempt(artifacts: Artifacts, score: float | None, values: dict, seconds: float = 5.0, action: str = "apply", order: tuple = (1, 2, 3)) -> Attempt:  # fmt: skip
    script = SCRIPT.format(values=values, order=list(order), seed=7)
    return Attempt(
        script=artifacts.put(script), plan={"action": action}, status="keep", score=score, ast=ast_key(script), seconds=seconds
    )  # fmt: skip


def made(artifacts: Artifacts, attempts: list[Attempt], direction: str = "min", seconds: float = 60.0, facts: dict = FACTS) -> dict[str, str]:  # fmt: skip
    return {
        item["name"]: item["script"]
        for item in averages(attempts, facts, artifacts, direction, seconds, seeds=True)
    }


def result(script: str, folder: Path, **read: Any) -> list:
    status, output = run(script, folder)
    assert status == 0, output
    return pd.read_csv(folder / "submission.csv", **read).sort_values("id")["y"].tolist()


def numbers(artifacts: Artifacts, **given: object) -> list[Attempt]:
    """The newest first: four scripts, and the starter."""
    return [
        attempt(artifacts, 4.0, {1: 4.5, 2: 6.5, 3: 0.0}, order=(3, 1, 2), **given), attempt(artifacts, 5.0, {1: 1.5, 2: 2.5, 3: 3.0}, **given),
        attempt(artifacts, 3.0, {1: 0.5, 2: 1.5, 3: 6.0}, **given), attempt(artifacts, 8.0, {1: 9.5, 2: 9.5, 3: 9.0}, **given),
        attempt(artifacts, 10.0, {1: 99.5, 2: 0.0, 3: 0.0}, action="baseline"),
    ]  # fmt: skip


def test_numbers_are_averaged_row_by_row_whatever_their_order(artifacts: Artifacts, tmp_path: Path) -> None:
    scripts = made(artifacts, numbers(artifacts))
    assert list(scripts) == ["average_3", "average_2", "seeds"]
    assert result(scripts["average_2"], tmp_path) == [2.5, 4.0, 3.0]
    assert result(scripts["average_3"], tmp_path) == pytest.approx([6.5 / 3, 10.5 / 3, 3.0])


@pytest.mark.parametrize("labels", [("a", "b", "c"), (0, 1, 2), ("NA", "None", "x")])
def test_labels_are_voted_for_and_the_best_one_decides_a_draw(
    labels: tuple, artifacts: Artifacts, tmp_path: Path
) -> None:
    a, b, c = labels
    attempts = [
        attempt(artifacts, 0.9, {1: a, 2: a, 3: a}), attempt(artifacts, 0.8, {1: b, 2: b, 3: a}), attempt(artifacts, 0.85, {1: c, 2: b, 3: a}),
        attempt(artifacts, 0.5, {1: c, 2: c, 3: c}, action="baseline"),
    ]  # fmt: skip
    script = made(artifacts, attempts, "max")["average_3"]
    assert result(script, tmp_path, dtype=str, keep_default_na=False) == [str(a), str(b), str(a)]


def test_members_are_good_and_fit_into_the_time_together(artifacts: Artifacts) -> None:
    assert list(made(artifacts, numbers(artifacts, seconds=15.0))) == ["average_3", "average_2", "seeds"]
    assert list(made(artifacts, numbers(artifacts, seconds=17.0))) == ["average_2", "seeds"]
    assert list(made(artifacts, numbers(artifacts, seconds=40.0))) == []
    weak = [numbers(artifacts)[2], numbers(artifacts)[3], numbers(artifacts)[4]]  # one gains 7, the other 2
    assert list(made(artifacts, weak)) == ["seeds"]
    assert made(artifacts, [numbers(artifacts)[4]]) == {} == made(artifacts, [])
    assert made(artifacts, numbers(artifacts), facts={}) == {}
    assert made(artifacts, numbers(artifacts), facts={"submission": {"file": "x.npy"}}) == {}


def test_an_average_is_no_member_and_seeds_differ(artifacts: Artifacts) -> None:
    attempts = numbers(artifacts)
    scripts = made(artifacts, attempts)
    assert [f"random_state={seed}" in scripts["seeds"] for seed in range(6, 13)] == [
        False,
        *[True] * 5,
        False,
    ]
    best = Attempt(script=artifacts.put(scripts["average_2"]), plan={"action": "apply"}, status="keep", score=1.0, ast="x", seconds=9.0)  # fmt: skip
    assert scripts["average_2"].startswith(AVERAGE) and made(artifacts, [best, *attempts]) == scripts


def test_cases_that_take_time_are_for_runs_that_have_it() -> None:
    cases = load_cases(Path(__file__).parents[1] / "memory" / "cases")
    kinds = ["table", "regression", "numeric"]
    spare = {case.name for case in menu(cases, [*kinds, "spare"])} - {
        case.name for case in menu(cases, kinds)
    }
    assert spare == {"table_search"}
