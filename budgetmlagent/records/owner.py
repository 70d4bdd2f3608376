"""Whose run it is: one that was begun here carries a seal that only this person on this machine can make.

A run's folder says what its scripts may do, what may be spent, which hosts are asked and which variable holds the key for
them. Where somebody else wrote that, it is no word of this person. The seal is a code (HMAC-SHA256) over the whole of
`config.json`, the run's id among it, with a random key that lies with the person's own state. It says who began a run, not
what has become of its states since: a run without a sandbox is therefore known in its own folder alone, not where it was
passed on and came back.
"""

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from budgetmlagent.cache import state
from memory.files import write_whole
from memory.locks import locked

SEAL = "owner"  # the file in a run's folder
BYTES = 32  # of the key


def seal(folder: Path, config: bytes) -> None:
    """Mark the run in `folder` as this person's, with the `config.json` that is about to be written.

    The one that is there holds as before until then, whatever ends this process. A run that cannot be marked is asked about
    when it is gone on with.
    """
    with suppress(OSError):
        key = _made_key()
        before = [_code(folder, key, _config(folder))] if is_own(folder) else []
        write_whole(folder / SEAL, "\n".join([_code(folder, key, config), *before]).encode())


def is_own(folder: Path) -> bool:
    """Whether the run in `folder` was begun here, and its config.json is as it was then."""
    try:
        said, key = (folder / SEAL).read_text("ascii").split(), _key_file().read_bytes()
        code = _code(folder, key, _config(folder))
        return len(key) == BYTES and any(hmac.compare_digest(each, code) for each in said)
    except (OSError, UnicodeDecodeError):
        return False


def _config(folder: Path) -> bytes:
    return (folder / "config.json").read_bytes()


def _code(folder: Path, key: bytes, config: bytes) -> str:
    place = os.fsencode(folder.resolve()) if _is_unsafe(config) else b""
    return hmac.digest(key, b"run\0" + place + b"\0" + config, hashlib.sha256).hex()


def _is_unsafe(config: bytes) -> bool:
    try:
        return b"true" in config and json.loads(config)["unsafe"] is not False
    except (ValueError, RecursionError, LookupError, TypeError):
        return True


def _made_key() -> bytes:
    """The key, which is made when it is first needed."""
    file = _key_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_suffix(".lock")):
        if not file.exists():
            write_whole(file, secrets.token_bytes(BYTES), durable=True, mode=0o600)
    return file.read_bytes()


def _key_file() -> Path:
    return state() / "owner.key"
