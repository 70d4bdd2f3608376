"""Which modules hold names that no reader of their source sees: those that take all of a compiled one."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

STAR = re.compile(r"^from (\.*)([\w.]*) import \*", re.MULTILINE)
DEEP = 3  # modules that take all of another, one after the other
LONGEST = 2 << 20  # bytes of a module that are read


def holds_compiled(module: str, packages: Sequence[Path], depth: int = DEEP) -> bool:
    """Tell whether a module, in one of the folders of installed `packages`, takes the names of a compiled one."""
    if not re.fullmatch(r"\w+(?:\.\w+)*", module):
        return False
    places = [folder.joinpath(*module.split(".")) for folder in packages]
    files = [
        file
        for place in places
        for file in (place.with_suffix(".py"), place / "__init__.py")
        if file.is_file()
    ]
    if not files:
        return any(next(place.parent.glob(f"{place.name}.*so"), None) for place in places)
    package = module if files[0].name == "__init__.py" else module.rpartition(".")[0]
    return depth > 0 and any(holds_compiled(name, packages, depth - 1) for name in _taken(files[0], package))


def _taken(file: Path, package: str) -> Iterator[str]:
    """Yield the modules of which the one in `file`, of this package, takes all names."""
    with file.open(encoding="utf-8", errors="replace") as text:
        source = text.read(LONGEST)
    for dots, name in STAR.findall(source):
        parts = package.split(".")
        above = parts[: len(parts) - len(dots) + 1] if dots else []
        yield ".".join([*above, *filter(None, [name])])
