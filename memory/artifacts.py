"""Files by hash: what a run wrote or read, each a plain file `DIR/SHA256` that never changes."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from memory.files import parsed, read_plain, write_whole

NAME = re.compile(r"[0-9a-f]{64}")


def canonical(value: Any) -> bytes:
    """Return a JSON value in the one form in which it is stored."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "surrogateescape")


class CorruptArtifactError(Exception):
    """A stored file does not have the content that its name promises."""


class Artifacts:
    """A content-addressed folder. Writing the same bytes twice is one file."""

    def __init__(self, folder: Path, *, make: bool = True) -> None:
        """Take the folder, which is made where there is none, unless it is only to be read."""
        self.folder = folder
        if make:
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes | str) -> str:
        """Store `data` (text as UTF-8) and return its SHA-256 in hex."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        name = hashlib.sha256(raw).hexdigest()
        path = self.folder / name
        if not path.exists():
            write_whole(path, raw, durable=True)
        return name

    def put_json(self, value: Any) -> str:
        """Store a JSON value; equal values have equal ids."""
        return self.put(canonical(value))

    def read(self, name: str) -> bytes:
        """Return the bytes of artifact `name`.

        Raises FileNotFoundError where there is none and CorruptArtifactError where its hash is another, or `name` is no hash.
        """
        if not (
            isinstance(name, str) and NAME.fullmatch(name)
        ):  # else it could be a path that leads elsewhere
            raise CorruptArtifactError(f"{str(name)[:80]!r} is no artifact's name")
        raw = read_plain(self.folder / name)
        if hashlib.sha256(raw).hexdigest() != name:
            raise CorruptArtifactError(f"artifact {self.folder / name} was changed: its hash is another")
        return raw

    def text(self, name: str) -> str:
        """Return artifact `name` as text."""
        return self.read(name).decode("utf-8", "replace")

    def json(self, name: str) -> Any:
        """Return artifact `name` as a JSON value. Raises CorruptArtifactError where it is none."""
        try:
            return parsed(self.text(name))
        except ValueError as error:
            raise CorruptArtifactError(f"artifact {self.folder / name} is no JSON value: {error}") from None
