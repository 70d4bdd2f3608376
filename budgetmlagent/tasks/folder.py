"""Task folders: our own layout (`task.yaml`, `env/`, `scoring/`) and MLAgentBench's (`env/`, `scripts/`)."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, cast

from budgetmlagent.disk import at_home
from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.tasks.direction import agreed, from_higher, signs
from budgetmlagent.tasks.metrics import Direction
from budgetmlagent.tasks.mlagentbench import known
from budgetmlagent.tasks.python import interpreter_of
from budgetmlagent.tasks.scorerfile import SCORER, TIMED_SCORER, functions, parsed, read_scorer
from budgetmlagent.tasks.taskfile import Limits, Timed, nearest, read_task_file, read_text
from budgetmlagent.wording import one_of

BUNDLED = Path(__file__).parent / "bundled"
STARTER = "train.py"


@dataclass(frozen=True, kw_only=True)
class TaskFolder:
    """A task that was read and checked; nothing of it has been run."""

    name: str
    root: Path
    env: Path  # the agent's files, a working train.py among them
    text: str  # the task in words
    metric: str
    direction: Direction
    seconds: float  # limits of one execution
    memory_gb: float
    disk_gb: float
    output_mb: float
    processes: int
    network: bool = False  # whether the scripts may use it
    gpu: str = ""  # those that the scripts may use: "", "all" or numbers, "0,1"
    data: Literal["stays", "schema", "samples"] = "schema"  # what may leave the machine
    python: Path | None = None  # another interpreter for the scripts
    starter: str  # text of train.py
    readonly: tuple[str, ...]  # names of files, relative to env, that the agent may not change
    scoring: Path  # folder with eval.py: SCORER's functions, or TIMED_SCORER's
    answers: str | None = (
        None  # row-keyed CSV in `scoring` to split into public and private; None: nothing is split
    )
    submission: str  # name, or glob, of what a script must write
    feedback: Literal["public", "reported"]  # where the scores during a run come from
    layout: Literal["budgetml", "mlagentbench"]
    timed: Timed | None = None  # None: what a script submits is scored, not how fast it is

    def allowed(self) -> dict[str, str]:
        """Return the limits of one execution in words, by what they limit."""
        return {
            "time": f"{self.seconds:g} s",
            "memory": f"{self.memory_gb:g} GB",
            "disk": f"{self.disk_gb:g} GB",
            "output": f"{self.output_mb:g} MB",
            "processes": f"{self.processes}",
        }


def bundled() -> list[str]:
    """Names of the tasks that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/task.yaml"))


def load_task(name_or_path: str, *, direction: str | None = None, begun: bool = False) -> TaskFolder:
    """Read the bundled task or the folder `name_or_path`; `direction` is for folders that do not state theirs, or
    confirms what contradicts the metric's name, which is not asked again of a run that has `begun`.

    Raises UsageError, in one line that names the file and the field.
    """
    root = BUNDLED / name_or_path if name_or_path in bundled() else at_home(name_or_path)
    if not root.is_dir():
        if root.exists():
            raise UsageError(f"{name_or_path}: is a file; give the task's folder")
        hint = f"{nearest(name_or_path, bundled())}Bundled: {', '.join(bundled())}"
        raise UsageError(f"{name_or_path}: no such task; {hint}; or give the path of a task folder")
    if direction not in (None, "max", "min"):
        raise OptionError("direction", direction, one_of(("max", "min"), direction))
    wanted = cast("Direction | None", direction)
    root = root.resolve()
    _inside(root, root / "task.yaml")
    if (root / "task.yaml").exists():
        return _own(root, wanted, begun)
    if (root / "scripts").is_dir():
        return _mlagentbench(root, wanted, begun)
    raise UsageError(
        f"{root}: is no task folder: it has neither task.yaml (with env/ and scoring/) "
        f"nor scripts/ (MLAgentBench's layout); see docs/tasks.md"
    )


def _own(root: Path, wanted: Direction | None, begun: bool) -> TaskFolder:
    """Read our own layout."""
    file = root / "task.yaml"
    spec = read_task_file(file)
    files = _env_files(root)
    scoring = _scorer_files(root, root / "scoring", "the scorer eval.py and answers.csv")
    starter = read_text(root / "env" / STARTER, "the starter script")
    text, scorer = _text(root, spec.text), scoring / "eval.py"
    tree = read_scorer(scorer, TIMED_SCORER if spec.timed else SCORER)
    said = {f"{file}: metric.direction": spec.metric.direction, **from_higher(scorer, tree)}
    if spec.timed:  # what is measured is known, whatever it is called
        said |= {f"{file}: timed": "min"}
        _has_function(root / "env" / STARTER, starter, spec.timed)
    answers = "answers.csv" if (scoring / "answers.csv").is_file() and not spec.timed else None
    if answers:
        read_text(scoring / answers, "the answers")  # a run would fail on them after it has cost something
    return TaskFolder(
        name=spec.name,
        root=root,
        env=root / "env",
        text=text,
        metric=spec.metric.name,
        direction=agreed(
            said,
            lambda: (
                {} if begun or spec.timed else signs(spec.metric.name, (f"{file}: text", text), scorer, tree)
            ),
            wanted,
        ),
        **spec.limits.model_dump(),
        network=spec.network,
        gpu=spec.gpu,
        data=spec.data,
        python=None if spec.python is None else interpreter_of(file, spec.python),
        starter=starter,
        readonly=tuple(name for name in files if name != STARTER),
        scoring=scoring,
        answers=answers,
        submission=spec.submission,
        feedback="public" if answers or spec.timed else "reported",
        layout="budgetml",
        timed=spec.timed,
    )


