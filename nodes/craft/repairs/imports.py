"""Cures for an import from the wrong module, or of a name or module that does not exist."""

import ast
from collections.abc import Mapping, Sequence

from nodes.craft.repairs import Cure, cured
from nodes.craft.repairs.names import cure_name, importing, meant, uses
from nodes.craft.source import Edit, Source, free, root_of

MODULES = {
    "lgbm": "lightgbm",
    "LightGBM": "lightgbm",
    "lgb": "lightgbm",
    "scikit_learn": "sklearn",
    "sk": "sklearn",
}
NUMPY = ("float", "int", "bool", "object", "str", "complex")  # aliases of builtins that numpy took away


def cure_import(source: Source, name: str, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Repair `from module import name` where that module holds no such name; None where nothing applies."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                if alias.name == name:
                    return _reimported(source, node, alias, names, sources)
    return _qualified(source, name, names)


def cure_module(source: Source, module: str, names: Mapping[str, str], sources: Sequence[str]) -> Cure | None:
    """Repair the import of a `module` that does not exist: all its names from elsewhere, or dropped where unused."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            for alias in node.names:
                if cure := _reimported(source, node, alias, names, sources):
                    return cure
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == module:
                    return _remoduled(source, node, alias)
    return None


def cure_attribute(
    source: Source, module: str, name: str, names: Mapping[str, str], sources: Sequence[str]
) -> Cure | None:
    """Repair `module.name` where the module has no such name: import a submodule, or the name from where it is."""
    if module == "numpy" and name in NUMPY:
        found = [n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr == name]
        edits = [source.replace(n, name) for n in found if root_of(n, ast.Attribute) in ("np", "numpy")]
        return cured(source, edits, f"took {name} for np.{name}")
    if f"{module}.{name}" in names.values():
        line = f"import {module}.{name}"
        return cured(source, [source.import_(line)], f"added {line!r}")
    return cure_import(source, name, names, sources)


def _reimported(
    source: Source, node: ast.ImportFrom, alias: ast.alias, names: Mapping[str, str], sources: Sequence[str]
) -> Cure | None:
    """Import one alias of a statement from where it is; where it is nowhere, drop what is unused or lost."""
    known = alias.name if alias.name in names else meant(alias.name, names)
    local = alias.asname or alias.name
    if not known or (names[known], known) == (node.module, alias.name):
        dropped = _dropped(source, node, alias)
        rest = Source.of(dropped[0]) if dropped else None
        return cure_name(rest, local, names, sources) if rest and local in free(rest.text) else dropped
    line = f"from {names[known]} import {known}" + (f" as {alias.asname}" if alias.asname else "")
    edits = [] if alias.asname or known == local else uses(source, local, known)
    edits.append(_without(source, node, alias, line))
    return cured(source, edits, f"imported {known} from {names[known]}")


def _remoduled(source: Source, node: ast.Import, alias: ast.alias) -> Cure | None:
    """Import the module that is meant, or drop the import of one that nothing uses."""
    local = alias.asname or alias.name.partition(".")[0]
    if module := MODULES.get(alias.name):
        edit = _without(source, node, alias, f"import {module} as {local}")
        return cured(source, [edit], f"imported {module} for {alias.name}")
    dropped = _dropped(source, node, alias)
    return None if dropped is None or local in free(dropped[0]) else dropped


def _dropped(source: Source, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Cure | None:
    edit = _without(source, node, alias)
    return cured(source, [edit], f"dropped the import of {alias.name}, which is not used")


def _without(source: Source, node: ast.Import | ast.ImportFrom, alias: ast.alias, line: str = "") -> Edit:
    """Take one alias out of an import, and put `line` beside what is left of it."""
    rest = [a for a in node.names if a is not alias]
    kept = ast.ImportFrom(node.module, rest, 0) if isinstance(node, ast.ImportFrom) else ast.Import(rest)
    lines = [part for part in (ast.unparse(kept) if rest else "", line) if part] or ["pass"]
    if lines == ["pass"] and node in source.tree.body:
        return source.replace(node, "")  # at the top level it simply goes; in a block something must stand
    return source.replace(node, ("\n" + " " * node.col_offset).join(lines))


def _qualified(source: Source, name: str, names: Mapping[str, str]) -> Cure | None:
    """Repair `metrics.name`, whose module lacks it, by an import of the name from where it is."""
    imported = [n for n in ast.walk(source.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {(alias.asname or alias.name).partition(".")[0] for n in imported for alias in n.names}
    right = name if name in names else meant(name, names)
    found = [n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr == name]
    found = [n for n in found if root_of(n, ast.Attribute) in modules]
    if not right or not found:
        return None
    edits = [*(source.replace(node, right) for node in found), *importing(source, right, names)]
    return cured(source, edits, f"imported {right} from {names[right]}")
