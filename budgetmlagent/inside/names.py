"""Prints an index of public names, {"RandomForestClassifier": "sklearn.ensemble"}, as one JSON object.

Runs alone (`python -I names.py`), in the sandbox, with the interpreter of a task's scripts: it imports each
public module of the libraries below, which is why it is not run on the host. Where two modules have a name, the
earlier library, then the flatter module, then the one whose own name it is wins.
"""

import contextlib
import importlib
import io
import json
import pkgutil
import sys
import types
import warnings

LIBRARIES = ("sklearn", "numpy", "pandas", "scipy", "lightgbm", "xgboost", "catboost", "torch", "joblib")
DEEP = ("sklearn", "numpy", "scipy", "pandas")  # their public modules lie one or two levels down
DEPTH = 2
STANDARD = (
    "collections", "itertools", "functools", "pathlib", "math", "json", "re", "random", "time", "datetime", "os",
    "sys", "csv", "glob", "pickle", "copy", "string", "statistics", "heapq", "bisect", "operator", "contextlib",
    "dataclasses", "typing", "concurrent.futures", "multiprocessing", "threading", "subprocess", "tempfile",
    "shutil", "io", "gzip", "zipfile", "hashlib", "struct", "warnings", "logging", "argparse", "enum", "abc",
    "fractions", "decimal", "uuid", "textwrap", "unicodedata", "difflib", "queue", "types", "inspect", "traceback",
    "importlib", "platform", "collections.abc",
)  # fmt: skip
PRIVATE = (
    "tests", "testing", "conftest", "externals", "setup", "distutils", "f2py", "compat", "core", "experimental",
    "estimator_checks",
)  # fmt: skip


def main() -> None:
    """Print the index."""
    index: dict[str, str] = {}
    for library in (*LIBRARIES, *STANDARD):
        for module in sorted(_modules(library), key=lambda m: (m.__name__.count("."), m.__name__)):
            for name in _public(module, library.partition(".")[0]):
                index.setdefault(name, module.__name__)
    print(json.dumps(index, sort_keys=True))


def _modules(name: str) -> list[types.ModuleType]:
    """Import a library and, of those that lie deep, its public modules."""
    module = _import(name)
    if module is None:
        return []
    found = [module]
    if name.partition(".")[0] in DEEP and name.count(".") < DEPTH:
        for entry in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if not entry.name.startswith("_") and entry.name not in PRIVATE:
                found += _modules(f"{name}.{entry.name}")
    return found


def _import(name: str) -> types.ModuleType | None:
    # An optional part may lack its own dependency, or print when it is imported.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(ImportError, AttributeError, OSError):
        return importlib.import_module(name)
    return None


def _public(module: types.ModuleType, library: str) -> list[str]:
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    return [name for name in names if _is_own(module, name, library)]


def _is_own(module: types.ModuleType, name: str, library: str) -> bool:
    """Tell whether a name is the library's own and not a module or another library's."""
    value = None
    # An experimental name raises until it is enabled: not importable as it stands.
    with contextlib.suppress(ImportError, AttributeError):
        value = getattr(module, name)
    if value is None or isinstance(value, types.ModuleType):
        return False
    home = getattr(value, "__module__", None) or library
    standard = library in sys.stdlib_module_names
    return standard or str(home).partition(".")[0] in (library, "builtins")


warnings.simplefilter("ignore")
main()
