"""The archive: ended runs in a place that all machines see, to be looked at from each of them.

    files/SHA256     what runs consist of, each content once
    runs/RUN.json    which of them make the run, under which names; written last, and in one piece

A run whose sending failed, or was killed, has a mark in its folder, and is sent by a later command.
"""

import hashlib
import platform
import re
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from budgetmlagent import settings
from budgetmlagent.errors import BudgetMLError, UnavailableError, UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.records.packed import CONFIG, MONEY, NOTE, UNSENT, files, travels
from budgetmlagent.records.rundir import RunConfig, RunDir, as_json, origins
from budgetmlagent.storage import Storage, StorageError
from budgetmlagent.tasks.folder import load_task
from memory.artifacts import NAME
from memory.files import SMALL, is_name, read_plain, write_whole

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

RUNS, FILES = "runs", "files"
NO_RUN = re.compile(r"[^-]*|\..*|ledger\.sqlite-.*", re.DOTALL)  # what else lies in a runs folder


@dataclass(frozen=True)
class Manifest:
    """What makes a run: the SHA-256 of each of its files, by name; and where and when it was sent."""

    run: str
    files: dict[str, str]
    host: str
    sent: str


@cache
def _shape() -> TypeAdapter[Manifest]:
    """What a manifest holds: to make it takes longer than to read one."""
    return TypeAdapter(Manifest)


@dataclass(frozen=True)
class Archived:
    """A run's manifest as it lies in an archive, and by which digest it is known from any other state of the run."""

    manifest: Manifest
    digest: str


def is_run(name: str) -> bool:
    """Whether a run may be called so: somebody else may have named it as what lies beside the runs."""
    return is_name(name) and not NO_RUN.fullmatch(name)


def read(text: bytes, run: str, storage: Storage) -> Archived:
    """Return the manifest of `run`. Raises UnavailableError for what is none: somebody else may have written it."""
    what = f"archive {storage}: {RUNS}/{run}.json"
    try:
        found = _shape().validate_json(text, strict=True)
    except ValidationError as error:
        raise UnavailableError(f"{what}: damaged ({error.errors()[0]['msg']})") from None
    wrong = next((name for name in found.files if name != MONEY and not travels(name)), None)
    whole = {CONFIG, MONEY} <= found.files.keys() and all(map(NAME.fullmatch, found.files.values()))
    if wrong is not None or not whole or found.run != run:
        raise UnavailableError(
            f"{what}: is no run of budgetml's"
            + (f": it has a file {wrong[:80]!r}" if wrong is not None else "")
        )
    return Archived(found, hashlib.sha256(text).hexdigest())


def there(fs: "AbstractFileSystem", top: str, run: str, storage: Storage) -> Archived | None:
    """Return a run as it lies in an opened archive; None where it does not."""
    if not is_run(run):
        return None
    try:
        with fs.open(f"{top}/{RUNS}/{run}.json", "rb") as file:
            text = file.read(SMALL)
    except FileNotFoundError:
        return None
    return read(text, run, storage)


def send(run: RunDir, storage: Storage) -> None:
    """Send a run that nobody goes on with now: what the archive lacks of it.

    Raises UsageError where the archive has another end of it, or its task's data may not leave, and UnavailableError where the
    archive cannot be written.
    """
    config = run.config()  # refuses links: what they lead to is not sent
    if not (storage.local or _may_leave(config)):
        (run.root / UNSENT).unlink(missing_ok=True)
        raise UsageError(f"its task says `data: stays`, so it is not sent to {storage}")
    with tempfile.TemporaryDirectory() as scratch:
        found = files(run, Path(scratch))
        made = {name: digest_of(path) for name, path in found.items()}
        with storage.opened() as (fs, top):
            before = there(fs, top, run.run_id, storage)
            if before and before.digest not in _notes(run):
                raise UsageError(_other_end(run, before, storage))
            if not before or before.manifest.files != made:
                of_origins = (there(fs, top, origin, storage) for origin in origins(config))
                known = {d for each in (before, *of_origins) if each for d in each.manifest.files.values()}
                new = {digest: found[name] for name, digest in made.items() if digest not in known}
                _put(new, storage, fs, top)
                text = as_json(asdict(Manifest(run.run_id, made, platform.node(), _now())))
                digest = hashlib.sha256(text).hexdigest()
                note(run, digest, before.digest if before else "")  # whichever it will be
                with fs.transaction, fs.open(f"{top}/{RUNS}/{run.run_id}.json", "wb") as file:
                    file.write(text)
                note(run, digest)
    (run.root / UNSENT).unlink(missing_ok=True)


