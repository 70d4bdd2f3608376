"""Accuracy: the share of the test rows whose label is right. A missing or repeated id raises ValueError."""

from pathlib import Path

import pandas as pd

HIGHER = True


def get_score(folder: str) -> float:
    answers = pd.read_csv(Path(__file__).parent / "answers.csv")
    said = pd.read_csv(Path(folder) / "submission.csv")
    both = answers.merge(said, on="id", suffixes=("", "_said"), validate="one_to_one")
    if len(both) < len(answers):
        raise ValueError(f"submission.csv lacks {len(answers) - len(both)} of the ids")
    return float((both["label"] == both["label_said"]).mean())
