"""The files of a task, each read once, whichever modules ask for it."""

import json
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from . import stock
from .reading import PLAIN, UNREADABLE, calls, quote, table
from .stock import Array

# Larger files are left out: the briefing shares the sandbox's memory with what it reads.
TABLE, ARRAYS, TEXT = 400_000_000, 600_000_000, 150_000_000
TEXTS = (".txt", ".text", ".md", ".tokens", ".conll", ".tsv", ".iob")


def walk(folder: Path) -> dict[str, Path]:
    """Every file below `folder`, by its name as scripts write it; links are left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in paths}


class Files:
    """What the files of `walk` hold. All but `tables` leave out the submission, should it lie there as `leave`."""

    def __init__(self, paths: dict[str, Path], starter: str = "", leave: str = "") -> None:
        self.paths, self.starter, self.leave = paths, starter, leave

    def ending(self, endings: tuple[str, ...], most: int) -> list[tuple[str, Path]]:
        """Name and path of each file with one of the `endings` and at most so many bytes."""
        return [
            (name, path) for name, path in self.paths.items()
            if name != self.leave and name.lower().endswith(endings) and path.stat().st_size <= most
        ]  # fmt: skip

    @cached_property
    def tables(self) -> dict[str, tuple[Any, str]]:
        """Every table, of JSON records too: file -> (data frame, expression that reads it)."""
        used = calls(self.starter)
        small = {name: path for name, path in self.paths.items() if path.stat().st_size <= TABLE}
        read = {name: table(path, name, used.get(name)) for name, path in small.items()}
        return {name: found for name, found in read.items() if found is not None}

    @property
    def frames(self) -> list[tuple[str, Any, str]]:
        """Every plain table: file, data frame, expression that reads it."""
        plain = [name for name in self.tables if name.lower().endswith(PLAIN) and name != self.leave]
        return [(name, *self.tables[name]) for name in plain]

    @cached_property
    def columns(self) -> list[Array]:
        """Every column of a plain table as a one-dimensional array."""
        return [
            Array(name, str(column), frame[column].to_numpy(), f"{reader}[{quote(column)}].to_numpy()")
            for name, frame, reader in self.frames
            for column in frame.columns
        ]

    @cached_property
    def arrays(self) -> list[Array]:
        """Every array in a .npz or .npy file."""
        found: list[Array] = []
        for name, path in self.ending((".npy", ".npz"), ARRAYS):
            with suppress(*UNREADABLE):
                found += stock.arrays(path, name)
        return found

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every text: file -> its content, line ends as they are."""
        return {name: path.read_bytes().decode(errors="replace") for name, path in self.ending(TEXTS, TEXT)}

    @cached_property
    def values(self) -> dict[str, tuple[Any, str]]:
        """The value of every JSON file, and the list of those in a file of JSON lines; with the expression for it."""
        found: dict[str, tuple[Any, str]] = {}
        for name, path in self.ending((".json", ".jsonl"), TEXT):
            reader = f'Path({quote(name)}).read_text(encoding="utf-8")'
            with suppress(ValueError):
                text = path.read_text(encoding="utf-8")
                if name.lower().endswith(".json"):
                    found[name] = json.loads(text), f"json.loads({reader})"
                else:
                    lines = [json.loads(line) for line in text.splitlines()]
                    found[name] = lines, f"[json.loads(line) for line in {reader}.splitlines()]"

        return found
