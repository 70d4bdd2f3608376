"""Small tasks from data that every machine with scikit-learn has: what the tests of the briefing and the cases share."""

import ast
import importlib
import inspect
import io
import json
import keyword
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from forked import run
from pydantic import ConfigDict, TypeAdapter

from memory.briefing import Briefing

SCHEMA = TypeAdapter(list[Briefing], config=ConfigDict(extra="forbid", strict=True))  # a list hands it down
BRIEFING = importlib.import_module("budgetmlagent.inside.briefing.__main__")


@dataclass
class Made:
    """A task's folder after its starter has run, what it says in words, and how a folder's submission is scored."""

    env: Path
    text: str
    direction: str
    score: Callable[[Path], float]


def make(
    folder: Path,
    files: dict[str, Any],
    starter: str,
    text: str,
    score: Callable[[Path], float],
    direction: str = "max",
) -> Made:
    """Write the files and the starter, and run it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        path = folder / name
        if isinstance(value, np.ndarray):
            np.save(path, value)
        elif isinstance(value, pd.DataFrame):
            value.to_csv(path, index=False)
        elif name.endswith(".npz"):
            np.savez_compressed(path, **value)
        else:
            path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    status, output = run("import json\nimport numpy as np\nimport pandas as pd\n" + starter, folder)
    assert status == 0, output
    (folder / "output").unlink()
    return Made(folder, text, direction, score)


def brief(made: Made) -> dict[str, Any]:
    """The briefing of a task's folder."""
    starter = (made.env / "train.py").read_text(encoding="utf-8")
    meta = {"text": made.text, "direction": made.direction, "starter": starter, "metric": ""}
    return briefed(made.env, made.env, meta)


def briefed(env: Path, submission: Path, meta: dict[str, str]) -> dict[str, Any]:
    """The briefing as JSON tells it, made in this process (alone, as in a run: `test_as_a_program`)."""
    return checked(json.loads(json.dumps(BRIEFING.plain(BRIEFING.brief(env, submission, meta)))))


def checked(briefing: Any) -> dict[str, Any]:
    """The briefing, if it has the keys and types that memory/briefing.py names, and no others."""
    return SCHEMA.validate_python([briefing])[0]


def digits() -> tuple[Any, Any]:
    """400 pictures of digits, shuffled, and what they show."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.RandomState(0).permutation(len(data.target))[:400]
    return data.images[order].astype(np.uint8), data.target[order]


def images(folder: Path) -> Made:
    """Pictures with the words for them, told by how bright they are."""
    X, y = digits()
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[y]
    files = {"pics_train.npy": X[:250], "labels_train.npy": names[:250], "pics_test.npy": X[250:]}
    starter = "y = np.load('labels_train.npy')\nX = np.load('pics_train.npy').mean((1, 2))\nT = np.load('pics_test.npy').mean((1, 2))\npd.DataFrame({'what': y[np.abs(T[:, None] - X).argmin(1)]}).to_csv('submission.csv', index=False)\n"
    score = lambda d: float((pd.read_csv(d / "submission.csv").what == names[250:]).mean())  # noqa: E731
    return make(folder, files, starter, "Name the digit in each image; metric: accuracy", score)


def matrix(folder: Path) -> Made:
    """Rows of one array, told apart by indices; the probability of one of two classes."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    files = {
        "set.npz": {
            "features": data.data,
            "label": data.target,
            "train_idx": np.arange(0, 569, 2),
            "test_idx": np.arange(1, 569, 2),
        }
    }
    starter = "d = np.load('set.npz')\nv = d['features'][d['test_idx'], 1]\npd.DataFrame({'row': d['test_idx'], 'p': 1 - v / v.max()}).to_csv('submission.csv', index=False)\n"

    def score(d: Path) -> float:
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(data.target[1::2], pd.read_csv(d / "submission.csv").p))

    return make(folder, files, starter, "Predict the probability of label 1; metric: ROC AUC", score)


def sparse(folder: Path) -> Made:
    """A sparse matrix of letters' counts in the names of functions, regressed on how long these are."""
    import scipy.sparse as sp

    X, y = digits()
    folder.mkdir(parents=True, exist_ok=True)
    flat = sp.csr_matrix(np.where(X > 8, X, 0).reshape(400, -1).astype(float))
    sp.save_npz(folder / "X_train.npz", flat[:250])
    sp.save_npz(folder / "X_test.npz", flat[250:])
    score = lambda d: float((np.load(d / "submission.npy") == y[250:]).mean())  # noqa: E731
    return make(
        folder,
        {"y_train.npy": y[:250]},
        "np.save('submission.npy', np.full(150, 3))\n",
        "Classify; metric: accuracy",
        score,
    )


