"""What a task is, as its data and its starter show it: where that is not known, it is said, and no case is offered."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetmlagent import testing
from memory.cases import load_cases, menu
from nodes.deps import Here
from nodes.planner import planner

ROOT = Path(__file__).parents[1]
program = importlib.import_module("budgetmlagent.inside.briefing.__main__")
metric, pointers = program.load("metric"), program.load("pointers")
CASES = load_cases(ROOT / "memory/cases")
ROWS = 240


def briefed(folder: Path, files, submission, text: str = "", wanted: str = "accuracy", starter: str = ""):
    env, out = folder / "env", folder / "out"
    for place, kept in ((env, files), (out, submission)):
        place.mkdir()
        for name, value in kept.items():
            value.to_csv(place / name, index=False) if name.endswith(".csv") else np.savez(
                place / name, **value
            )
    meta = {"text": text, "metric": wanted, "direction": "max", "starter": starter, "data": "schema"}
    return program.plain(program.brief(env, out, meta))


def tables(folder: Path, labels, submitted, wanted: str = "accuracy"):
    """The briefing of a table whose column `y` are `labels`, where the starter writes `submitted`."""
    size = np.random.default_rng(0).normal(size=ROWS + 60)
    train = pd.DataFrame({"id": range(ROWS), "size": size[:ROWS], "y": [labels(i) for i in range(ROWS)]})
    test = pd.DataFrame({"id": range(ROWS, ROWS + 60), "size": size[ROWS:]})
    said = test[["id"]].assign(y=[submitted(i) for i in range(60)])
    return briefed(folder, {"train.csv": train, "test.csv": test}, {"submission.csv": said}, wanted=wanted)


UNKNOWN = {
    "a name a row": (lambda i: f"n{i}", lambda i: "n1", "240 different values in 240 rows"),
    "two rows a name": (lambda i: f"n{i // 2}", lambda i: f"n{i % 9}", "120 different values in 240 rows"),
    "numbers of things": (lambda i: i * 7 % 239, lambda i: i, "239 different values in 240 rows"),
    "mostly empty": (lambda i: None if i % 4 else f"n{i % 3}", lambda i: "n0", "'y' is empty, or says that there is nothing, in 180"),
    "mostly none": (lambda i: "none" if i % 4 else f"n{i % 3}", lambda i: "none", "or says that there is nothing, in 180 of 240"),
    "mostly no list": (lambda i: "[]" if i % 5 else f"['n{i % 3}']", lambda i: "[]", "or says that there is nothing, in 192 of 240"),
    "codes of labels": (lambda i: "gb"[i % 2], lambda i: i % 2, "submits other labels for 'y'"),
    "words for numbers": (lambda i: i % 2, lambda i: "gb"[i % 2], "submits other labels for 'y'"),
    "words for a value": (lambda i: i * 1.37, lambda i: "cow ox", "'y' holds numbers, and what the starter submits"),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "submitted", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_no_column_of_labels_is_not_known(labels, submitted, words: str, tmp_path: Path) -> None:
    wanted = "rmse" if words.startswith("'y' holds") else "accuracy"
    briefing = tables(tmp_path, labels, submitted, wanted)
    assert briefing["kinds"] == ["csv", "unknown"] and "table" not in briefing
    assert words in briefing["summary"] and "The kind of the task is not known." in briefing["summary"]
    assert not [case.name for case in menu(CASES, briefing["kinds"]) if case.edit is None]


KNOWN = {
    "labels": (lambda i: "abc"[i % 3], lambda i: "ab"[i % 2]),
    "many labels": (lambda i: f"n{i % 40}", lambda i: f"n{i % 3}"),
    "a constant starter": (lambda i: "gb"[i % 2], lambda i: "b"),
    "none among labels": (lambda i: "none" if i % 4 else f"n{i % 3}", lambda i: "none" if i % 2 else "n1"),
    "some empty": (lambda i: None if i % 4 == 0 else "gb"[i % 2], lambda i: "b"),
    "numbers as labels": (lambda i: i % 3, lambda i: float(i % 2)),
    "truth values": (lambda i: i % 2 == 0, lambda i: i % 2),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "submitted"), KNOWN.values(), ids=KNOWN)
def test_labels_are_labels(labels, submitted, tmp_path: Path) -> None:
    assert {"table", "classification", "label"} <= set(tables(tmp_path, labels, submitted)["kinds"])


@pytest.mark.parametrize("kinds", [["csv", "unknown"], ["table"]])
def test_a_run_on_memory_alone_says_why_it_ends(kinds: list[str]) -> None:
    artifacts = testing.MemoryArtifacts()
    briefing = artifacts.put_json({"kinds": kinds})
    here = Here(node="planner", prompt="planner", ladder=("recall",), step=4, call="c")
    state = testing.state(artifacts, {"script": "1", "score": 0.5}, task={"turns": 9, "briefing": briefing})
    fault = planner(state, testing.deps(artifacts=artifacts, here=here))["fault"]
    assert ("the task is of no kind that is known" in fault["detail"]) == ("unknown" in kinds)


def grid(count: int, side: int = 16, seed: int = 0):
    """Pictures: a bright disc each, and which pixels are of it."""
    place = np.random.default_rng(seed).uniform(5, 11, (count, 2, 1, 1))
    rows, columns = np.mgrid[:side, :side]
    far = np.hypot(rows - place[:, 0], columns - place[:, 1])
    return np.exp(-far / 3), (far < 4).astype(np.uint8)


def graphs(count: int, size: int = 16, seed: int = 0):
    """Lengths of edges, and for each pair of nodes whether a way of two edges joins them."""
    lengths = np.random.default_rng(seed).uniform(0, 1, (count, size, size))
    lengths = np.where(lengths < 0.8, 0, lengths) + np.where(lengths < 0.8, 0, lengths).transpose(0, 2, 1)
    return lengths, ((lengths @ lengths) > 0).astype(np.uint8)


def distances(count: int, size: int = 16, seed: int = 0):
    """How far points on a line are from each other, in their order, and which are near."""
    points = np.sort(np.random.default_rng(seed).uniform(0, 1, (count, size)), axis=1)
    far = np.abs(points[:, :, None] - points[:, None])
    return far, (far < 0.2).astype(np.uint8)


@pytest.mark.parametrize(
    ("made", "kind", "other"),
    [
        (grid, "segmentation", "pointers"),
        (graphs, "pointers", "segmentation"),
        (distances, "pointers", "segmentation"),
    ],
)
def test_pictures_are_no_graphs(made, kind: str, other: str, tmp_path: Path) -> None:
    (X, M), (T, N) = made(40), made(20, seed=1)
    files = {"train.npz": {"inputs": X, "marks": M}, "test.npz": {"inputs": T}}
    briefing = briefed(tmp_path, files, {"submission.npz": {"marks": N}}, wanted="dice")
    assert kind in briefing["kinds"] and other not in briefing["kinds"]
    assert {case.kinds[0] for case in menu(CASES, briefing["kinds"]) if case.kinds} == {kind}


NAMES = [f"p{i:03}" for i in range(90)]
LABELS = pd.DataFrame({"id": NAMES, "y": [i % 3 for i in range(90)]})


@pytest.mark.parametrize(
    ("more", "arrays", "kinds"),
    [
        ({}, True, {"csv", "arrays", "image", "classification"}),
        ({"size": range(90)}, True, {"csv", "arrays", "image", "classification"}),
        ({"seen": [f"in/{name}.jpg" for name in NAMES]}, False, {"csv", "unknown"}),
        ({}, False, {"csv", "unknown"}),
    ],
    ids=["pictures", "pictures and a column", "names of files", "names of rows"],
)
def test_a_table_that_names_what_is_seen_is_no_table_of_features(more, arrays, kinds, tmp_path: Path) -> None:
    rows, (X, _) = LABELS.assign(**more), grid(90)
    files = {"train.csv": rows[:60], "test.csv": rows[60:].drop(columns="y")}
    files |= {"train.npz": {"seen": X[:60]}, "test.npz": {"seen": X[60:]}} if arrays else {}
    briefing = briefed(tmp_path, files, {"submission.csv": LABELS[60:]})
    assert set(briefing["kinds"]) == kinds
    assert not [case for case in menu(CASES, briefing["kinds"]) if "table" in case.kinds]


def test_a_table_of_features_beside_a_matrix_stays(tmp_path: Path) -> None:
    rows, X = (
        LABELS.assign(size=np.random.default_rng(0).normal(size=90)),
        np.random.default_rng(1).normal(size=(90, 5)),
    )
    files = {"train.csv": rows[:60], "test.csv": rows[60:].drop(columns="y")}
    files |= {"train.npz": {"more": X[:60]}, "test.npz": {"more": X[60:]}}
    assert {"table", "arrays"} <= set(briefed(tmp_path, files, {"submission.csv": LABELS[60:]})["kinds"])


FUNCTIONS = {
    "def score(df, p):\n    return (df['y'] == p).mean()": False,
    "def score(df, p):\n    return (df[['y']].to_numpy() == p).mean()": False,
    "def score(model, rows):\n    return model.score(rows[0], rows[1])": False,
    "def score(model, X):\n    return model(X).sum()": False,
    "def score(df, p):\n    return pd.merge(df, p).y.mean()": False,
    "def score(df, p):\n    return df.groupby('g').y.mean() - p": False,
    "def score(y, p):\n    return np.mean(np.abs(y - p) / (1 + y))": True,
    "def score(y, p):\n    return (y.ravel() * p.reshape(-1)).sum() / y.shape[0]": True,
    "def score(y, p):\n    return pd.DataFrame({'y': y, 'p': p}).corr().iloc[0, 1]": True,
}


@pytest.mark.parametrize(("code", "taken"), FUNCTIONS.items(), ids=range(len(FUNCTIONS)))
def test_a_function_of_tables_is_no_metric_of_labels(code: str, taken: bool) -> None:
    starter = f"import numpy as np\nimport pandas as pd\n{code}\nprint(score(a, b))\n"
    assert metric.own_function(starter).get("function") == (
        "own_score" if taken else None
    )  # scripts have a `score`, too
