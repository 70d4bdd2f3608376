"""The runs of a bench in MLflow: one run each, with what was asked as parameters, numbers as metrics, and its files.

Needs the extra `mlflow`. A bench that is gone on with, or told again, enters nothing twice.
"""

import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from budgetmlagent.errors import UnavailableError, UsageError

CELL = "budgetml.cell"  # the tag by which a run that is there already is known
PARAMS = (
    "task",
    "graph",
    "task_folder",
    "graph_file",
    "models_file",
    "seed",
    "budget",
    "aim",
    "history",
    "metric",
    "direction",
    "feedback",
)
FILES = ("run.json", "results.tsv", "best")
LONG = 500  # characters of a parameter or tag: what a server takes


class Tracking:
    """An experiment of an MLflow server or database (`sqlite:///FILE`, `http://HOST:PORT`), named after the bench's folder."""

    def __init__(self, uri: str, folder: Path) -> None:
        """Raises UsageError without the extra, and UnavailableError where the server or database cannot be used."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault(
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"
        )  # else a server that is not there takes minutes
        try:
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise UsageError(
                f"--mlflow needs {error.name}: run `pip install 'budgetmlagent[mlflow]'`"
            ) from None
        self.uri, self._error = uri, MlflowException
        self._entered = set[str]()
        files = None if uri.startswith("http") else (folder.resolve() / "mlflow").as_uri()
        try:
            self._client = MlflowClient(tracking_uri=uri)
            there = self._client.get_experiment_by_name(folder.resolve().name)
            self._experiment = (
                there.experiment_id if there else self._client.create_experiment(folder.resolve().name, files)
            )
        except MlflowException as error:
            raise self._unavailable(error) from None

    def try_to_enter(self, row: Mapping[str, Any]) -> None:
        """Enter a run while others go on; where that does not work, `enter_all` enters it later."""
        with suppress(UnavailableError):
            self.enter(row)

    def enter_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Enter the runs that are not there yet. Raises as `enter`."""
        for row in rows:
            self.enter(row)

    def enter(self, row: Mapping[str, Any]) -> None:
        """Enter a run that has ended, unless it is there. Raises UnavailableError where that does not work."""
        from mlflow.entities import Metric, Param, RunTag

        if row["cell"] in self._entered:
            return
        mine = f"tags.`{CELL}` = '{row['cell']}'"
        try:
            there = self._client.search_runs([self._experiment], mine, max_results=1)
            if there and (row["status"] == "failed" or there[0].info.status != "FAILED"):
                self._entered.add(row["cell"])
                return
            if there:  # it failed, and has gone on since
                self._client.delete_run(there[0].info.run_id)
            # The tag comes last: what was half entered is entered again.
            run = self._client.create_run(self._experiment, run_name=row["cell"]).info.run_id
            self._client.log_batch(
                run,
                [Metric(name, value, 0, 0) for name, value in _numbers(row).items()],
                [Param(name, str(row[name])[:LONG]) for name in PARAMS if name in row],
                [
                    RunTag(name, str(row[name])[:LONG])
                    for name in ("status", "reason", "run_id")
                    if name in row
                ],
            )
            for path in _files(row):
                self._client.log_artifact(run, str(path))
            self._client.set_terminated(run, "FAILED" if row["status"] == "failed" else "FINISHED")
            self._client.set_tag(run, CELL, row["cell"])
            self._entered.add(row["cell"])
        except self._error as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"--mlflow {self.uri}: {' '.join(str(error).split())[:LONG]}")


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and name not in PARAMS and math.isfinite(value)
    }


def _files(row: Mapping[str, Any]) -> list[Path]:
    folder = Path(row.get("run_dir", ""))
    return [folder / name for name in FILES if "run_dir" in row and (folder / name).exists()]