def segmentation(folder: Path) -> Made:
    """Strokes of digits on a slope of brightness, to be marked with 255."""
    X, _ = digits()
    random = np.random.RandomState(1)
    images, masks = np.zeros((16, 32, 32, 3)), np.zeros((16, 32, 32, 1), np.uint8)
    for k in range(16):
        images[k] = np.linspace(0, 100, 32)[:, None] + random.randn(32, 32, 3) * 8 + 30
        for _ in range(6):
            i, j, digit = *random.randint(0, 24, 2), X[random.randint(400)]
            images[k, i : i + 8, j : j + 8] += digit[..., None] * 5.0
            masks[k, i : i + 8, j : j + 8, 0] |= np.where(digit > 7, 255, 0).astype(np.uint8)
    images = images.clip(0, 255).astype(np.uint8)
    files = {"train.npz": {"x": images[:10], "y": masks[:10]}, "test.npz": {"x": images[10:]}}
    starter = "np.save('submission.npy', ((np.load('test.npz')['x'].mean(-1) > 120) * 255).astype(np.uint8)[..., None])\n"

    def score(d: Path) -> float:
        answer = np.load(d / "submission.npy")
        assert answer.dtype == np.uint8 and set(np.unique(answer)) <= {0, 255}
        return float(
            np.mean(
                [
                    2 * (a & b).sum() / (a.sum() + b.sum())
                    for a, b in zip(answer > 0, masks[10:] > 0, strict=True)
                ]
            )
        )

    return make(folder, files, starter, "Segment the strokes; metric: mean Dice", score)


def signals(folder: Path) -> Made:
    """Windows of two channels: which of three tones a burst has."""
    random = np.random.RandomState(0)
    y = random.randint(0, 3, 240)
    X = random.randn(240, 80, 2).astype(np.float32) * 0.6
    for row, tone in zip(X, y, strict=True):
        start = random.randint(0, 40)
        row[start : start + 40, 0] += np.sin(np.arange(40) * (0.4 + 0.5 * tone) + random.rand() * 6)
    files = {"windows.npz": {"X_train": X[:160], "y_train": y[:160], "X_test": X[160:]}}
    starter = "pd.DataFrame({'id': range(80), 'tone': 1}).to_csv('submission.csv', index=False)\n"
    score = lambda d: float((pd.read_csv(d / "submission.csv").tone == y[160:]).mean())  # noqa: E731
    return make(folder, files, starter, "Classify windows of sensor signals; metric: accuracy", score)


def graph(folder: Path, features: bool = True) -> Made:
    """Pictures of digits linked to those most like them, of 60 of which the class is known."""
    from sklearn.neighbors import kneighbors_graph

    X, y = digits()
    links = kneighbors_graph(X.reshape(400, -1), 5).tocoo()
    random = np.random.RandomState(0).permutation(400)
    train, test = np.isin(np.arange(400), random[:60]), np.isin(np.arange(400), random[150:])
    net = {
        "edge_index": np.stack([links.row, links.col]).astype(np.int64),
        "y": np.where(train, y, -1),
        "train_mask": train,
        "test_mask": test,
    }
    files: dict[str, Any] = {"net.npz": net} | (
        {"x.npy": X.reshape(400, -1)[:, ::5].astype(np.float32)} if features else {}
    )
    starter = "np.savez('submission.npz', labels=np.full(np.load('net.npz')['test_mask'].sum(), 3))\n"
    score = lambda d: float((np.load(d / "submission.npz")["labels"] == y[test]).mean())  # noqa: E731
    return make(folder, files, starter, "Predict the classes of nodes; metric: accuracy", score)


def bare_graph(folder: Path) -> Made:
    """The same without features."""
    return graph(folder, features=False)


def pointers(folder: Path, nodes: bool = False) -> Made:
    """The lightest neighbour but one's lightest neighbour, in graphs of several sizes; for each node, or pair."""
    random = np.random.RandomState(0)

    def instance(n: int) -> tuple[Any, Any]:
        W = random.rand(n, n).astype(np.float32)
        W = np.triu(W, 1) + np.triu(W, 1).T
        best = np.where(W > 0, W, 9).argmin(1)
        pairs = np.argmin(W[:, :, None] + W.T[None] + 9 * (W[:, :, None] == 0) + 9 * (W.T[None] == 0), axis=1)
        return W, (best if nodes else pairs).astype(np.int16)

    train = {}
    for n in (4, 6):
        made = [instance(n) for _ in range(40)]
        train |= {f"W{n}": np.stack([w for w, _ in made]), f"best{n}": np.stack([b for _, b in made])}
    tests = [instance(9) for _ in range(6)]
    files = {"train.npz": train, "test.npz": {"W": np.stack([w for w, _ in tests])}}
    starter = f"np.savez('submission.npz', best=np.load('test.npz')['W'].argmax(2){'' if nodes else '[:, None].repeat(9, 1)'}.astype(np.int16))\n"
    truth = np.stack([b for _, b in tests])
    score = lambda d: float((np.load(d / "submission.npz")["best"] == truth).mean())  # noqa: E731
    return make(folder, files, starter, "Predict pointers; metric: accuracy", score)


