"""Snapshots: what a script left in its workspace, kept as files by hash and a manifest that names them.

Names and contents come from a script that may mean harm: no link is followed, nothing but plain files is opened, and
nothing is run.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.sandbox.workspace import oddity, open_plain
from memory.artifacts import Artifacts as Store
from memory.artifacts import CorruptArtifactError
from nodes.deps import Artifacts

MB = 1 << 20
MOST_FILE = 16 * MB  # scripts, submissions, small models; a large model is made again by its script
MOST_BYTES = 64 * MB  # of a snapshot: a run of twelve turns stays below a gigabyte at worst
LEAST = MB // 8  # of each file: it is flushed to the disk, and hundreds of these take a second
MOST_HASHED = 512 * MB  # of what is only named: half a second, where sparse files pretend to be terabytes
MOST_NAMES = 10_000  # entries of a manifest
LONGEST = 1024  # bytes of a path: it must fit below another folder, too
KEPT = ".kept"  # what a restored name ends in that a tool would obey
LONGEST_NAME = 255  # bytes of a file's name
UNWANTED = {
    "__pycache__": "a cache",
    ".git": "git would run what stands in it",  # for anyone whose prompt asks git about the restored folder
}


def take(folder: Path, artifacts: Artifacts, data: Mapping[str, str], most_bytes: int = MOST_BYTES) -> str:
    """Keep what lies in a workspace whose processes are all dead; return the id of its manifest.

    `data` maps the read-only files that were bound into it to their SHA-256: they are named, not looked at. At most
    `most_bytes` are stored. The manifest is a JSON object:

        files     [{path, size, mode, sha256, stored, why}]: the plain files. Where one is not stored, `why` says why, and
                  `sha256` is null where it was not even read
        others    {path: what it is}: links, pipes, files with a second name, folders that cannot be read
        data      as given
        unlisted  how many entries more there were
    """
    # What lies at the top matters most: below it a script may leave any number of files.
    found = sorted(_entries(folder), key=lambda entry: (entry[0].count("/"), entry[1].st_size, entry[0]))
    found = [(path, status) for path, status in found if path not in data]
    files, others, keeper = list[dict[str, Any]](), dict[str, str](), _Keeper(artifacts, most_bytes)
    for path, status in found[:MOST_NAMES]:
        file = _trouble(path, status) or open_plain(folder / path)
        if isinstance(file, str):
            others[path] = file
            continue
        with file:
            kept = keeper.keep(path, status.st_size, file)
        files.append({"path": path, "size": status.st_size, "mode": stat.S_IMODE(status.st_mode), **kept})
    unlisted = len(found[MOST_NAMES:])
    manifest = {
        "kind": "snapshot",
        "files": files,
        "others": others,
        "data": dict(data),
        "unlisted": unlisted,
    }
    # As ASCII: a name that is no UTF-8 must come back as it was.
    return artifacts.put(json.dumps(manifest, sort_keys=True, indent=1))


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the relative path and status of all in `folder` but of the folders that were looked into."""
    stack = [""]
    while stack:
        place = stack.pop()
        try:
            inner = list(os.scandir(folder / place))
        except OSError:
            yield place, (folder / place).lstat()
            continue
        for entry in inner:
            path = f"{place}/{entry.name}" if place else entry.name
            if entry.is_dir(follow_symlinks=False) and not _is_long(path):
                stack.append(path)
            else:
                yield path, entry.stat(follow_symlinks=False)


def _is_long(path: str) -> bool:
    return len(os.fsencode(path)) > LONGEST


def _trouble(path: str, status: os.stat_result) -> str:
    """Say why an entry cannot be a file of a snapshot, "" where it can."""
    if stat.S_ISDIR(status.st_mode):
        return "is a folder below too many others" if _is_long(path) else "is a folder that cannot be read"
    return oddity(status) or ("has too long a path" if _is_long(path) else "")


class _Keeper:
    """Stores files until the room for them is used up, then only hashes them, then only names them."""

    def __init__(self, artifacts: Artifacts, room: int) -> None:
        self.artifacts, self.room, self.effort = artifacts, room, MOST_HASHED

    def keep(self, path: str, size: int, file: BufferedReader) -> dict[str, Any]:
        """Return the file's `sha256`, whether it is `stored`, and `why` not."""
        why = self._why_not(path, size)
        if not why:
            self.room -= max(size, LEAST)
            return {"sha256": self.artifacts.put(file.read(size)), "stored": True, "why": ""}
        if size > self.effort:
            return {"sha256": None, "stored": False, "why": why}
        self.effort -= size
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "stored": False, "why": why}

    def _why_not(self, path: str, size: int) -> str:
        unwanted = [why for part in path.split("/") if (why := UNWANTED.get(part.lower()))]
        if unwanted:
            return unwanted[0]
        if size > MOST_FILE:
            return f"larger than {MOST_FILE // MB} MB"
        return "the snapshot is full" if max(size, LEAST) > self.room else ""


def contents(manifest: Mapping[str, Any]) -> list[str]:
    """Return the ids of the artifacts that a snapshot is made of."""
    return [file["sha256"] for file in manifest["files"] if file["stored"]]


def tamed(path: str) -> str:
    """Return a path at which no tool obeys what is restored; another one for every path.

    Git takes any folder with a HEAD for a repository and runs what its settings say, at each prompt; direnv, editors and
    version managers read files whose names begin with a dot.
    """
    return "/".join(map(_tamed, PurePosixPath(path).parts))


def _tamed(name: str) -> str:
    if not (name.startswith(".") or name.lower() == "head" or name.endswith(KEPT)):
        return name
    if len(os.fsencode(name + KEPT)) > LONGEST_NAME:
        return hashlib.sha256(os.fsencode(name)).hexdigest() + KEPT
    return name + KEPT


def restore(manifest: Mapping[str, Any], artifacts: Store, target: Path) -> dict[str, str]:
    """Write the stored files into `target`, a new or empty folder, with their modes: `tamed` path -> the script's.

    Raises UsageError where `target` is no such folder, and UnavailableError, before anything is written, where a content
    is missing or was changed or a path leads outside.
    """
    files = [(file, _content(file, artifacts)) for file in manifest["files"] if file["stored"]]
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target}: is no empty folder; name a new one")
        target.mkdir(parents=True, exist_ok=True)
        for file, content in files:
            path = target / tamed(file["path"])
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                out.write(content)
                os.fchmod(out.fileno(), file["mode"] & 0o777)  # never setuid, setgid or sticky
    except OSError as error:
        raise UnavailableError(f"cannot write {str(error.filename or target)!r}: {error.strerror}") from None
    return {tamed(file["path"]): file["path"] for file, _ in files}


def _content(file: Mapping[str, Any], artifacts: Store) -> bytes:
    path = PurePosixPath(file["path"])
    if path.is_absolute() or not path.name or ".." in path.parts or "\0" in file["path"]:
        raise UnavailableError(f"snapshot: {file['path']!r} is no path inside a folder")
    try:
        return artifacts.read(file["sha256"])
    except FileNotFoundError:
        missing = artifacts.folder / file["sha256"]
        raise UnavailableError(f"snapshot: the content of {file['path']!r} is missing: {missing}") from None
    except CorruptArtifactError as error:
        raise UnavailableError(f"snapshot: {error}") from None
