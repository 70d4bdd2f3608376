"""Where a module lies: in the environment, or else in the current folder. Nothing of it runs, nor of what it is in."""

from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path


def found(module: str) -> ModuleSpec | None:
    """Return the spec of `module`, a dotted name; None where there is none.

    Its name is the last part alone, which is what its loader knows it by.
    """
    top, *rest = module.split(".")
    spec = installed(top) or PathFinder.find_spec(top, [str(Path.cwd())])
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # By its last part: for a whole name Python would ask for the package itself, which is not imported.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec


def installed(top: str) -> ModuleSpec | None:
    """Return the spec of a module or package that can be imported as things are."""
    try:
        return find_spec(top)
    except ValueError:  # a notebook's or a program's own module
        return None
