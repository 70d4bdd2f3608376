"""Small tasks in pairs and threes: the same kind of data under other columns, for measuring what one task's runs teach the next.

    python tests/benchmarks/siblings.py FOLDER

Every table is drawn from a seed, so that a folder made anew is the same one.
"""

import csv
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS, HELD = 260, 120  # of train and of test
Row = list[object]

STARTER = """\
import pandas as pd
from sklearn.dummy import {model}

train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
model = {model}().fit(train[["id"]], train["{target}"])
pd.DataFrame({{"id": test["id"], "{target}": model.predict(test[["id"]])}}).to_csv("submission.csv", index=False)
"""
EVAL = """\
import os
import pandas as pd
HIGHER = {higher}
def get_score(folder):
    truth = pd.read_csv(os.path.join(os.path.dirname(__file__), "answers.csv")).set_index("id")["{target}"]
    said = pd.read_csv(os.path.join(folder, "submission.csv")).set_index("id")["{target}"].reindex(truth.index)
    if said.isna().any():
        raise ValueError("a row is missing")
    return float({formula})
"""
FORMULAS = {
    "accuracy": "(truth == said).mean()",
    "mae": "(truth - said).abs().mean()",
    "rmse": "((truth - said) ** 2).mean() ** 0.5",
}


@dataclass(frozen=True)
class Sibling:
    """One task: how its rows are drawn, its columns by name, the target last, and what its text says."""

    name: str
    kind: str
    metric: str
    columns: Sequence[str]
    about: str
    words: Sequence[str] = ()

    @property
    def higher(self) -> bool:
        return self.metric == "accuracy"


SIBLINGS = (
    Sibling("loans", "yesno", "accuracy", ("income", "debt", "age", "years_employed", "defaulted"), "Tell which borrowers of a bank will not pay back."),
    Sibling("turbines", "yesno", "accuracy", ("vibration", "oil_heat", "load", "hours", "broke"), "Tell which wind turbines will need a repair next month."),
    Sibling("churners", "yesno", "accuracy", ("minutes", "complaints", "tenure", "bill", "left"), "Tell which customers of a phone company will leave it."),
    Sibling("flats", "amount", "mae", ("surface", "floor", "district", "heating", "rent"), "Predict the monthly rent of a flat.", ("north", "south", "harbour", "old town", "gas", "oil")),
    Sibling("used_cars", "amount", "mae", ("mileage", "horsepower", "maker", "fuel", "price"), "Predict what a used car is sold for.", ("volta", "ardent", "kestrel", "norda", "petrol", "diesel")),
    Sibling("wines", "amount", "mae", ("acidity", "sugar", "grape", "cellar", "auction_value"), "Predict the auction price of a bottle of wine.", ("pinot", "merlot", "riesling", "syrah", "oak", "steel")),
    Sibling("tickets", "words", "accuracy", ("message", "team"), "Send a support message to the right team.", ("invoice refund charge card", "crash login password error", "parcel courier late address")),
    Sibling("recipes", "words", "accuracy", ("steps", "course"), "Tell of a recipe's steps which course it is.", ("sugar bake cream vanilla", "simmer stock onion pepper", "lettuce vinegar olive toss")),
    Sibling("headlines", "words", "accuracy", ("headline", "desk"), "Sort a newspaper's headlines by desk.", ("goal match coach league", "vote minister law party", "shares profit bank market")),
    Sibling("bakery", "dated", "rmse", ("day", "loaves"), "Predict how many loaves a bakery sells on each of the next days."),
    Sibling("bicycles", "dated", "rmse", ("date", "rides"), "Predict the daily rides of a bicycle rental for the days to come."),
    Sibling("clinic", "dated", "rmse", ("when", "visits"), "Predict the daily visits of a clinic after the last known day."),
    Sibling("films", "rated", "rmse", ("viewer", "film", "stars"), "Predict how many stars a viewer gives to a film."),
    Sibling("songs", "rated", "rmse", ("listener", "song", "score"), "Predict the score that a listener gives to a song."),
    Sibling("crops", "several", "accuracy", ("nitrogen", "rain", "acid", "sun", "crop"), "Choose the crop that grows best on a field.", ("wheat", "rice", "maize", "beans")),
    Sibling("rocks", "several", "accuracy", ("density", "quartz", "iron", "grain", "rock"), "Name the rock of a drilled sample.", ("granite", "basalt", "gneiss", "shale")),
)  # fmt: skip


