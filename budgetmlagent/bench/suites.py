"""Tasks that other benchmarks have prepared on this machine. Nothing is downloaded.

MLAgentBench: folders with `env/` and `scripts/`, which are run and graded as they are. MLE-bench: `COMPETITION/prepared/public` and
`.../private`, as its `prepare` leaves them, of which task folders are made: the starter hands in the sample submission, and what is
handed in is graded on all private answers, once, after the run, by the metric of the competition.
"""

import csv
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.bench.competitions import COMPETITIONS, HIGHER, Graded
from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.templating import environment
from budgetmlagent.wording import one_of, unknown
from memory.files import write_whole

TEMPLATES = Path(__file__).parent / "templates"
ANSWERS = ("test.csv", "answers.csv")
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
    if name not in COMPETITIONS:
        raise UsageError("its metric, or its form of a submission, is not known here")
    graded, words = COMPETITIONS[name], folder / "prepared" / "public" / "description.md"
    public, private = (folder / "prepared" / part for part in ("public", "private"))
    sample = _first(public, (graded.sample,) if graded.sample else SAMPLES)
    answers = _first(private, ANSWERS)
    if not words.is_file():
        raise UsageError(f"{words}: is missing: prepare it again with MLE-bench")
    columns = _header(sample)
    key = graded.id or columns[0]
    targets = graded.targets or tuple(name for name in columns if name != key)
    if lacking := {key, *targets} - set(_header(answers)):
        raise UsageError(f"{answers}: lacks the column {min(lacking)} of {sample.name}")
    _write(task, name, sample, graded, key, targets)
    for path in public.rglob("*"):
        _put(path, task / "env" / path.relative_to(public))
    _put(answers, task / "scoring" / "private.csv")
    _put(words, task / "research_problem.md")
    told = {"name": name, "metric": graded.metric, "higher": HIGHER[graded.metric]}
    write_whole(task / "task.yaml", _filled("suite_task.yaml.jinja", **told))
    return task


def _first(folder: Path, names: Sequence[str]) -> Path:
    found = next((folder / each for each in names if (folder / each).is_file()), None)
    if found is None:
        raise UsageError(f"{folder}: has no {' or '.join(names)}: prepare it again with MLE-bench")
    return found


def _write(task: Path, name: str, sample: Path, graded: Graded, key: str, targets: Sequence[str]) -> None:
    for part in ("env", "scoring"):
        (task / part).mkdir(parents=True, exist_ok=True)
    write_whole(task / "env" / "train.py", _filled("suite_train.py.jinja", sample=sample.name))
    scorer = _filled(
        "suite_eval.py.jinja",
        name=name, metric=graded.metric, higher=HIGHER[graded.metric], chances=graded.chances, id=key, targets=list(targets),
    )  # fmt: skip
    write_whole(task / "scoring" / "eval.py", scorer)


def _filled(template: str, **values: object) -> bytes:
    return environment(TEMPLATES).get_template(template).render(**values).encode()


def _header(path: Path) -> list[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed, packed.open(packed.namelist()[0]) as file:
            return next(csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline="")), [])
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
