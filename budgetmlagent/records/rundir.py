"""A run's folder: what was asked for (`config.json`, `graph.yaml`), the truth (checkpoints, artifacts) and projections."""

import glob
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.records import hints
from budgetmlagent.records.owner import seal
from budgetmlagent.records.shapes import check
from memory.files import SMALL, half_written, is_name, odd, parsed, read_plain, write_whole

if TYPE_CHECKING:
    from budgetmlagent.postgres import Address

TIME = "%Y%m%d-%H%M%S"  # in a run's id: when it was begun, in local time
STAMP = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{4}$")
WRITTEN_WHOLE = (".", "best", "artifacts", "history/items")  # the folders in which files are written whole


class Fork(TypedDict):
    """Where a fork comes from."""

    runs: list[str]  # the runs that it comes from, the first one first
    step: int  # of the last of them, after which it was made
    replies: str  # live | recorded


@dataclass(frozen=True)
class RunConfig:
    """All that a run was started with; enough to resume it from cold."""

    run_id: str
    task: str  # as given: a bundled name, or a path (absolute)
    graph: str
    budget: int  # nano-dollars
    turns: int
    seed: int
    history: str  # off | run | all
    models: dict[str, dict[str, Any]]  # models.yaml as loaded; names of key variables, never keys
    sandbox: str  # the rung, in words
    hosts: list[str]  # that requests go to
    unsafe: bool = False
    direction: str | None = None
    replay: str = ""  # folder of the recorded run, for a replay
    fork: Fork | None = None
    approve: str = ""  # which calls wait for a person's word: "" | expert | up | all
    above: int = 0  # nano-dollars that a call may cost without one
    minutes: float | None = None  # that the run may take
    aim: str = "best"  # success: stop once the goal is met; best: go on while money and turns last
    network: bool = False  # whether the task's scripts have it
    sandbox_facts: dict[str, Any] = field(default_factory=dict)  # what the probe found
    # What is believed of each model from the start on, as fields of `nodes.able.Able`; of one that is missing, a guess.
    able: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: str = ""  # what of the task's data may leave, as the task said then; "" where an older version began the run


def origins(config: RunConfig) -> list[str]:
    """Return the runs that a fork comes from, the first one first; none for another run."""
    return list(config.fork["runs"]) if config.fork else []


class RunDir:
    """The paths of one run."""

    def __init__(self, root: Path) -> None:
        self.root, self.run_id = root, root.name
        self.checkpoints = root / "checkpoints.sqlite"
        # The hashes of the task's data and scorer when the run began: the verdict on the scores compares with them.
        self.sealed = root / "sealed.json"
        self.witness = (
            root / "witness.json"
        )  # the starter's submission: the names of its files, and their artifacts
        self.artifacts = root / "artifacts"
        self.work = root / "work"  # executions of the step that runs; gone when the run has come to its end
        self.history = root / "history"  # the run's own long-term memory
        self.shared_history = root.parent / "history"
        self.graph = root / "graph.yaml"  # that the run was started with, or edited to
        self.summary = root / "run.json"  # the JSON object that `--json` prints
        self.lock = root / "lock"  # held by the process that runs it

    @property
    def ledger(self) -> "Path | Address":
        """Where the money of all runs in the same folder stands. Raises UsageError as the project's settings do."""
        from budgetmlagent.money.place import place_of

        return place_of(self.root.parent)

    @property
    def states(self) -> "Path | Address":
        """Where the run's checkpoints are: in its file, where it has one, else where the project's settings say.

        Raises UsageError as these do.
        """
        from budgetmlagent import settings
        from budgetmlagent.placed import placed

        if self.checkpoints.exists():
            return self.checkpoints
        return placed(self.checkpoints, settings.checkpoints(self.root.parent), "checkpoints")

    def half_written(self) -> list[Path]:
        """Return the files that a killed process left half written."""
        older = [*self.root.glob(".*.part"), *self.root.glob("best/.*.part")]  # of a version before this one
        return [*older, *(path for folder in WRITTEN_WHOLE for path in half_written(self.root / folder))]

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file whole or not at all."""
        self.write_bytes(name, as_json(value))

    def keep(self, config: RunConfig) -> None:
        """Write what the run goes on with, as this person's word."""
        content = as_json(asdict(config))
        seal(self.root, content)
        self.write_bytes("config.json", content)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all; `name` may begin with a folder, which is made."""
        if ".." in Path(name).parts or Path(name).is_absolute():  # a stranger's run may name its files so
            raise UnavailableError(f"{self.root}: the run has a file called {name!r}; do not go on with it")
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)

    def links(self) -> Iterator[Path]:
        """Yield what is neither file nor folder in the run's and the memory beside it, but for what scripts leave where they work."""
        if self.shared_history.is_symlink():
            yield self.shared_history
            return
        yield from odd(self.root, without=self.work)
        # Shared items are a hundred thousand, and need no look: one is read within bounds and by its hash, and put in the
        # place of whatever has its name.
        yield from odd(self.shared_history, without=self.shared_history / "items")

    def config(self) -> RunConfig:
        """Read what the run was started with.

        Whoever works on a run asks for this first, so here a folder with links in it is refused, by UnavailableError: what
        is written into it would go elsewhere.
        """
        if link := next(self.links(), None):
            what = "a symbolic link" if link.is_symlink() else "neither file nor folder"
            raise UnavailableError(f"{link}: is {what}, and no run makes any; put a plain file in its place")
        path = self.root / "config.json"
        try:
            text = read_plain(path, SMALL).decode("utf-8")
            _shape().validate_json(text, strict=True)
            config = RunConfig(**parsed(text))
            if not is_name(config.run_id):
                raise ValueError(f"run_id: {config.run_id[:80]!r} is no name")
            return config
        except (ValueError, TypeError) as error:
            what = str(error)
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                what = "".join(f"{part}: " for part in first["loc"]) + first["msg"]
            raise UnavailableError(
                f"{path}: damaged ({what}); the run cannot be opened: put the file back from a copy"
            ) from None


