"""Arrays of a task, each with the expression by which a script reads it, and what their names say."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .reading import quote

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
        return bool(self.value.dtype.kind in "iu") and not self.sparse

    @property
    def sparse(self) -> bool:
        """Whether it is a SciPy sparse matrix."""
        return hasattr(self.value, "tocsr")


def archive(path: Path) -> dict[str, Any]:
    """The arrays of an .npz file by their keys. Raises as `arrays` does."""
    with (
        path.open("rb") as opened,
        np.load(opened, allow_pickle=False) as file,
    ):  # it leaves a damaged file open
        return {key: file[key] for key in file.files}


def arrays(path: Path, name: str) -> list[Array]:
    """The arrays of one .npy or .npz file; the parts of a sparse matrix are joined to one.

    Raises ValueError for pickled ones, OSError or BadZipFile for a damaged file: scripts of ours could not read either.
    """
    import scipy.sparse as sp

    reader = f"np.load({quote(name)})"
    if path.suffix == ".npy":
        return [Array(name, "", np.load(path, mmap_mode="r"), reader)]
    values = archive(path)
    if {"format", "shape", "data"} <= set(values):
        return [Array(name, "", sp.load_npz(path).tocsr(), f"sp.load_npz({quote(name)}).tocsr()")]
    found = []
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
