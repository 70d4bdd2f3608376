"""The interpreter of a task's scripts: what must be visible of it, and what lies in there that must not be."""

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from budgetmlagent.errors import UsageError

PROBE = (
    "import json, sys; print(json.dumps("
    "[sys.prefix, sys.base_prefix, '%d.%d' % sys.version_info[:2], sys.path]))"
)
CLEAN = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
}  # it runs outside the sandbox: it gets nothing of ours, no key above all
PACKAGES = ("site-packages", "dist-packages")
# What an environment is made of. One that was made in the folder of a project, `python -m venv .`, has the project beside it.
PARTS = (
    "bin",
    "include",
    "lib",
    "lib32",
    "lib64",
    "libexec",
    "pyvenv.cfg",
    "share",
    "ssl/cacert.pem",
    "ssl/cert.pem",
)
OURS = Path("budgetmlagent", "tasks")  # with the bundled tasks' answers
SYSTEM = (Path("/usr"), Path("/usr/local"))  # large: looked through by name
# Below a folder that is called data, or similarly, these files are data sets; the code beside them stays.
DATA_FILES = (
    ".csv", ".tsv", ".arff", ".data", ".dat", ".xls", ".xlsx", ".parquet", ".feather", ".rda", ".rds", ".dta",
    ".npy", ".npz", ".h5", ".hdf5", ".pkl", ".pickle", ".libsvm", ".svm", ".jsonl", ".sqlite", ".ts", ".mat",
)  # fmt: skip
ALSO_IN_DATASETS = (".json", ".txt")  # elsewhere these are a library's own tables
COMPRESSED = (".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter, by its own word."""

    path: Path
    prefix: Path
    base_prefix: Path
    version: str
    packages: tuple[Path, ...]  # the folders of installed packages that it imports from

    def installed(self) -> list[str]:
        """Name and version of each installed distribution, as the folders are called that tell of them."""
        return sorted(path.name for folder in self.packages for path in folder.glob("*-info"))

    def prefixes(self) -> tuple[Path, ...]:
        """Folders that it was installed in, beside /usr; an outer folder comes before an inner one."""
        found = {self.prefix, self.base_prefix, self.prefix.resolve(), self.base_prefix.resolve()}
        return tuple(sorted(path for path in found if not path.is_relative_to("/usr")))

    def visible(self) -> tuple[Path, ...]:
        """What must be visible for it to work, beside /usr and `links`; an outer folder comes before an inner one."""
        parts = [path for path in self._parts() if path.exists() and not path.is_symlink()]
        within = [path for path in self.packages if any(map(path.is_relative_to, self.prefixes()))]
        other = [path for path in within if not any(map(path.is_relative_to, [*parts, *self.links()]))]
        return tuple(sorted([*parts, *other]))

    def links(self) -> tuple[Path, ...]:
        """Links that must be there as what they are: what they lead to is not visible for their sake."""
        return tuple(path for path in self._parts() if path.is_symlink())

    def _parts(self) -> list[Path]:
        return [prefix / part for prefix in self.prefixes() for part in PARTS]


def interpreter(python: Path | None) -> Interpreter:
    """Describe `python`, or the running interpreter for None.

    Raises UsageError where it does not answer, and where the person has not said that it may be started.
    """
    # Not above: a runner, which starts each script, asks nobody.
    from budgetmlagent.sandbox.cages.confirmed import confirm

    confirm(python, trust=False)
    return _described(python)


@functools.cache
def _described(python: Path | None) -> Interpreter:
    path = Path(sys.executable) if python is None else Path(os.path.abspath(python))  # noqa: PTH100 - a venv's link must stay a link
    if python is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return Interpreter(path, Path(sys.prefix), Path(sys.base_prefix), version, _packages(sys.path))
    try:
        done = subprocess.run(
            [path, "-I", "-c", PROBE],
            env=CLEAN,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        prefix, base, version, entries = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UsageError(
            f"python: {path} does not work as a Python interpreter ({type(error).__name__}); give another"
        ) from None
    return Interpreter(path, Path(prefix), Path(base), version, _packages(entries))


def _packages(entries: list[str]) -> tuple[Path, ...]:
    return tuple(path for path in map(Path, entries) if path.name in PACKAGES)


@functools.cache
def masks(python: Interpreter) -> tuple[Path, ...]:
    """Paths to hide in what is visible: data sets that libraries bundle, and our own tasks with their answers.

    `sklearn.datasets.load_digits()` holds all test labels of a task on digits. Packages of other environments, which
    the interpreter does not import from, are hidden whole: each mount costs a start some tenths of a millisecond.
    """
    found: list[Path] = []
    imported = [path.resolve() for path in python.packages]
    prefixes = [*SYSTEM, *python.prefixes(), python.prefix, python.base_prefix]
    nltk = [root / name for root in dict.fromkeys(prefixes) for name in ("share/nltk_data", "nltk_data")]
    found += [path for path in nltk if path.is_dir() and within(python, [path])]
    for root in dict.fromkeys([*SYSTEM, *python.visible()]):
        for packages in _package_folders(root):
            if not any(path.is_relative_to(packages.resolve()) for path in imported):
                # A link may lead to where nothing is visible.
                found += within(python, [packages]) if packages.is_symlink() else [packages]
                continue
            if (packages / OURS).is_dir():
                found.append(packages / OURS)
            found += _data_sets(packages)
    ours = Path(__file__).parents[2] / OURS.name
    return tuple(dict.fromkeys([*found, *within(python, [ours])]))


def within(python: Interpreter, paths: list[Path]) -> list[Path]:
    """Those of `paths` that would be visible, since they lie in a visible folder."""
    real = [path.resolve() for path in paths]
    return [path for path in real if path.exists() and any(map(path.is_relative_to, _roots(python)))]


@functools.cache
def _roots(python: Interpreter) -> tuple[Path, ...]:
    return (Path("/usr"), *python.visible())


def _package_folders(root: Path) -> list[Path]:
    """All folders of installed packages below `root`, those of nested environments too."""
    if root in SYSTEM:
        return [path for path in root.glob("lib*/py*3*/*-packages") if path.is_dir()]
    if root.name in PACKAGES:
        return [root]
    found = []
    for folder, folders, _ in os.walk(root):
        found += [Path(folder, name) for name in folders if name in PACKAGES]
        folders[:] = [name for name in folders if name not in (*PACKAGES, "share", "include", "pkgs")]
    return found


def _data_sets(packages: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(packages):
        folders[:] = [name for name in folders if name != "__pycache__"]  # every second one, of thousands
        inside = folder.removeprefix(str(packages)).lower()
        if "data" not in inside:
            continue
        parts = Path(inside).parts
        wide = any("dataset" in part for part in parts)
        tests = "data" in parts[-1] and not {"test", "tests"}.isdisjoint(parts) and _has_data(folder)
        if tests or _is_nothing_but_data(folder, wide):
            found.append(Path(folder))
            folders.clear()
        else:
            found += [Path(folder, name) for name in names if _is_data(name, wide)]
    return found


def _is_nothing_but_data(folder: str, wide: bool) -> bool:
    """Tell whether a library needs the folder for no more than its data: it is hidden at one go, as are those in it."""
    return all(
        any(_is_data(name, wide) for name in names) and not any(map(_is_code, names))
        for below, _, names in os.walk(folder)
        if not below.endswith("__pycache__")
    )


def _has_data(folder: str) -> bool:
    return any(_is_data(name, wide=True) for _, _, names in os.walk(folder) for name in names)


def _is_data(name: str, wide: bool) -> bool:
    endings = [ending.lower() for ending in Path(name).suffixes[-2:]]
    kinds = DATA_FILES + (ALSO_IN_DATASETS if wide else ())
    return bool(endings) and (
        endings[-1] in kinds or (endings[-1] in COMPRESSED and (wide or endings[0] in DATA_FILES))
    )


def _is_code(name: str) -> bool:
    return name.endswith((".py", ".so", ".pyi")) and name != "__init__.py"
