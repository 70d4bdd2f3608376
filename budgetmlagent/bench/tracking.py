"""The runs of a bench in MLflow: one run each, with what was asked as parameters, numbers as metrics, and its files.

Needs the extra `mlflow`. A bench is known by an identity of its own, which is kept in its folder, and not by its name: one that is
gone on with, told again or moved enters nothing twice, and another one of the same name does not pass for it.
"""

import hashlib
import json
import math
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

from budgetmlagent.bench.found import CELLS, TOLD, run_of
from budgetmlagent.bench.summary import failed, starved
from budgetmlagent.bench.worker import REQUEST
from budgetmlagent.errors import UnavailableError, UsageError
from memory.files import SMALL, read_plain, write_whole

IDENTITY = "mlflow.id"  # the file in a bench's folder
BENCH = "budgetml.bench"  # the tag by which the experiment of a bench is known
CELL = "budgetml.cell"  # the tag by which a run that is there already is known
ROW = "budgetml.row"  # the tag that says of which row it was made: of another one, it is made anew
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
LIMITS = ("turns", "minutes")  # as they were asked for: a row tells what was used
FILES = ("run.json", TOLD, "best")
TAGS = ("status", "reason", "run_id", "cut_short_by")
LONG = 500  # characters of a parameter or tag: what a server takes


class Tracking:
    """An experiment of an MLflow server or database (`sqlite:///FILE`, `http://HOST:PORT`), named after the bench's folder.

    Where another bench has that name there, it is the first free one of `night-2`, `night-3`.
    """

    def __init__(self, uri: str, folder: Path, cap: float | None = None) -> None:
        """`cap`: dollars of all runs together. Raises UsageError without the extra.

        Raises UnavailableError where the server or database cannot be used, or the folder's identity not be read or kept.
        """
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
        self._folder, self._cap = folder.resolve(), cap
        self._entered = set[str]()
        try:
            self._client = MlflowClient(tracking_uri=uri)
            self._experiment = self._own_experiment()
        except MlflowException as error:
            raise self._unavailable(error) from None

    def _own_experiment(self) -> str:
        """Return the id of the bench's experiment, which is made where there is none."""
        name, mine = self._folder.name, _identity(self._folder)
        there = self._client.search_experiments(filter_string=f"tags.`{BENCH}` = '{mine}'")
        if there:
            return str(there[0].experiment_id)
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        free = next(each for each in names if not self._client.get_experiment_by_name(each))
        files = None if self.uri.startswith("http") else (self._folder / "mlflow").as_uri()
        return str(self._client.create_experiment(free, files, {BENCH: mine}))

    def try_to_enter(self, row: Mapping[str, Any]) -> None:
        """Enter a run while others go on; where that does not work, `enter_all` enters it later."""
        with suppress(UnavailableError):
            self.enter(row)

    def enter_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Enter the runs that are not there yet. Raises as `enter`."""
        for row in rows:
            self.enter(row)

    def enter(self, row: Mapping[str, Any]) -> None:
        """Enter a run that has ended, unless it is there; one that has gone on since takes its own place.

        Raises UnavailableError where that does not work.
        """
        if row["cell"] in self._entered:
            return
        params = _texts(row, PARAMS) | self._limits(row)
        told = hashlib.sha256(json.dumps([params, _numbers(row), _texts(row, TAGS)]).encode()).hexdigest()
        try:
            there = self._client.search_runs(
                [self._experiment], f"tags.`{CELL}` = '{row['cell']}'", max_results=1
            )
            if not there or there[0].data.tags.get(ROW) != told:
                if there:
                    self._client.delete_run(there[0].info.run_id)
                self._make(row, params, told)
        except self._error as error:
            raise self._unavailable(error) from None
        self._entered.add(row["cell"])

    def _make(self, row: Mapping[str, Any], params: Mapping[str, str], told: str) -> None:
        """Enter a run. The tag by which it is known comes last: what was half entered is entered again."""
        from mlflow.entities import Metric, Param, RunTag

        run = self._client.create_run(self._experiment, run_name=row["cell"]).info.run_id
        self._client.log_batch(
            run,
            [Metric(name, value, 0, 0) for name, value in _numbers(row).items()],
            [Param(name, text) for name, text in params.items()],
            [RunTag(name, text) for name, text in (_texts(row, TAGS) | {ROW: told}).items()],
        )
        if folder := run_of(row, self._folder):
            for path in (folder / name for name in FILES if (folder / name).exists()):
                self._client.log_artifact(run, str(path))
        self._client.set_terminated(run, "FAILED" if failed(row) or starved(row) else "FINISHED")
        self._client.set_tag(run, CELL, row["cell"])

    def _limits(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the limits that a run was asked for with; nothing where it has none, or nobody knows them any more."""
        asked: dict[str, Any] = {"project_budget": self._cap}
        with suppress(OSError, ValueError):
            request = json.loads(read_plain(self._folder / CELLS / row["cell"] / REQUEST, SMALL))
            asked |= {name: request.get(name) for name in LIMITS}
        return {name: str(value) for name, value in asked.items() if value is not None}

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"--mlflow {self.uri}: {' '.join(str(error).split())[:LONG]}")


def _identity(folder: Path) -> str:
    """Return what tells a bench from all others, made once. Raises UnavailableError where it cannot be read or kept."""
    path = folder / IDENTITY
    try:
        with suppress(FileNotFoundError):
            if re.fullmatch("[0-9a-f]{32}", found := read_plain(path, SMALL).decode(errors="replace")):
                return found
            raise UnavailableError(f"{path}: is damaged; without it, all runs are entered anew")
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, (made := secrets.token_hex(16)).encode())
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}") from None
    return made


def _texts(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: str(row[name])[:LONG] for name in names if name in row}


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and name not in PARAMS and math.isfinite(value)
    }
