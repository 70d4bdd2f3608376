"""Tasks that other benchmarks have prepared on this machine. Nothing is downloaded.

MLAgentBench: folders with `env/` and `scripts/`, which are run and graded as they are. MLE-bench: `COMPETITION/prepared/public` and
`.../private`, as its `prepare` leaves them, of which task folders are made: the starter hands in the sample submission, and what is
handed in is graded on all private answers, once, after the run, by the metric of the competition.
"""

import csv
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.templating import environment
from budgetmlagent.wording import one_of, unknown
from memory.files import write_whole

TEMPLATES = Path(__file__).parent / "templates"
HIGHER = {"accuracy": True, "auc": True, "log_loss": False, "rmse": False, "rmsle": False}
# The metric of each competition that is one table graded column by column (openai/mle-bench, each one's grade.py).
METRICS = {
    "jigsaw-toxic-comment-classification-challenge": "auc",
    "leaf-classification": "log_loss",
    "new-york-city-taxi-fare-prediction": "rmse",
    "nomad2018-predict-transparent-conductors": "rmsle",
    "random-acts-of-pizza": "auc",
    "spaceship-titanic": "accuracy",
    "spooky-author-identification": "log_loss",
    "tabular-playground-series-dec-2021": "accuracy",
    "tabular-playground-series-may-2022": "auc",
}
SAMPLES = ("sample_submission.csv", "sampleSubmission.csv", "sample_submission_null.csv")


@dataclass(frozen=True)
class Found:
    """The tasks of a suite: their folders, and a line of each that cannot be taken."""

    tasks: list[str]
    refused: list[str]


def found(suite: str, root: Path, only: Sequence[str] | None, made: Path) -> Found:
    """Return the tasks of a suite below `root`, or of them those named in `only`; what has to be made for it lies in `made`.

    Raises UsageError for an unknown suite, where `root` has no task of it, and for a name that is not there.
    """
    if suite not in SUITES:
        raise OptionError("suite", suite, one_of(list(SUITES), suite))
    folders = {path.name: path for path in SUITES[suite].folders(root.expanduser())}
    if not folders:
        raise UsageError(f"--root {root}: no prepared data of {suite} lies there: {SUITES[suite].layout}")
    if others := set(only or ()) - set(folders):
        raise UsageError(f"--tasks: {unknown('task', min(others), folders)} in {root}")
    tasks, refused = [], []
    for name in only or folders:
        try:
            task = SUITES[suite].task(folders[name], made)
            load_task(str(task))
            tasks.append(str(task))
        except UsageError as error:
            refused.append(f"{name}: left out: {error}")
    if not tasks:
        raise UsageError(*refused)
    return Found(tasks, refused)


def _mlagentbench(root: Path) -> Iterator[Path]:
    places = [root, root / "benchmarks", root / "MLAgentBench" / "benchmarks"]
    place = next((each for each in places if any(each.glob("*/scripts"))), root)
    yield from sorted(path.parent for path in place.glob("*/scripts"))


def _as_it_is(folder: Path, _made: Path) -> Path:
    return folder.absolute()


def _mle_bench(root: Path) -> Iterator[Path]:
    yield from sorted(path.parent.parent for path in root.glob("*/prepared/public"))


def _competition(folder: Path, made: Path) -> Path:
    """Make the task folder of a competition, unless it is there. Raises UsageError for one that cannot be graded here."""
    name, task = folder.name, (made / folder.name).absolute()
    if (task / "task.yaml").exists():  # what is written last
        return task
    if name not in METRICS:
        raise UsageError("its metric, or its form of a submission, is not known here")
    public, private = (folder / "prepared" / part for part in ("public", "private"))
    sample = next((public / each for each in SAMPLES if (public / each).is_file()), None)
    if sample is None:
        raise UsageError(f"{public}: has no {SAMPLES[0]}: prepare it again with MLE-bench")
    answers, words = private / "test.csv", public / "description.md"
    for path in (answers, words):
        if not path.is_file():
            raise UsageError(f"{path}: is missing: prepare it again with MLE-bench")
    columns = _header(sample)
    if not set(columns) <= set(_header(answers)):
        raise UsageError(f"{answers}: lacks a column of {sample.name}")
    _write(task, name, sample, columns)
    for path in public.rglob("*"):
        _put(path, task / "env" / path.relative_to(public))
    _put(answers, task / "scoring" / "private.csv")
    _put(words, task / "research_problem.md")
    told = {"name": name, "metric": METRICS[name], "higher": HIGHER[METRICS[name]]}
    write_whole(task / "task.yaml", _filled("suite_task.yaml.jinja", **told))
    return task


def _write(task: Path, name: str, sample: Path, columns: Sequence[str]) -> None:
    for part in ("env", "scoring"):
        (task / part).mkdir(parents=True, exist_ok=True)
    write_whole(task / "env" / "train.py", _filled("suite_train.py.jinja", sample=sample.name))
    scorer = _filled(
        "suite_eval.py.jinja",
        name=name, metric=METRICS[name], higher=HIGHER[METRICS[name]], id=columns[0], targets=list(columns[1:]),
    )  # fmt: skip
    write_whole(task / "scoring" / "eval.py", scorer)


def _filled(template: str, **values: object) -> bytes:
    return environment(TEMPLATES).get_template(template).render(**values).encode()


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _put(path: Path, target: Path) -> None:
    """Have a file in two places without its bytes lying there twice, where the disk can do that."""
    if path.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        try:
            os.link(path.resolve(), target)
        except OSError:
            shutil.copyfile(path, target)


@dataclass(frozen=True)
class Suite:
    """How the tasks of a benchmark lie on a disk, and what is made of one."""

    layout: str
    folders: Callable[[Path], Iterator[Path]]
    task: Callable[[Path, Path], Path]


SUITES = {
    "mlagentbench": Suite("a folder a task, with env/ and scripts/", _mlagentbench, _as_it_is),
    "mle-bench": Suite("COMPETITION/prepared/public and /private", _mle_bench, _competition),
}