def _put(new: dict[str, Path], storage: Storage, fs: "AbstractFileSystem", top: str) -> None:
    """Put contents, by their digests; none is written over that is there whole, as other runs may consist of it."""
    if storage.local:  # where a copy is written in place: one that was broken off is shorter
        new = {
            digest: path for digest, path in new.items() if not _is_whole(fs, f"{top}/{FILES}/{digest}", path)
        }
    if new:
        fs.put([str(path) for path in new.values()], [f"{top}/{FILES}/{digest}" for digest in new])


def _is_whole(fs: "AbstractFileSystem", there_: str, here: Path) -> bool:
    try:
        return bool(fs.info(there_)["size"] == here.stat().st_size)
    except FileNotFoundError:
        return False


def _may_leave(config: RunConfig) -> bool:
    """Whether what a run quotes of its task's data may be sent away, as the task said when it began and says now.

    Raises UsageError where the task is not there to say it.
    """
    task = load_task(config.task, direction=config.direction, begun=True)
    return "stays" not in (config.data, task.data)


# -- what a run's end does, and what a later command makes up for


def going_on(run: RunDir) -> None:
    """Mark that the run's folder is about to have more than the archive. Raises OSError."""
    if settings.archive(run.root.parent) is not None or (run.root / NOTE).exists():
        (run.root / UNSENT).touch()


def keep_ended(folder: str, runs_dir: Path) -> None:
    """Send a run as `keep` does, by the settings of `runs_dir`, wherever it has come to lie: it may have been made elsewhere."""
    root = Path(folder)
    if folder and root.is_dir() and (storage := _named(runs_dir)) is not None:
        if not (root / NOTE).exists():
            with suppress(OSError):
                (root / UNSENT).touch()
        _keep(root.parent, storage)


def keep(runs_dir: Path) -> None:
    """Send the runs of a folder that the archive lacks, where the settings name one; what cannot be sent is told in a line."""
    if (storage := _named(runs_dir)) is not None:
        _keep(runs_dir, storage)


def _named(runs_dir: Path) -> Storage | None:
    """The archive that the settings name; None where they name none, or are wrong by now: a run that has ended is not lost by that."""
    try:
        return settings.archive(runs_dir)
    except UsageError as error:
        tell(f"runs of {runs_dir} are not sent to the archive: {error}")
        return None


def _keep(runs_dir: Path, storage: Storage) -> None:
    for mark in sorted(runs_dir.glob(f"*/{UNSENT}")):
        run = RunDir(mark.parent.resolve())
        try:
            with FileLock(run.lock, is_singleton=True).acquire(timeout=0):
                send(run, storage)
        except Timeout:
            continue  # whoever goes on with it sends it
        except (BudgetMLError, OSError) as error:
            again = "; it is kept here, and the next run or resume tries again" if mark.exists() else ""
            tell(f"run {run.run_id} is not in the archive as it is now: {error}{again}")
            if isinstance(error, StorageError):
                return  # the others would wait for the same


def tell(line: str) -> None:
    """Say a line to the person, beside what the command prints."""
    print(visible(f"budgetml: {line}"), file=sys.stderr)


def _other_end(run: RunDir, found: Archived, storage: Storage) -> str:
    return (
        f"archive {storage} has another end of it, sent from {found.manifest.host} ({found.manifest.sent}): give this one another"
        f" archive, or remove {RUNS}/{run.run_id}.json there"
    )


def note(run: RunDir, *digests: str) -> None:
    """Note as which states of the archive the folder was left: two, while one is put in the place of the other."""
    write_whole(run.root / NOTE, " ".join(digests).encode(), durable=True)


def _notes(run: RunDir) -> list[str]:
    with suppress(OSError, ValueError):
        return read_plain(run.root / NOTE, SMALL).decode("ascii").split()
    return []


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, as the archive names contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(" ", "minutes")
