"""What `budgetml clean` removes: whole runs, and in the others what nobody needs any more.

A run that another process holds, or of which a script is still running, is left alone. The money of all runs and the
memory that they share stay.
"""

import glob
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from budgetmlagent.errors import BudgetMLError, UnavailableError, UsageError
from budgetmlagent.postgres import Address
from budgetmlagent.records import rundir
from budgetmlagent.records.rundir import RunDir, read_json
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.upkeep.reachable import unneeded

DAY = 86_400.0  # seconds


@dataclass
class Report:
    """What was removed, or would be."""

    runs: list[str] = field(default_factory=list)  # removed as a whole
    parts: int = 0  # half-written files
    work: int = 0  # folders of work
    artifacts: int = 0
    left: dict[str, str] = field(default_factory=dict)  # run -> why it was left alone
    _links: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Bytes of the disk that are free then: a file that a fork shares is so when its last name goes."""
        return sum(blocks * 512 for names, links, blocks in self._links.values() if names >= links)

    def counts(self) -> dict[str, int]:
        """Return how many there were of what a run can do without."""
        return {
            "half-written files": self.parts,
            "work folders": self.work,
            "unneeded artifacts": self.artifacts,
        }

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        told = {"runs": self.runs, "parts": self.parts, "work": self.work, "artifacts": self.artifacts}
        return told | {"bytes": self.bytes, "left": self.left}

    def take(self, path: Path, *, dry_run: bool) -> None:
        """Count a file or folder, and remove it. Raises UnavailableError where that cannot be done."""
        for status in _all(path):
            seen = self._links.setdefault((status.st_dev, status.st_ino), [0, 0, status.st_blocks])
            seen[0] += 1
            seen[1] = max(seen[1], 1 if stat.S_ISDIR(status.st_mode) else status.st_nlink)
        if not dry_run:
            _remove(path)


def _remove(path: Path) -> None:
    try:
        remove(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        raise UnavailableError(f"cannot remove {path}: {error.strerror}") from None
    if os.path.lexists(path):
        raise UnavailableError(f"cannot remove {path}: something in it stays; is it another user's?")


def _all(path: Path) -> Iterator[os.stat_result]:
    """Yield the status of a file, or of a folder and all in it, however deep a script has dug."""
    stack = [path]
    while stack:
        place = stack.pop()
        with suppress(OSError):
            yield (status := place.lstat())
            if stat.S_ISDIR(status.st_mode):
                stack += [Path(entry.path) for entry in os.scandir(place)]


def choose(
    runs_dir: Path, names: Sequence[str], older_than: float | None, *, keep_best: bool
) -> list[RunDir]:
    """Return the runs that are named, or all; of these those that ended more than `older_than` days ago.

    `keep_best` leaves out each task's run that gained the most. Raises UsageError.
    """
    if older_than is not None and not older_than >= 0:
        raise UsageError(f"--older-than {older_than}: a number of days, 0 or more, is needed")
    every = rundir.all_runs(runs_dir)
    chosen = [_named(name, runs_dir) for name in names] or every
    if older_than is not None:
        chosen = [run for run in chosen if time.time() - _ended(run) > older_than * DAY]
    kept = _best(every) if keep_best else set()
    once = {run.root: run for run in chosen}  # a run may be named twice
    return [run for run in once.values() if run.root.resolve() not in kept]


def _named(name: str, runs_dir: Path) -> RunDir:
    """Return the run of this name. Raises UsageError where a link has the name: what is removed would lie elsewhere."""
    run = rundir.find(name, runs_dir)
    given = Path(name)
    places = [given] if (given / "config.json").is_file() else runs_dir.glob(f"{glob.escape(given.name)}*")
    if link := next((place for place in places if place.is_symlink() and place.resolve() == run.root), None):
        raise UsageError(
            f"{link}: is a symbolic link to {run.root}; name that folder itself, or remove the link"
        )
    return run


def _ended(run: RunDir) -> float:
    """Return when the run was last written, in seconds since the epoch."""
    return max(p.stat().st_mtime for p in (run.root / "config.json", run.summary) if p.is_file())


def _best(runs: Sequence[RunDir]) -> set[Path]:
    """Return the folder of each task's run that gained the most, of equals the newest."""
    best: dict[str, tuple[float, Path]] = {}
    for run in runs:
        told = read_json(run.summary)
        gain = told.get("gain_pct")
        if gain is not None and gain >= best.get(told["task"], (gain, run.root))[0]:
            best[told["task"]] = (gain, run.root.resolve())
    return {folder for _, folder in best.values()}


def remove_runs(runs: Sequence[RunDir], *, dry_run: bool = False) -> Report:
    """Remove runs as a whole, once what they learned is in the shared memory."""
    from budgetmlagent.settings import shared_memory
    from memory.items import StoreError
    from memory.merge import merge

    report = Report()
    for run in runs:
        with _held(run, report) as free:
            if not free:
                continue
            if (run.history / "items").is_dir() and not dry_run:
                try:
                    merge(run.history, shared_memory(run.root.parent))
                except StoreError as error:
                    raise UnavailableError(str(error)) from None
            if not dry_run and isinstance(states := run.states, Address):
                _forget(states, run.run_id)
            # What makes the folder a run goes last: killed on the way, it can be removed again.
            last = (run.root / "config.json", run.lock)
            for path in [*(p for p in run.root.iterdir() if p not in last), *last]:
                report.take(path, dry_run=dry_run)
            if not dry_run:
                run.root.rmdir()
            report.runs.append(run.run_id)
    return report


def _forget(states: Address, run: str) -> None:
    from budgetmlagent.records.statesserver import ServerCheckpoints

    ServerCheckpoints(states, run).remove()


def sweep(runs_dir: Path, *, dry_run: bool = False) -> Report:
    """Remove from every run half-written files, folders of work, and artifacts that nothing of the run leads to."""
    report = Report()
    for run in rundir.all_runs(runs_dir):
        with _held(run, report) as free:
            if not free:
                continue
            try:
                loose = [run.artifacts / name for name in unneeded(run)]
            except UnavailableError as error:
                report.left[run.run_id] = str(error)
                continue
            parts = run.half_written()
            work = [run.work] if run.work.is_dir() else []
            for path in [*parts, *work, *loose]:
                report.take(path, dry_run=dry_run)
            report.parts += len(parts)
            report.work += len(work)
            report.artifacts += len(loose)
    return report


@contextmanager
def _held(run: RunDir, report: Report) -> Iterator[bool]:
    """Keep other processes from going on with the run; False, and why in the report, where it is to be left alone."""
    from filelock import FileLock, Timeout

    why = ""
    with ExitStack() as held:
        try:
            run.config()
            held.enter_context(FileLock(run.lock).acquire(timeout=0))
            if run.work.is_dir() and _is_used(run.work):
                why = "a script of it is still running"
        except Timeout:
            why = "it is running in another process"
        except OSError as error:
            why = f"{run.lock}: {error.strerror}"
        except BudgetMLError as error:
            why = str(error)
        if why:
            report.left[run.run_id] = why
        yield not why


def _is_used(folder: Path) -> bool:
    """Whether a process stands in the folder or was started with a path in it, as a sandbox is."""
    place = str(folder.resolve())
    return any(place in word for process in psutil.process_iter() for word in _told(process))


def _told(process: psutil.Process) -> list[str]:
    """Return a process' words and where it stands, as far as the kernel tells: not of a path that is too long for it."""
    words = list[str]()
    with suppress(psutil.Error, OSError):
        words += process.cmdline()
    with suppress(psutil.Error, OSError):
        words.append(process.cwd())
    return words