@cache
def _shape() -> TypeAdapter[RunConfig]:
    """What a config.json holds: to make it takes longer than to read one."""
    return TypeAdapter(RunConfig)


def as_json(value: Any) -> bytes:
    """Return a JSON file's content."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty where there is none yet. Raises UnavailableError where it is damaged."""
    if not path.is_file():
        return {}
    try:
        found = dict(parsed(read_plain(path, SMALL).decode("utf-8")))
        check(path.name, found)
        return found
    except (
        FileNotFoundError
    ):  # taken away this moment, as whoever goes on with a run does with the note about it
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        raise damaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, TypeError) as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, what: str) -> UnavailableError:
    """Return what to raise for a file of a run that is not what it should be."""
    restore = f"`{hints.command('doctor', path.parent, '--rebuild')}` puts it right"
    return UnavailableError(f"{path}: damaged ({what}); {restore}")


def create(runs_dir: Path, config: RunConfig, graph: str) -> RunDir:
    """Make the folder of a new run, before anything is invoked: a crash leaves something to resume."""
    run = RunDir(runs_dir / config.run_id)
    try:
        run.root.mkdir(0o700, parents=True)  # what a script leaves in it, nobody else may start
        run.write_bytes(run.graph.name, graph.encode())
        run.keep(config)  # at last: a folder with a config.json is a run, and somebody may look at it now
    except OSError as error:
        raise UnavailableError(f"cannot write the run's folder {run.root}: {error.strerror}") from None
    return run


def new_id(task: str) -> str:
    """Return a fresh id: task, time and four letters."""
    return f"{task}-{datetime.now():{TIME}}-{secrets.token_hex(2)}"


def find(run: str | Path, runs_dir: Path) -> RunDir:
    """Return the run by id, unique beginning of an id, or path. Raises UsageError."""
    path = Path(run)
    if (path / "config.json").is_file():
        return RunDir(path.resolve())
    begin = (
        [RunDir(p.parent) for p in runs_dir.glob(f"{glob.escape(path.name)}*/config.json")]
        if path.name
        else []
    )
    fit = [run for run in begin if run.run_id == path.name] or begin
    if len(fit) != 1:
        raise UsageError(f"unknown run {str(run)!r} in {runs_dir}: {_meant(path.name, fit, runs_dir)}")
    return RunDir(fit[0].root.resolve())


def _meant(name: str, fit: list[RunDir], runs_dir: Path) -> str:
    """Say which run may be meant: the newest of those that begin so, or the one of the nearest name."""
    if fit:
        return f"{len(fit)} runs begin with it; the newest is {max(fit, key=begun).run_id}"
    known = {run.run_id: run.run_id for run in sorted(all_runs(runs_dir), key=begun)}
    known |= {STAMP.sub("", run_id): run_id for run_id in known}  # by its task alone, the newest
    close = get_close_matches(name, known, n=1)
    listed = " ".join(filter(None, ["budgetml list", hints.among(runs_dir)]))
    return f"did you mean {known[close[0]]}?" if close else f"`{listed}` shows the runs there are"


def begun(run: RunDir) -> datetime:
    """Return when the run was begun: its id says so, or else the file with what it was begun with."""
    if stamp := STAMP.search(run.run_id):
        with suppress(ValueError):
            return datetime.strptime(stamp[1], TIME)
    return datetime.fromtimestamp((run.root / "config.json").stat().st_mtime)


def all_runs(runs_dir: Path) -> list[RunDir]:
    """Return every run below `runs_dir`, oldest first; a link is none, as what is removed would lie elsewhere."""
    begun = dict[RunDir, float]()
    for path in runs_dir.glob("*/config.json"):
        with suppress(FileNotFoundError):  # removed this moment
            if not path.parent.is_symlink():
                begun[RunDir(path.parent)] = path.stat().st_mtime
    return sorted(begun, key=begun.__getitem__)