def node_pointers(folder: Path) -> Made:
    """The lightest neighbour of each node."""
    return pointers(folder, nodes=True)


def language(folder: Path) -> Made:
    """The next character of the documentation of the standard library."""
    text = "\n".join(inspect.getdoc(m) or "" for m in (argparse_members() + list(vars(str).values())))
    text = text.encode("ascii", "ignore").decode()[:120_000]
    alphabet, cut = sorted(set(text)), int(len(text) * 0.9)
    places = np.random.RandomState(0).randint(cut + 50, len(text) - 1, 200)
    files = {
        "corpus.txt": text[:cut],
        "eval.json": [text[i - 40 : i] for i in places],
        "vocab.json": alphabet,
    }
    starter = f"np.savez('submission.npz', p=np.full((200, {len(alphabet)}), 1 / {len(alphabet)}))\n"

    def score(d: Path) -> float:
        P = np.load(d / "submission.npz")["p"]
        assert np.allclose(P.sum(1), 1, atol=1e-3)
        return float(-np.log2(P[np.arange(200), [alphabet.index(text[i]) for i in places]]).mean())

    return make(
        folder, files, starter, "A character language model; metric: bits per character", score, "min"
    )


def argparse_members() -> list[Any]:
    """Documented objects of a few modules."""
    import argparse
    import asyncio
    import collections
    import logging
    import pathlib
    import statistics
    import subprocess

    modules = (argparse, asyncio, collections, logging, pathlib, statistics, subprocess, tokenize, ast)
    found = [
        v for m in modules for _, v in sorted(vars(m).items()) if inspect.isclass(v) or inspect.isfunction(v)
    ]
    return found + [
        f for c in found if inspect.isclass(c) for _, f in sorted(vars(c).items()) if inspect.isfunction(f)
    ]


def tagging(folder: Path) -> Made:
    """Tokens of Python's lines: keywords, called names, other names, and the rest."""
    import subprocess

    lines, line = [], []
    for token in tokenize.generate_tokens(io.StringIO(inspect.getsource(subprocess)).readline):
        if token.type == tokenize.NEWLINE:
            lines, line = [*lines, line], []
        elif token.string.strip() and token.type != tokenize.COMMENT:
            line.append((token.string[:20], tokenize.tok_name[token.type]))
    lines = [row for row in lines if len(row) > 3][:400]

    def kind(row: list[tuple[str, str]], i: int) -> str:
        if row[i][1] != "NAME":
            return row[i][1]
        called = i + 1 < len(row) and row[i + 1][0] == "("
        return "KEYWORD" if keyword.iskeyword(row[i][0]) else "CALL" if called else "NAME"

    data = [{"words": [w for w, _ in row], "tags": [kind(row, i) for i in range(len(row))]} for row in lines]
    files = {"train.json": data[:300], "test.json": [{"words": r["words"]} for r in data[300:]]}
    starter = "json.dump([['NAME'] * len(r['words']) for r in json.load(open('test.json'))], open('submission.json', 'w'))\n"

    def score(d: Path) -> float:
        answers = json.loads((d / "submission.json").read_text())
        return float(
            np.mean(
                [
                    a == b
                    for s, r in zip(answers, data[300:], strict=True)
                    for a, b in zip(s, r["tags"], strict=True)
                ]
            )
        )

    return make(folder, files, starter, "Tag the tokens of lines; metric: accuracy", score)


def series(folder: Path) -> Made:
    """Two weekly series with a trend."""
    days = pd.date_range("2023-01-01", periods=260)
    random = np.random.RandomState(0)
    parts = []
    for k, shop in enumerate("ab"):
        value = 50 + 20 * k + 0.1 * np.arange(260) + 15 * (days.day_of_week >= 5) + random.randn(260) * 2
        parts.append(pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "shop": shop, "sold": value}))
    data = pd.concat(parts).sort_values(["day", "shop"]).reset_index(drop=True)
    files = {"train.csv": data[:460], "test.csv": data[460:].drop(columns="sold")}
    starter = "t = pd.read_csv('test.csv')\nt['sold'] = pd.read_csv('train.csv').sold.mean()\nt.to_csv('submission.csv', index=False)\n"
    truth = data.sold[460:].to_numpy()
    score = lambda d: float(np.sqrt(((pd.read_csv(d / "submission.csv").sold - truth) ** 2).mean()))  # noqa: E731
    return make(folder, files, starter, "Forecast what each shop sells; metric: RMSE", score, "min")
