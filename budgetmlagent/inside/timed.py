"""The three phases of a timed task, each in a sandbox of its own: `make` inputs, `call` the function, `check` results.

Runs alone (`python -I timed.py PHASE ...`). `make` and `check` load the task's eval.py, `call` loads the script that
is timed: there, nothing of this file can be relied on, since the script may change it in memory.
"""

import importlib.util
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

READY = b"r"
LENGTH = 8  # bytes of the number before a message


def main() -> None:
    """Run the phase that the command line names, in the working directory."""
    phase, *args = sys.argv[1:]
    phases: dict[str, Callable[..., None]] = {"make": make, "call": call, "check": check}
    phases[phase](*args)


def make(scoring: str, *seeds: str) -> None:
    """Write the inputs that eval.py makes of each seed to SEED.npz."""
    module = load(Path(scoring, "eval.py"))
    for seed in seeds:
        Path(f"{seed}.npz").write_bytes(pack(module.make_inputs(int(seed))))


def call(function: str) -> None:
    """Load train.py, say so, then take inputs from standard input and give the function's results back by it.

    Standard input is a socket.
    """
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(0), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    timed = getattr(load(Path("train.py")), function)
    unpack(pack([0.0]))  # what numpy imports for it is not to be timed
    writer.write(READY)
    writer.flush()
    calls = unpack(reader.read(int.from_bytes(reader.read(LENGTH), "big")))
    data = pack([timed(*arguments) for arguments in calls])
    writer.write(len(data).to_bytes(LENGTH, "big") + data)
    writer.flush()
    os._exit(0)  # whatever threads the script has left


def check(scoring: str, *seeds: str) -> None:
    """Let eval.py compare SEED.npz with SEED.results.npz. What it raises is not caught: the caller reads it."""
    module = load(Path(scoring, "eval.py"))
    for seed in seeds:
        inputs = unpack(Path(f"{seed}.npz").read_bytes())
        module.check(inputs, unpack(Path(f"{seed}.results.npz").read_bytes()))


def load(file: Path) -> Any:
    """Import a file as a module of its name; what lies beside it can be imported, too."""
    sys.path.insert(0, str(file.parent.resolve()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # as `import` does; data classes and pickles look it up
    spec.loader.exec_module(module)
    return module


def pack(items: Sequence[Any]) -> bytes:
    """Write items, each a number, an array or a tuple of these, as an .npz file. Raises TypeError for others."""
    lengths = [len(item) if isinstance(item, tuple) else -1 for item in items]
    arrays: dict[str, Any] = {}
    for i, item in enumerate(items):
        for j, part in enumerate(item if isinstance(item, tuple) else (item,)):
            arrays[f"{i}.{j}"] = array = np.asarray(part)
            if array.dtype.hasobject:
                kind = type(part).__name__
                raise TypeError(f"a {kind} is no number, array of numbers or tuple of these")
    file = io.BytesIO()
    np.savez(file, lengths=np.array(lengths, dtype=np.int64), **arrays)
    return file.getvalue()


def unpack(data: bytes) -> list[Any]:
    """Read what `pack` wrote, a plain number where it was one. Never unpickles. Raises ValueError, KeyError."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        items = [tuple(_part(file[f"{i}.{j}"]) for j in range(abs(n))) for i, n in enumerate(file["lengths"])]
        return [item if n >= 0 else item[0] for item, n in zip(items, file["lengths"], strict=True)]


def _part(array: Any) -> Any:
    return array if array.ndim else array.item()


if __name__ == "__main__":
    main()
