"""Every case for data that is no table is rendered and run on a small task of its kind, and beats the starter."""

import shutil
from pathlib import Path

import pytest
from array_tasks import (
    bare_graph,
    brief,
    graph,
    images,
    language,
    matrix,
    node_pointers,
    pointers,
    segmentation,
    series,
    signals,
    sparse,
    tagging,
)  # fmt: skip
from forked import run

from budgetmlagent.inside.judge.witness import unlike
from memory.cases import as_item, load_cases, menu
from nodes.craft.render import render

CASES = load_cases(Path(__file__).parents[1] / "memory/cases")
TASKS = {
    "image_": images, "matrix_": matrix, "sparse_": sparse, "segmentation_": segmentation, "signal_": signals,
    "graph_": graph, "graph_bare": bare_graph, "pointers_": pointers, "pointers_r": node_pointers,
    "language_": language, "tagging_": tagging, "series_": series,
}  # fmt: skip


LONG = ("graph_bare", "pointers_r", "pointers_", "sparse_", "tagging_", "matrix_")  # much as others are


@pytest.mark.parametrize(
    "prefix", [pytest.param(name, marks=pytest.mark.soak) if name in LONG else name for name in TASKS]
)
def test_cases_beat_a_plain_starter(prefix: str, tmp_path: Path) -> None:
    made = TASKS[prefix](tmp_path / "env")
    briefing = brief(made)
    offered = [case for case in menu(CASES, briefing["kinds"]) if case.template]
    kind = prefix.partition("_")[0]
    as_well = {"table"} if kind == "series" else set()  # a series is a table, too
    assert {case.name.partition("_")[0] for case in offered} - as_well == {kind}, "made for another kind"
    fitting = [case for case in offered if case.name.startswith(prefix)]
    assert fitting, briefing["kinds"]
    folders = []
    for case in fitting:
        folder = tmp_path / case.name
        shutil.copytree(made.env, folder)
        for old in folder.glob("*submission*"):
            old.unlink()
        status, output = run(render(as_item(case), briefing, seed=0, seconds=60), folder)
        assert status == 0 and "validation " in output, f"{folder.name}: {output[-1500:]}"
        folders.append(folder)
    starter = made.score(made.env)
    for folder in folders:
        for shown in made.env.glob("*submission.*"):
            alike = {"known": {}, "scored": False, "fractions": False}
            assert unlike(folder / shown.name, shown, **alike) == "", folder.name
        better = made.score(folder) > starter if made.direction == "max" else made.score(folder) < starter
        assert better, f"{folder.name}: {made.score(folder)} is no better than the starter's {starter}"


def test_all_cases_of_these_kinds_are_run_here() -> None:
    prefixes = {prefix.split("_")[0] for prefix in TASKS}
    own = {case.name for case in CASES if case.name.split("_")[0] in prefixes}
    kinds = {
        "image",
        "matrix",
        "sparse",
        "segmentation",
        "signal",
        "graph",
        "pointers",
        "language_model",
        "tagging",
        "series",
    }
    assert own == {case.name for case in CASES if kinds & set(case.kinds)}


def test_a_submission_keeps_the_form_of_the_starters(tmp_path: Path) -> None:
    made = images(tmp_path / "env")
    assert brief(made)["arrays"]["write"] == (
        'pd.DataFrame({"what": prediction}).to_csv("submission.csv", index=False)'
    )
