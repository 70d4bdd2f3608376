"""An archive to be looked at: a runs folder in the cache, with what `list` and `cost` need of each run; the rest of a run is
fetched when it is opened.

Its ledger is a file of its own, whatever the project's settings say: to look at others' runs spends nothing here.
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from budgetmlagent import disk, settings
from budgetmlagent.cache import copies, is_copy
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.carried import of_text
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.money.place import LEDGER
from budgetmlagent.records import rundir
from budgetmlagent.records.archive import FILES, RUNS, Archived, is_run, read, tell
from budgetmlagent.records.fetched import fetch
from budgetmlagent.records.packed import CONFIG, MONEY, NOTE
from budgetmlagent.records.rundir import RunDir, as_json
from budgetmlagent.storage import Storage
from memory.files import SMALL, is_name, parsed, read_plain, write_whole
from memory.locks import locked

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

WHERE, SEEN = "archive", "seen.json"  # of which archive it is a copy; as which each run was seen there
SUMMARY = "run.json"
SHOWN = (CONFIG, SUMMARY, MONEY)
AT_ONCE = 100  # runs that are asked for together
PATIENCE = 60.0  # seconds for another command to be done with the same


def refreshed(storage: Storage) -> Path:
    """Return the folder, as the archive is now. Raises UnavailableError where that cannot be read."""
    folder = copies() / hashlib.sha256(storage.url.encode()).hexdigest()[:16]
    with disk.clear():
        folder.mkdir(0o700, parents=True, exist_ok=True)
        with locked(folder / "lock", PATIENCE), storage.opened() as (fs, top):
            write_whole(folder / WHERE, storage.url.encode())
            _refresh(folder, storage, fs, top)
    return folder


def _refresh(folder: Path, storage: Storage, fs: "AbstractFileSystem", top: str) -> None:
    found, seen = _listed(fs, top), _seen(folder)
    for run in seen.keys() - found.keys():
        shutil.rmtree(folder / run, ignore_errors=True)
    seen = {run: mark for run, mark in seen.items() if run in found}
    changed = [run for run, mark in found.items() if seen.get(run) != mark]
    for start in range(0, len(changed), AT_ONCE):
        archived = list(_read(changed[start : start + AT_ONCE], storage, fs, top))
        seen |= {run: found[run] for run in _looked_at(folder, archived, fs, top)}
        write_whole(folder / SEEN, as_json(seen))


def _listed(fs: "AbstractFileSystem", top: str) -> dict[str, str]:
    """Return the runs of an archive, each with a mark that changes with it."""
    files = fs.find(f"{top}/{RUNS}", maxdepth=1, detail=True)
    named = {PurePosixPath(path): about for path, about in files.items() if about["size"] <= SMALL}
    return {
        path.stem: hashlib.sha256(repr(sorted(about.items())).encode()).hexdigest()
        for path, about in named.items()
        if path.suffix == ".json" and is_run(path.stem)
    }


def _seen(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        return dict(parsed(read_plain(folder / SEEN, SMALL)))
    return {}


def _read(runs: Sequence[str], storage: Storage, fs: "AbstractFileSystem", top: str) -> Iterator[Archived]:
    """Yield what runs consist of; a damaged one is told and passed over."""
    texts = fs.cat([f"{top}/{RUNS}/{run}.json" for run in runs], on_error="omit")
    for path, text in texts.items():
        try:
            yield read(text, PurePosixPath(path).stem, storage)
        except UnavailableError as error:
            tell(str(error))


def _looked_at(folder: Path, found: Sequence[Archived], fs: "AbstractFileSystem", top: str) -> Iterator[str]:
    """Have of each run what it was asked for, how it ended and what it cost, and yield its name; a damaged one is told."""
    wanted = {each.manifest.files[name] for each in found for name in SHOWN if name in each.manifest.files}
    paths = [f"{top}/{FILES}/{digest}" for digest in sorted(wanted)]
    texts = fs.cat(paths, on_error="omit") if paths else {}
    by_digest = {hashlib.sha256(text).hexdigest(): text for text in texts.values()}
    for manifest in (each.manifest for each in found):
        parts = {name: by_digest.get(digest, b"") for name, digest in manifest.files.items() if name in SHOWN}
        try:
            if not all(parts.values()):
                raise UnavailableError(
                    f"run {manifest.run}: a file of it was changed in the archive, or is missing"
                )
            Ledger(folder / LEDGER).bring(of_text(parts.pop(MONEY), manifest.run))
        except UnavailableError as error:
            tell(str(error))
            continue
        run = folder / manifest.run
        run.mkdir(0o700, exist_ok=True)
        (run / NOTE).unlink(missing_ok=True)  # the rest is fetched when it is opened
        for name, content in parts.items():
            write_whole(run / name, content)
        yield manifest.run


def found(run: str | Path, runs_dir: Path) -> RunDir:
    """Return the run as `rundir.find` does; of a copy of an archive the whole run is fetched first. Raises what both raise."""
    if is_copy(runs_dir):
        here = rundir.find(run, runs_dir)
        if here.root.parent == runs_dir.resolve() and not (here.root / NOTE).exists():
            fetch(here.run_id, runs_dir, Storage(read_plain(runs_dir / WHERE, SMALL).decode()))
        return here
    try:
        return rundir.find(run, runs_dir)
    except UsageError as error:
        storage = settings.archive(runs_dir) if is_name(str(run)) else None
        if storage is None:
            raise
        raise UsageError(f"{error}; of the archive's runs, `--runs-dir {storage}` tells") from None