def _mlagentbench(root: Path, wanted: Direction | None, begun: bool) -> TaskFolder:
    """Read MLAgentBench's layout. Its `prepare.py` is not run: whoever fetched the task runs it once."""
    scripts = _scorer_files(root, root / "scripts", "the scorer eval.py and the task in words")
    files = _env_files(root)
    starter = read_text(root / "env" / STARTER, "the starter script")
    words, scorer = scripts / "research_problem.txt", scripts / "eval.py"
    text = read_text(words, "the task in words").strip()
    tree = read_scorer(scorer, SCORER)
    return TaskFolder(
        name=re.sub(r"[^A-Za-z0-9_.-]+", "-", root.name).strip("-.") or "task",
        root=root,
        env=root / "env",
        text=text,
        metric="score",
        direction=agreed(
            from_higher(scorer, tree)
            or ({} if wanted else known(root.name, scorer, read_text(scorer, "the scorer"))),
            lambda: {} if begun else signs("", (str(words), text), scorer, tree),
            wanted,
        ),
        **Limits().model_dump(),
        starter=starter,
        readonly=_readonly(scripts / "read_only_files.txt", files),
        scoring=scripts,
        submission="submission.*",
        feedback="reported",
        layout="mlagentbench",
    )


def _folder(path: Path, what: str) -> Path:
    if not path.is_dir():
        raise UsageError(f"{path}: missing: the folder with {what}; add it")
    return path


def _env_files(root: Path) -> tuple[str, ...]:
    """Names of all files of env/, relative to it. Raises UsageError for a link that leads outside."""
    env = _folder(_inside(root, root / "env"), f"the agent's files, {STARTER} among them")
    return tuple(sorted(path.relative_to(env).as_posix() for path in _walk(env, env)))


def _scorer_files(root: Path, folder: Path, what: str) -> Path:
    """The scorer's folder. Raises UsageError for a link in it that leads out of the task, and for what is no file."""
    for _ in _walk(_folder(_inside(root, folder), what), root):
        pass
    return folder


def _inside(root: Path, path: Path) -> Path:
    """The path of something of the task. Raises UsageError where it is another's: by `..`, from `/`, or by a link."""
    if not _resolved(path).is_relative_to(root):
        raise UsageError(f"{path}: leads out of the task's folder; put a copy of it there")
    return path


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (RuntimeError, ValueError):  # a link to itself, a NUL in a name
        raise UsageError(
            f"{str(path)!r}: is no path, or a link that leads back to itself; remove it"
        ) from None


def _walk(top: Path, inside: Path) -> Iterator[Path]:
    """Yield every file below `top`, whose links have to stay in `inside`."""
    for folder, folders, names in os.walk(top):
        for path in (Path(folder, name) for name in [*folders, *names]):
            if path.is_symlink() and not _resolved(path).is_relative_to(inside.resolve()):
                raise UsageError(
                    f"{path}: is a link that leads out of {inside.name}/; put a copy of the file there"
                )
            if not path.exists():
                raise UsageError(f"{path}: is a link to nothing; remove it")
            if not path.is_dir():
                # A pipe or a device would block whoever copies the folder.
                if not stat.S_ISREG(path.stat().st_mode):
                    raise UsageError(f"{path}: is not a regular file; remove it")
                yield path


def _text(root: Path, given: str) -> str:
    """The task in words: `given` names a file of the folder, or is the text itself."""
    if re.fullmatch(r"\S+\.(md|txt)", given):
        text = read_text(_inside(root, root / given), "the task in words, as task.yaml's `text` says").strip()
        if not text:
            raise UsageError(f"{root / given}: is empty; describe the task in words")
        return text
    return given.strip()


def _readonly(file: Path, files: Sequence[str]) -> tuple[str, ...]:
    """The files that the globs in `file` name; a folder stands for all that is in it."""
    if not file.exists():
        return ()
    found: set[str] = set()
    for number, line in enumerate(read_text(file, "read-only files").splitlines(), start=1):
        glob = line.strip().removeprefix("./").rstrip("/")
        hit = {name for name in files if fnmatchcase(name, glob) or fnmatchcase(name, f"{glob}/*")}
        if STARTER in hit:
            raise UsageError(
                f"{file}:{number}: {glob} covers {STARTER}, which must be free to change; narrow it"
            )
        found |= hit
    return tuple(sorted(found))


def _has_function(file: Path, starter: str, timed: Timed) -> None:
    if timed.function not in functions(parsed(file, starter, "repair the starter")):
        raise UsageError(
            f"{file}: has no function {timed.function}, which task.yaml's timed.function names; add it"
        )
