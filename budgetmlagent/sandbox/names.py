"""The index of public names of the scripts' libraries, made once for a set of versions and kept on disk."""

import functools
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from budgetmlagent import inside
from budgetmlagent.cache import cache
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.cages.interpreter import PACKAGES, Interpreter
from budgetmlagent.sandbox.trusted import run_module
from memory.files import write_whole

MAIN = Path(inside.__file__ or "").with_name("names.py")
SECONDS = 180.0  # a first import from a cold disk


@functools.cache
def index(cage: Cage, python: Interpreter) -> Mapping[str, str]:
    """Return public names and the module to import each from, e.g. "RandomForestClassifier" -> "sklearn.ensemble".

    The first call for a set of installed versions takes seconds. Raises RunFailedError where the libraries cannot be read.
    """
    path = cache() / f"names-{_key(python)}.json"
    try:
        kept: dict[str, str] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        text = run_module(cage, MAIN, mounts_ro={}, args=[], seconds=SECONDS, python=python.path)
        kept = json.loads(text)
        with suppress(OSError):  # it can be made again
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode())
    return kept


def _key(python: Interpreter) -> str:
    """Hash what decides the index: the interpreter, the versions installed, and the walk itself."""
    roots = (python.prefix, python.base_prefix)
    installed = sorted(
        path.name
        for root in roots
        for kind in PACKAGES
        for path in root.glob(f"lib*/py*3*/{kind}/*.dist-info")
    )
    parts = [str(python.path), python.version, *installed]
    return hashlib.sha256("\n".join(parts).encode() + MAIN.read_bytes()).hexdigest()[:16]
