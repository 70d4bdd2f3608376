"""The briefing of data that is no table: parts, forms, submissions, graphs, sequences, and scripts that are timed."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from budgetmlagent.inside.briefing import (
    arrays,
    code,
    forms,
    graphs,
    sequences,
)
from budgetmlagent.inside.briefing.files import Files, walk
from budgetmlagent.inside.briefing.given import Given


def look(
    module: Any, env: Path, submission: Path, text: str = "metric: accuracy", **meta: Any
) -> dict[str, Any]:
    """What one module says of the task in `env`."""
    given = Given.of(env, submission, {"text": text, **meta})
    metric = {"name": meta.get("metric", "accuracy"), "direction": "max"}
    found: dict[str, Any] = module.describe(dataclasses.replace(given, metric=metric))
    return found


def folders(tmp_path: Path) -> tuple[Path, Path]:
    env, submission = tmp_path / "env", tmp_path / "out"
    env.mkdir(), submission.mkdir()
    return env, submission


def loaded(found: dict[str, Any], env: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the briefing's own code makes."""
    monkeypatch.chdir(env)
    names: dict[str, Any] = {"np": np, "pd": pd, "json": json, "Path": Path}
    exec(found["load"], names)
    exec(found.get("decide", ""), names)
    return names


@pytest.mark.parametrize(
    ("train", "test", "labels"),
    [
        ("X_train", "X_test", "y_train"),
        ("Xtr", "Xte", "ytr"),
        ("train_images", "test_images", "train_labels"),
        ("x_tr", "x_te", "t_tr"),
    ],
)
def test_parts_are_told_by_their_names(
    train: str, test: str, labels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, out = folders(tmp_path)
    X = np.random.RandomState(0).rand(50, 7)
    np.savez(
        env / "data.npz", **{train: X[:30], test: X[30:], labels: np.arange(30) % 3, "ids": np.arange(30)}
    )
    np.save(out / "submission.npy", np.zeros(20, np.int64))
    found = look(arrays, env, out)
    assert found["kinds"] == ["arrays", "matrix", "classification"]
    names = loaded(found["arrays"], env, monkeypatch)
    assert (
        names["X"].shape == (30, 7)
        and names["X_test"].shape == (20, 7)
        and names["y"].tolist() == [0, 1, 2] * 10
    )


def test_validation_arrays_join_the_training_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, out = folders(tmp_path)
    X, y = np.random.RandomState(0).rand(60, 5), np.arange(60) % 2
    for name, rows in (("train", slice(0, 30)), ("val", slice(30, 45))):
        np.savez(env / f"{name}.npz", X=X[rows], y=y[rows])
    np.savez(env / "test.npz", X=X[45:])
    pd.DataFrame({"id": range(15), "label": 0}).to_csv(out / "submission.csv", index=False)
    found = look(arrays, env, out)["arrays"]
    names = loaded(found, env, monkeypatch)
    assert found["valid"] and len(names["y"]) == 45 and names["valid"].tolist() == list(range(30, 45))


def test_labels_may_stand_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, out = folders(tmp_path)
    X = np.random.RandomState(0).rand(40, 12, 12).astype(np.float32)
    np.save(env / "images_train.npy", X[:25])
    np.save(env / "images_test.npy", X[25:])
    pd.DataFrame({"id": range(25), "label": ["cat", "dog", "cow", "ant", "bee"] * 5}).to_csv(
        env / "labels_train.csv", index=False
    )
    pd.DataFrame({"id": range(15), "label": "cat"}).to_csv(out / "submission.csv", index=False)
    found = look(arrays, env, out)
    assert found["kinds"] == ["arrays", "image", "classification"]
    assert loaded(found["arrays"], env, monkeypatch)["y"][0] == "cat"


@pytest.mark.parametrize(
    ("shape", "dtype", "text", "form"),
    [
        ((9, 28, 28), "uint8", "", "image"),
        ((9, 3, 16, 20), "float32", "", "image"),
        ((9, 16, 20, 3), "uint8", "", "image"),
        ((9, 128, 6), "float32", "", "signal"),
        ((9, 2, 500), "float32", "", "signal"),
        ((9, 20, 20), "float32", "sensor signals of 20 steps", "image"),
        ((9, 13), "float64", "", "matrix"),
        ((9, 4, 5, 6, 7), "float32", "", "matrix"),
    ],
)
def test_forms(shape: tuple[int, ...], dtype: str, text: str, form: str) -> None:
    X = (np.random.RandomState(0).rand(*shape) * 255).astype(dtype)
    described = forms.form(X, text)
    assert described["form"] == form
    if form == "image":
        assert described["channels"] in (1, 3)


def test_flat_pictures_are_seen_and_smooth_rows_are_signals() -> None:
    rows, columns = np.indices((14, 14))
    waves = [np.sin(rows / 3 + k) + np.cos(columns / 4 - k) for k in range(30)]
    pictures = (100 * np.stack(waves).reshape(30, -1) + 128).astype(np.uint8)
    assert forms.form(pictures, "")["form"] == "image"
    walks = np.cumsum(np.random.RandomState(0).randn(30, 196), axis=1)
    assert forms.form(walks, "")["form"] == "signal"
    assert forms.form(np.random.RandomState(0).rand(30, 196), "")["form"] == "matrix"


def test_what_is_predicted_follows_the_submission(tmp_path: Path) -> None:
    env, out = folders(tmp_path)
    X, y = np.random.RandomState(0).rand(50, 4), np.arange(30) % 2
    np.savez(env / "d.npz", X_train=X[:30], y_train=y, X_test=X[30:])
    for values, predicts in (
        (np.zeros(20, int), "class"),
        (np.full(20, 0.3), "probability"),
        (np.full((20, 2), 0.5), "probabilities"),
    ):
        np.save(out / "submission.npy", values)
        assert look(arrays, env, out)["arrays"]["predicts"] == predicts


def test_nothing_is_said_where_nothing_fits(tmp_path: Path) -> None:
    env, out = folders(tmp_path)
    np.savez(env / "d.npz", a=np.arange(7), b=np.array(["x", None], dtype=object))
    (env / "broken.npy").write_bytes(b"\x93NUMPY nonsense")
    np.save(out / "submission.npy", np.zeros(20))
    for module in (arrays, graphs, sequences, code):
        assert look(module, env, out) == {}


def test_parts_of_a_sparse_matrix_are_joined(tmp_path: Path) -> None:
    import scipy.sparse as sp

    m = sp.random(12, 12, 0.3, format="csr", random_state=0)
    np.savez(
        tmp_path / "g.npz",
        adj_data=m.data,
        adj_indices=m.indices,
        adj_indptr=m.indptr,
        adj_shape=m.shape,
        labels=np.arange(12),
    )
    found = {a.name: a for a in Files(walk(tmp_path)).arrays}
    assert set(found) == {"adj", "labels"} and (found["adj"].value != m).nnz == 0


def test_the_submission_itself_is_no_input(tmp_path: Path) -> None:
    np.save(tmp_path / "submission.npy", np.zeros(3))
    paths = walk(tmp_path)
    assert Files(paths, leave="submission.npy").arrays == [] and len(Files(paths).arrays) == 1


@pytest.mark.parametrize(
    ("name", "options", "starter"),
    [
        ("labels_train.csv.gz", {}, ""),
        ("labels_train.csv", {"sep": ";"}, ""),
        ("labels_train.tsv", {"sep": "\t"}, ""),
        ("labels_train.csv", {"sep": "#"}, "y = pd.read_csv('labels_train.csv', sep='#')"),
    ],
)
def test_labels_in_tables_of_any_form(
    name: str, options: dict[str, str], starter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, out = folders(tmp_path)
    X = np.random.RandomState(0).rand(40, 5)
    np.savez(env / "inputs.npz", train=X[:25], test=X[25:])
    labels = ["cat", "dog, old", "cow", "ant", "bee"] * 5
    pd.DataFrame({"id": range(25), "label": labels}).to_csv(env / name, index=False, **options)
    pd.DataFrame({"id": range(15), "label": "cat"}).to_csv(out / "submission.csv", index=False)
    found = look(arrays, env, out, starter=starter)
    assert found["kinds"] == ["arrays", "matrix", "classification"]
    assert loaded(found["arrays"], env, monkeypatch)["y"][:2].tolist() == ["cat", "dog, old"]


def test_damaged_files_are_left_out_and_the_others_read(tmp_path: Path) -> None:
    pd.DataFrame({"a": range(900)}).to_csv(tmp_path / "good.csv", index=False)
    pd.DataFrame({"a": range(900)}).to_csv(tmp_path / "cut.csv.gz", index=False)
    np.savez(tmp_path / "cut.npz", a=np.arange(900))
    for name in ("cut.csv.gz", "cut.npz"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-300])
    (tmp_path / "no.csv.gz").write_bytes(b"a,b")
    files = Files(walk(tmp_path))
    assert list(files.tables) == ["good.csv"] and files.arrays == []


def test_each_file_is_read_once(tmp_path: Path) -> None:
    pd.DataFrame({"a": range(9)}).to_csv(tmp_path / "a.csv", index=False)
    np.save(tmp_path / "b.npy", np.arange(9))
    (tmp_path / "c.json").write_text("[1]")
    (tmp_path / "d.txt").write_text("d")
    files = Files(walk(tmp_path))
    before = (files.tables, files.columns, files.arrays, files.values, files.texts)
    for path in tmp_path.iterdir():
        path.unlink()
    after = (files.tables, files.columns, files.arrays, files.values, files.texts)
    assert all(old is new for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("form", ["masks", "indices", "hidden", "table"])
def test_graphs(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.sparse as sp

    env, out = folders(tmp_path)
    random = np.random.RandomState(0)
    edges, y, train, test = (
        random.randint(0, 40, (120, 2)),
        np.arange(40) % 4,
        np.arange(0, 20),
        np.arange(25, 40),
    )
    hidden = np.where(np.arange(40) < 20, y, -1)
    if form == "masks":
        flags = {"train_mask": np.isin(np.arange(40), train), "test_mask": np.isin(np.arange(40), test)}
        np.savez(env / "g.npz", edge_index=edges.T, x=random.rand(40, 6), y=y, **flags)
    elif form == "indices":
        np.savez(env / "g.npz", edges=edges, labels=hidden, train_idx=train, test_idx=test)
        sp.save_npz(env / "features.npz", sp.csr_matrix(random.rand(40, 6)))
    elif form == "hidden":
        np.savez(env / "g.npz", links=edges, label=hidden, test_idx=test)
    else:
        pd.DataFrame(edges, columns=["source", "target"]).to_csv(env / "edges.csv", index=False)
        np.save(env / "features.npy", random.rand(40, 6))
        pd.DataFrame({"node": train, "label": y[train]}).to_csv(env / "train.csv", index=False)
        pd.DataFrame({"node": test}).to_csv(env / "test.csv", index=False)
    pd.DataFrame({"node": test, "label": 0}).to_csv(out / "submission.csv", index=False)
    found = look(graphs, env, out)
    assert found["kinds"] == [
        "graph",
        "graph_bare" if form == "hidden" else "graph_features",
        "classification",
    ]
    monkeypatch.chdir(env)
    names: dict[str, Any] = {"np": np, "pd": pd, "sp": sp}
    exec(found["graph"]["load"], names)
    assert names["known"].tolist() == train.tolist() and names["test"].tolist() == test.tolist()
    assert names["y"].tolist() == y[train].tolist() and names["adjacency"].shape == (40, 40)
    assert abs(names["adjacency"] - names["adjacency"].T).sum() == 0 == names["adjacency"].diagonal().sum()


def test_pointers_are_grouped_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, out = folders(tmp_path)
    random = np.random.RandomState(0)
    made = {f"A{n}": random.rand(5, n, n) for n in (3, 4)} | {
        f"P{n}": random.randint(0, n, (5, n, n)) for n in (3, 4)
    }
    np.savez(env / "train.npz", **made)
    np.savez(env / "test.npz", A=random.rand(2, 6, 6))
    np.savez(out / "submission.npz", P=random.randint(0, 6, (2, 6, 6)).astype(np.int16))
    found = look(graphs, env, out)
    assert found["kinds"] == ["pointers", "pointer_pairs", "pointing"]
    names = loaded(found["pointers"], env, monkeypatch)
    assert (
        len(names["instances"]) == 10
        and names["instances"][9][1].shape == (4, 4)
        and len(names["tests"]) == 2
    )


def test_a_language_model_of_words_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, out = folders(tmp_path)
    words = ["red", "green", "blue", "<other>"]
    (env / "corpus.txt").write_text("red green blue " * 1000)
    (env / "vocab.json").write_text(json.dumps(words))
    (env / "prompts.json").write_text(json.dumps(["red green red"] * 5))
    np.save(out / "submission.npy", np.full((5, 4), 0.25, np.float32))
    found = look(sequences, env, out)
    assert found["kinds"] == ["language_model", "language_words"]
    names = loaded(found["language"], env, monkeypatch)
    assert names["stream"][:3].tolist() == [0, 1, 2] and names["contexts"][0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("form", ["json", "lines", "column", "arrays"])
def test_tagging(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env, out = folders(tmp_path)
    tokens = [
        [f"w{(3 * i + j) % 11}" for j in range(4 if form == "arrays" else 3 + i % 3)] for i in range(12)
    ]
    tags = [["AB"[len(t) % 2] for t in s] for s in tokens]
    some, rest = tokens[:8], tokens[8:]
    if form == "json":
        rows = [{"tokens": s, "labels": t} for s, t in zip(some, tags, strict=False)]
        (env / "all.json").write_text(json.dumps({"train": rows, "test": [{"tokens": s} for s in rest]}))
        (out / "submission.json").write_text(json.dumps([["A"] * len(s) for s in rest]))
    elif form == "lines":
        (env / "train.txt").write_text(
            "\n\n".join(
                "\n".join(f"{a} {b}" for a, b in zip(*st, strict=True))
                for st in zip(some, tags, strict=False)
            )
        )
        (env / "test.txt").write_text("\n\n".join("\n".join(s) for s in rest) + "\n")
        pd.DataFrame({"id": range(sum(map(len, rest))), "tag": "A"}).to_csv(
            out / "submission.csv", index=False
        )
    elif form == "column":
        data = pd.DataFrame({"id": range(12), "text": map(" ".join, tokens), "tags": map(" ".join, tags)})
        data[:8].to_csv(env / "train.csv", index=False)
        data[8:].drop(columns="tags").to_csv(env / "test.csv", index=False)
        data[8:].drop(columns="text").to_csv(out / "submission.csv", index=False)
    else:
        ids = np.array([[int(t[1:]) for t in s] for s in tokens])
        np.savez(env / "d.npz", X_train=ids[:8], y_train=ids[:8] % 3, X_test=ids[8:])
        np.save(out / "submission.npy", np.zeros((4, 4), int))
    found = look(sequences, env, out)
    assert found["kinds"] == ["tagging"]
    names = loaded(found["tagging"], env, monkeypatch)
    assert [len(s) for s in names["test_tokens"]] == [len(s) for s in rest] and len(names["tokens"]) == 8
    monkeypatch.chdir(out)
    names["answers"] = [[1 if form == "arrays" else "B"] * len(s) for s in rest]
    before = (next(out.iterdir()).name, len(next(out.iterdir()).read_bytes()))
    exec(found["tagging"]["write"], names)
    assert next(out.iterdir()).name == before[0]


def test_only_what_comes_after_is_a_series(tmp_path: Path) -> None:
    env, out = folders(tmp_path)
    data = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=60).astype(str), "y": np.arange(60.0)})
    data[:50].to_csv(env / "train.csv", index=False)
    data[50:].drop(columns="y").to_csv(env / "test.csv", index=False)
    data[50:].to_csv(out / "submission.csv", index=False)
    found = look(sequences, env, out, metric="rmse")
    assert (
        found["kinds"] == ["series"]
        and found["series"]["horizon"] == 10
        and found["series"]["metric"] == "rmse"
    )
    mixed = data.sample(frac=1, random_state=0)
    mixed[:50].to_csv(env / "train.csv", index=False)
    mixed[50:].drop(columns="y").to_csv(env / "test.csv", index=False)
    mixed[50:].to_csv(out / "submission.csv", index=False)
    assert look(sequences, env, out, metric="rmse") == {}


def test_a_timed_script_is_known_by_its_task_and_its_loops_are_named(tmp_path: Path) -> None:
    env, out = folders(tmp_path)
    starter = (
        "def f(é):\n    return [a * b for a in é for b in é]\n\ndef g(x):\n    while x:\n        x -= 1\n"
    )
    found = look(code, env, out, text="Make run() faster; metric: seconds", metric="seconds", starter=starter)
    assert found["kinds"] == ["speed"] and found["summary"].endswith("loops: f (2 deep), g (1 deep)")
    assert look(code, env, out, text="Label each image", starter=starter) == {}
