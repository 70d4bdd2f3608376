"""A run of the archive, as a folder of a copy in the cache: to be looked at from this machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.carried import of_text
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records.archive import FILES, Archived, digest_of, note, there
from budgetmlagent.records.packed import CONFIG, MONEY, STATES, names
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.storage import Storage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def fetch(run_id: str, runs_dir: Path, storage: Storage) -> RunDir | None:
    """Return a run whose folder is, from now on, as the archive has it; None where it has no such run.

    `runs_dir` is a copy of the archive in the cache, and its ledger that one's own: no line of an archive comes into a ledger by
    which money is spent. What a killed fetch left is completed by the next one. Raises
    UnavailableError where the archive cannot be read or what it has is damaged, UsageError while somebody goes on with the run.
    """
    run = RunDir(runs_dir / run_id)
    with storage.opened() as (fs, top):
        found = there(fs, top, run_id, storage)
        if found is None:
            return None
        run.root.mkdir(0o700, parents=True, exist_ok=True)
        try:
            with FileLock(run.lock, is_singleton=True).acquire(timeout=0):
                _refuse_links(run)
                _fetch(run, found, fs, top)
        except Timeout:
            raise UsageError(f"run {run_id} is running in another process") from None
    return run


def _fetch(run: RunDir, found: Archived, fs: "AbstractFileSystem", top: str) -> None:
    wanted = found.manifest.files
    here = {name: digest_of(run.root / name) for name in names(run)}
    lacking = {name: digest for name, digest in wanted.items() if here.get(name) != digest}
    with _scratch(run) as scratch:
        got = {digest: scratch / digest for digest in lacking.values()}
        fs.get([f"{top}/{FILES}/{digest}" for digest in got], [str(path) for path in got.values()])
        for digest, path in got.items():
            if digest_of(path) != digest:
                raise UnavailableError(
                    f"archive: {FILES}/{digest} of run {run.run_id} was changed: its hash is another"
                )
        Ledger(run.ledger).bring(of_text(got[lacking.pop(MONEY)].read_bytes(), run.run_id))
        if STATES in lacking:
            for path in run.root.glob(f"{STATES}*"):
                path.unlink()
        for name in here.keys() - wanted.keys():
            (run.root / name).unlink()
        for name in sorted(lacking, key=lambda name: name == CONFIG):  # which makes the folder a run
            (run.root / name).parent.mkdir(parents=True, exist_ok=True)
            part = got[lacking[name]].with_suffix(".copy")  # a content may have several names
            shutil.copyfile(got[lacking[name]], part)
            part.replace(run.root / name)
    note(run, found.digest)


@contextmanager
def _scratch(run: RunDir) -> Iterator[Path]:
    """Make a folder on the same disk for what comes, in the place of one that a killed fetch has left."""
    folder = run.root.parent / f".fetch-{run.run_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_links(run: RunDir) -> None:
    if run.root.is_symlink() or next(run.links(), None):
        raise UnavailableError(f"{run.root}: there are links in it, and no run makes any; remove the folder")
