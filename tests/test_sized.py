"""How much a case's script does: by the time that is left of a run, and less after it has run out of its own."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from forked import run

from memory.artifacts import Artifacts
from memory.cases import as_item, load_cases
from memory.history import RunHistory
from memory.sized import sized, within
from memory.state import RunState
from nodes.craft.render import render

CASES = load_cases(Path(__file__).parents[1] / "memory" / "cases")
ITEMS = {case.name: as_item(case) for case in CASES}
BOOSTING, IMAGES = ITEMS["table_boosting"], ITEMS["image_patches"]


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (float("inf"), 60),
        (60, 60),
        (59.9, 52.5),
        (30, 30),
        (29.9, 22.5),
        (7.5, 7.5),
        (7.4, 3.75),
        (2, 3.75),
        (-1, 3.75),
    ],
)
def test_a_script_plans_with_what_is_left_in_eighths_of_its_limit(left: float, seconds: float) -> None:
    assert within(60, left) == seconds


def late(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "late": True} for name in names]


def test_what_ran_out_of_time_comes_again_on_fewer_rows_and_not_for_ever() -> None:
    again = [sized([BOOSTING], late(*["table_boosting"] * times), None) for times in range(4)]
    assert again == [[BOOSTING], [BOOSTING | {"part": 0.25}], [BOOSTING | {"part": 0.0625}], []]
    assert sized([BOOSTING, IMAGES], late("image_patches"), 15) == [BOOSTING | {"seconds": 15}]
    ended = [{"name": "table_boosting", "late": False}]
    assert sized([BOOSTING], ended, None) == sized([BOOSTING], [*late("table_boosting"), *ended], None) == []


def facts(rows: int) -> dict[str, Any]:
    table = {
        "load": ['train = pd.read_csv("train.csv")', 'test = pd.read_csv("test.csv")'], "rows_train": rows, "rows_test": 10, "targets": ["y"],
        "keys": [["id", 'test["id"]']], "numeric": ["x"], "coded": [], "categorical": [], "text": [], "dates": [], "unused": ["id"], "many": [],
        "missing": False, "split": {"how": "random", "folds": 1}, "encode": [], "problem": "regression", "classes": 0, "minimum": -1.0,
        "skewed": False, "output": "value", "width": 1, "outputs": 1, "characters": 0, "smallest": 1, "order": "", "boolean": False,
    }  # fmt: skip
    return {
        "kinds": ["table", "regression", "numeric"], "table": table, "metric": {"name": "rmse"}, "direction": "min",
        "submission": {"file": "submission.csv", "columns": ["id", "y"]}, "summary": "",
    }  # fmt: skip


def test_a_part_of_the_rows_is_learned_from_and_every_test_row_is_answered(tmp_path: Path) -> None:
    train = pd.DataFrame(
        {"id": range(400), "x": [i % 20 for i in range(400)], "y": [i % 20 for i in range(400)]}
    )
    train.to_csv(tmp_path / "train.csv", index=False)
    train.head(10)[["id", "x"]].to_csv(tmp_path / "test.csv", index=False)
    whole = render(BOOSTING, facts(400), seed=0, seconds=60)
    part = render(BOOSTING | {"part": 0.25}, facts(400), seed=0, seconds=60)
    assert "sample(" not in whole
    status, output = run(f"{part}\nassert n == 100, n", tmp_path)
    assert status == 0, output
    said = pd.read_csv(tmp_path / "submission.csv")
    assert said["id"].tolist() == list(range(10)) and said["y"].corr(train["y"].head(10)) > 0.9


class Menu:
    """What a run's planner is offered while a clock that the test holds goes down."""

    def __init__(self, folder: Path, limit: float = 60.0) -> None:
        self.left = 1000.0
        self.artifacts = Artifacts(folder / "artifacts")
        self.history = RunHistory(
            folder=folder / "history", shared=None, artifacts=self.artifacts, cases=CASES, mode="run", task="t", data="schema", run="r",
            ast_key=str.strip, signature=str, seconds=limit, spare=True, left=lambda: self.left,
        )  # fmt: skip

    def offered(self, head: str = "") -> dict[str, dict[str, Any]]:
        task = {"name": "t", "direction": "min", "briefing": self.artifacts.put_json(facts(400))}
        state = RunState(task=task, head=head)
        found = [
            (one["id"], self.artifacts.json(one["id"]))
            for one in self.history.recall("planner", ["cases"], state)
        ]
        return {item["name"]: item | {"id": name} for name, item in found}

    def ran(self, case: str, parent: str = "", fault: str = "") -> str:
        plan = {"action": "apply", "case": self.offered(parent)[case]["id"]}
        script = self.artifacts.put(f"script of {case}")
        attempt = {
            "parent": parent,
            "plan": plan,
            "script": script,
            "ast": case,
            "status": "crash",
            "score": None,
            "fault": fault,
        }
        return self.artifacts.put_json(attempt)


def test_the_time_that_is_left_is_part_of_what_is_recalled(tmp_path: Path) -> None:
    menu = Menu(tmp_path)
    assert "seconds" not in menu.offered()["table_search"]
    menu.left = 31.0
    assert menu.offered()["table_search"]["seconds"] == 30.0
    script = render(menu.offered()["table_search"], facts(400), seed=0, seconds=60)
    assert script == render(ITEMS["table_search"], facts(400), seed=0, seconds=30)


def test_what_was_tried_is_not_offered_again_when_the_time_gets_less(tmp_path: Path) -> None:
    menu = Menu(tmp_path)
    head = menu.ran("table_boosting")
    menu.left = 31.0
    assert "table_boosting" not in menu.offered(head) and "table_blend" in menu.offered(head)
    head = menu.ran("table_blend", head, "time")
    menu.left = 16.0
    again = menu.offered(head)
    assert "table_boosting" not in again and again["table_blend"]["part"] == 0.25
    head = menu.ran("table_blend", head)
    assert "table_blend" not in menu.offered(head)
