"""Everything that a task's folder holds as arrays, each with the expression by which a script reads it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BYTES = 600_000_000  # larger files are left out: the briefing shares the sandbox's memory with the script
ROLES = {
    "test": r"testing|test|holdout|unlabel\w*|(?<![a-z])(te|tst)(?![a-z])|(?<=^x)te?$",
    "valid": r"validation|valid|(?<![a-z])(val|dev|va)(?![a-z])|(?<=^x)va$",
    "train": r"training|train|(?<![a-z])(tr|trn)(?![a-z])|(?<=^[xy])tr$",
}
ID = re.compile(r"(?i)(^|[_ .])(id|ids|idx|index|indices|row|key|name|names|file|fold)s?$")


@dataclass(frozen=True)
class Array:
    """One array: `value` is a NumPy array or a SciPy sparse matrix, `code` the expression that reads it."""

    file: str
    key: str
    value: Any
    code: str

    @property
    def name(self) -> str:
        """The array's own name: its key in the archive, its column in the table, or its file's stem."""
        return self.key or Path(self.file).stem

    @property
    def role(self) -> str:
        """`train`, `valid`, `test`, or "" where neither its name nor its file says."""
        for text in (self.name, Path(self.file).stem):
            for role, pattern in ROLES.items():
                if re.search(pattern, text.lower().replace("_", " ").strip()):
                    return role
        return ""

    @property
    def base(self) -> str:
        """The name without the part's role: `x` of X_train, X_test, and of X in train.npz."""
        text = self.name.lower().replace("_", " ").strip()
        for pattern in ROLES.values():
            text = re.sub(pattern, " ", text)
        return re.sub(r"[^a-z0-9]", "", text)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return tuple(self.value.shape)

    @property
    def whole(self) -> bool:
        """Whether it is a dense array of whole numbers."""
        return bool(self.value.dtype.kind in "iu") and not sparse(self)


def sparse(array: Array) -> bool:
    """Whether the array is a SciPy sparse matrix."""
    return hasattr(array.value, "tocsr")


def quote(text: str) -> str:
    """A Python literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def arrays(folder: Path, leave: str) -> list[Array]:
    """Every array in the .npz and .npy files below `folder` but the submission `leave`; pickled ones are left out."""
    import numpy as np

    found: list[Array] = []
    for path in sorted(folder.rglob("*.np[yz]")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or path.stat().st_size > BYTES or name == leave:
            continue
        try:
            if path.suffix == ".npy":
                found.append(Array(name, "", np.load(path, mmap_mode="r"), f"np.load({quote(name)})"))
            else:
                found += archive(path, name)
        except (ValueError, OSError):
            continue  # pickled or damaged: a script of ours could not read it either
    return found


def archive(path: Path, name: str) -> list[Array]:
    """The arrays of one .npz file; the parts of a sparse matrix are joined to one."""
    import numpy as np
    import scipy.sparse as sp

    with np.load(path, allow_pickle=False) as file:
        values = {key: file[key] for key in file.files}
    if {"format", "shape", "data"} <= set(values):
        return [Array(name, "", sp.load_npz(path).tocsr(), f"sp.load_npz({quote(name)}).tocsr()")]
    found, reader = [], f"np.load({quote(name)})"
    for end in [key for key in values if key.endswith("indptr")]:
        start = end.removesuffix("indptr")
        parts = [start + part for part in ("data", "indices", "indptr", "shape")]
        if set(parts) <= set(values):
            data, indices, indptr, shape = (values.pop(part) for part in parts)
            matrix = sp.csr_matrix((data, indices, indptr), shape=tuple(shape))
            code = ", ".join(f"{reader}[{quote(part)}]" for part in parts[:3])
            code = f"sp.csr_matrix(({code}), shape={tuple(int(n) for n in shape)})"
            found.append(Array(name, start.strip("_.") or "matrix", matrix, code))
    return [*found, *(Array(name, key, value, f"{reader}[{quote(key)}]") for key, value in values.items())]


def columns(folder: Path, leave: str) -> list[Array]:
    """Every column of the .csv and .tsv files below `folder` but `leave` as a one-dimensional array."""
    found: list[Array] = []
    for name, frame, reader in frames(folder, leave):
        for column in frame.columns:
            code = f"{reader}[{quote(str(column))}].to_numpy()"
            found.append(Array(name, str(column), frame[column].to_numpy(), code))
    return found


def frames(folder: Path, leave: str) -> list[tuple[str, Any, str]]:
    """The .csv and .tsv files below `folder` but `leave`: name, data frame, expression that reads it."""
    import pandas as pd

    found = []
    for path in sorted(folder.rglob("*.[ct]sv")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or path.stat().st_size > BYTES // 4 or name == leave:
            continue
        mark = ', sep="\\t"' if path.suffix == ".tsv" else ""
        try:
            frame = pd.read_csv(path, sep="\t" if mark else ",")
        except (ValueError, OSError):
            continue  # no table: the file may hold sentences or anything else
        found.append((name, frame, f"pd.read_csv({quote(name)}{mark})"))
    return found


def imports(*codes: str) -> str:
    """The import lines that `codes` need, NumPy always among them."""
    known = {
        "json.": "import json",
        "re.": "import re",
        "np.": "import numpy as np",
        "pd.": "import pandas as pd",
    }
    known["sp."] = "import scipy.sparse as sp"
    text = "\n".join(["np.", *codes])
    lines = [line for mark, line in known.items() if re.search(rf"(?<![\w.]){re.escape(mark)}", text)]
    standard = [line for line in lines if line in ("import json", "import re")]
    rest = [line for line in lines if line not in standard]
    return "\n".join([*standard, *([""] if standard else []), *rest])
