"""Which artifacts of a run are needed: those that its stores name, and those that a needed one names.

A name is any SHA-256 in the text, wherever it stands: one too many keeps a file too long, one too few would lose it.
"""

import re
from collections.abc import Iterator
from contextlib import closing

from budgetmlagent.money.report import calls_of
from budgetmlagent.records.checkpoints import checkpoints_of, have_begun
from budgetmlagent.records.rundir import RunDir
from memory.files import read_plain

ID = re.compile(rb"[0-9a-f]{64}")
FILES = ("*.json", "*.jsonl", "*.yaml", "forks/*/*", "history/items/*")  # of a run's folder


def unneeded(run: RunDir) -> list[str]:
    """Return the ids of the artifacts that nothing of the run leads to; none where it has no checkpoints to tell by.

    The caller holds the run's lock. Raises UnavailableError where the checkpoints are damaged.
    """
    if not have_begun(run):
        return []
    there = {path.name for path in run.artifacts.glob("[0-9a-f]*") if ID.fullmatch(path.name.encode())}
    needed = set[str]()
    for text in _roots(run):
        new = (_named(text) & there) - needed
        while new:
            needed |= new
            new = {name for each in new for name in _named(_text(run, each))} & there - needed
    return sorted(there - needed)


def _roots(run: RunDir) -> Iterator[bytes]:
    """Yield the texts of all branches' checkpoints, of the money and of the run's own files."""
    with closing(checkpoints_of(run)) as saver:
        for point in saver.every():
            yield repr(point).encode("utf-8", "backslashreplace")
    yield repr(calls_of(run.ledger, run.run_id)).encode("utf-8", "backslashreplace")
    for pattern in FILES:
        for path in run.root.glob(pattern):
            yield read_plain(path)


def _text(run: RunDir, name: str) -> bytes:
    """Return what an artifact may name others in: JSON. A script, an output or a file of a snapshot names none."""
    with (run.artifacts / name).open("rb") as file:
        return file.read() if file.read(1) in (b"{", b"[") else b""


def _named(text: bytes) -> set[str]:
    return {found.decode() for found in ID.findall(text)}
