"""What AutoGluon says of a task's test rows, in an interpreter of its own: its libraries need not be those of the project.

PYTHON tests/benchmarks/gluon.py ENV KEY TARGET METRIC SECONDS FILE     # writes the submission; PYTHON has autogluon.tabular
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

METRICS = {
    "rmse": "root_mean_squared_error",
    "rmsle": "root_mean_squared_error",
    "mae": "mean_absolute_error",
}
LABELS = ("accuracy", "roc_auc", "f1_macro")


def submission(env: Path, key: str, target: str, metric: str, seconds: float) -> pd.DataFrame:
    """Learn for so many seconds with the settings that AutoGluon advises for the best answers."""
    train, test = (pd.read_csv(env / f"{part}.csv") for part in ("train", "test"))
    known = train.drop(columns=key, errors="ignore")
    if metric == "rmsle":
        known[target] = np.log1p(known[target])
    kind = ("binary" if known[target].nunique() == 2 else "multiclass") if metric in LABELS else "regression"
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(
            target, problem_type=kind, eval_metric=METRICS.get(metric, metric), path=folder, verbosity=0
        )
        # Whether to stack is tried first by default, which fails without ray, and leaves less time.
        predictor.fit(
            known, time_limit=seconds, presets="best_quality", dynamic_stacking=False, num_cpus=2, num_gpus=0
        )
        last = sorted(known[target].unique())[-1]  # whose chance is asked for
        said = predictor.predict_proba(test)[last] if metric == "roc_auc" else predictor.predict(test)
    said = np.expm1(said).clip(0) if metric == "rmsle" else said
    return pd.DataFrame({key: test[key], target: np.asarray(said)})


if __name__ == "__main__":
    env, key, target, metric, seconds, file = sys.argv[1:]
    submission(Path(env), key, target, metric, float(seconds)).to_csv(file, index=False)