def _yesno(draw: random.Random, _: Sibling, __: int) -> Row:
    a, b, c, d = (round(draw.gauss(0, 1), 3) for _ in range(4))
    return [a, b, c, d, int(a * b + 0.8 * c - d * d + draw.gauss(0, 0.3) > -0.8)]


def _several(draw: random.Random, task: Sibling, _: int) -> Row:
    a, b, c, d = (round(draw.gauss(0, 1), 3) for _ in range(4))
    return [a, b, c, d, task.words[2 * int(a * b > 0) + int(c + d > 0.2)]]


def _amount(draw: random.Random, task: Sibling, _: int) -> Row:
    size, other = round(draw.uniform(10, 200), 1), round(draw.uniform(0, 30), 1)
    place, way = draw.choice(task.words[:4]), draw.choice(task.words[4:])
    level = 1 + 0.5 * task.words.index(place) + (0.4 if way == task.words[4] else 0)
    return [size, other, place, way, round(size * level * (1.2 - other / 60) + abs(draw.gauss(0, 9)) + 5, 1)]


def _words(draw: random.Random, task: Sibling, _: int) -> Row:
    label = draw.randrange(3)
    common = ["please", "the", "and", "with", "some", "today", "about", "we", "it", "have", "new", "more"]
    said = [
        *draw.choices(task.words[label].split(), k=2),
        *draw.choices(" ".join(task.words).split(), k=1),
        *draw.choices(common, k=9),
    ]
    draw.shuffle(said)
    return [" ".join(said), task.words[label].split()[0]]


def _dated(draw: random.Random, _: Sibling, place: int) -> Row:
    month, day = divmod(place, 28)
    date = f"{2021 + month // 12}-{month % 12 + 1:02}-{day + 1:02}"
    return [date, round(80 + 0.1 * place + 25 * (place % 7 in (4, 5)) + draw.gauss(0, 4), 1)]


def _rated(draw: random.Random, _: Sibling, place: int) -> Row:
    who, what = draw.randrange(30), draw.randrange(25)
    liking = 3 + ((who * 7) % 5 - 2) * 0.5 + ((what * 11) % 5 - 2) * 0.5 + 0.4 * ((who % 3) == (what % 3))
    return [f"u{who}", f"i{what}", max(1, min(5, round(liking + draw.gauss(0, 0.4))))]


DRAWN: dict[str, Callable[[random.Random, Sibling, int], Row]] = {
    "yesno": _yesno,
    "several": _several,
    "amount": _amount,
    "words": _words,
    "dated": _dated,
    "rated": _rated,
}


def write(task: Sibling, folder: Path) -> Path:
    """Write the task's folder below `folder` and return it."""
    place, draw = folder / task.name, random.Random(task.name)
    target = task.columns[-1]
    rows = [DRAWN[task.kind](draw, task, i) for i in range(ROWS + HELD)]
    numbered = [[i, *row] for i, row in enumerate(rows)]
    header = ["id", *task.columns]
    _table(place / "env" / "train.csv", header, numbered[:ROWS])
    _table(place / "env" / "test.csv", header[:-1], [row[:-1] for row in numbered[ROWS:]])
    _table(place / "scoring" / "answers.csv", ["id", target], [[row[0], row[-1]] for row in numbered[ROWS:]])
    model = "DummyClassifier" if task.higher else "DummyRegressor"
    (place / "env" / "train.py").write_text(STARTER.format(model=model, target=target))
    formula = FORMULAS[task.metric]
    (place / "scoring" / "eval.py").write_text(
        EVAL.format(higher=task.higher, target=target, formula=formula)
    )
    direction = "max" if task.higher else "min"
    (place / "task.yaml").write_text(
        f"name: {task.name}\ntext: {task.about} Write submission.csv with the columns id,{target}.\n"
        f"metric: {{name: {task.metric}, direction: {direction}}}\nlimits: {{seconds: 60, memory_gb: 2}}\n"
    )
    return place


def _table(path: Path, header: Sequence[str], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    for one in SIBLINGS:
        print(write(one, Path(sys.argv[1])))
