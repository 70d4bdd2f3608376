"""The noise of a score: the same metric on resampled rows, paired from submission to submission."""

import argparse
import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .tables import Table, plain, read, write

RESAMPLES = 60
SECONDS = 5.0  # for all resamples; a metric that is too slow for that has fewer
PATIENCE = 20.0  # seconds for the fewest that say anything, so that no load of the machine takes a noise away
FEWEST = 20  # as of memory.noise, which cannot be imported in here
# What a metric raises on rows that it cannot score: one label only, an undefined ratio. Anything else ends the sampling.
UNSCORED = (ValueError, ArithmeticError, LookupError, TypeError, AssertionError, RuntimeError)
Score = Callable[[Path], float]  # of a folder with eval.py and answers


class Resampling:
    """The bootstrap of a score: rows are drawn with replacement, those of an id together, and get new ids.

    What is drawn depends on the number of ids alone, so that sample i of every submission is of the same rows.
    """

    def __init__(
        self, args: argparse.Namespace, score: Score, seconds: float = SECONDS, patience: float = SECONDS
    ) -> None:
        self.scoring, self.score, self.seconds, self.patience = args.scoring, score, seconds, patience
        self.submission, self.answers_name = args.folder / args.csv, args.answers.name
        self.answers, self.said = read(args.answers), read(self.submission)
        self.key = next(iter(self.answers))
        self.rows: dict[str, list[int]] = {}  # of the answers, by id
        for row, cell in enumerate(self.answers[self.key]):
            self.rows.setdefault(plain(cell), []).append(row)
        self.place = {plain(cell): row for row, cell in enumerate(self.said.get(self.key, []))}

    def scores(self, value: float) -> list[float | None]:
        """Return the score of each resample; nothing where `value` hangs on more than the rows."""
        if self.rows.keys() != self.place.keys():
            return []
        ids, draw = list(self.rows), random.Random(len(self.rows))
        with tempfile.TemporaryDirectory() as name:
            scoring = self._beside(Path(name))
            shuffled = self._score(scoring, draw.sample(ids, len(ids)))
            # A metric that looks at ids, their order or another file gives something else for the same rows.
            if shuffled is None or not math.isclose(shuffled, value, rel_tol=1e-6, abs_tol=1e-12):
                return []
            samples, began = list[float | None](), time.monotonic()
            while self._goes_on(len(samples), time.monotonic() - began):
                samples.append(self._score(scoring, draw.choices(ids, k=len(ids))))
        return samples

    def _goes_on(self, done: int, seconds: float) -> bool:
        until = self.seconds if done >= FEWEST else max(self.seconds, self.patience)
        return done < RESAMPLES and seconds < until

    def _beside(self, folder: Path) -> Path:
        """Lay out the metric script where other answers can stand beside it."""
        for path in self.scoring.iterdir():
            if path.name == "eval.py":
                (folder / path.name).write_bytes(path.read_bytes())
            elif path.name != self.answers_name:
                (folder / path.name).symlink_to(path)
        return folder

    def _score(self, scoring: Path, ids: Sequence[str]) -> float | None:
        rows = [self.rows[i] for i in ids]
        write(scoring / self.answers_name, drawn(self.answers, self.key, rows))
        write(self.submission, drawn(self.said, self.key, [[self.place[i]] for i in ids]))
        try:
            value = self.score(scoring)
        except UNSCORED:
            return None
        return value if math.isfinite(value) else None


def drawn(table: Table, key: str, rows: Sequence[Sequence[int]]) -> Table:
    """Return the rows, a group of them for each id; the ids are counted anew."""
    taken = {name: [cells[i] for group in rows for i in group] for name, cells in table.items()}
    return taken | {key: [str(number) for number, group in enumerate(rows) for _ in group]}
