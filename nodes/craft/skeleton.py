"""The outline of a script that is too long to be shown: imports, constants, signatures, and the calls that decide.

Where even that is too long, its end is kept with its beginning: there stands what is done with all of it.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from nodes.craft.source import Source, name_of
from nodes.craft.within import within

LINE = 200  # characters of one statement
CUT = "# (here the outline leaves lines out)"
END = 3  # the share of an outline that is kept of its end: a third
# Calls that say where data come from, what is learned of them and how it is judged; constructors are known by their capital.
DECIDES = re.compile(
    r"(?:.*_)?(?:fit|predict|read|load|split|score|merge|groupby|concat|encode|minimize|train|save|to)(?:_.*)?\Z"
)


def skeleton(script: str, most: int) -> str:
    """Return the outline in at most `most` characters, in the script's order; of what does not parse its beginning."""
    source = Source.of(script)
    lines = [*_about(source), *_lines(source, source.tree.body)] if source else script.splitlines()
    if _length(lines) <= most:
        return "\n".join(lines)
    end = _first(lines[::-1], most // END)[::-1]
    start = _first(lines, most - _length([CUT, *end]))
    return "\n".join([*start, CUT, *end])


def _about(source: Source) -> list[str]:
    """Return what the script says of itself, in a line."""
    said = ast.get_docstring(source.tree)
    return [within(f"# {' '.join(said.split())}", LINE)] if said else []


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _first(lines: Sequence[str], most: int) -> list[str]:
    """Return as many of the first lines as have room."""
    sizes = accumulate(len(line) + 1 for line in lines)
    return [line for line, size in zip(lines, sizes, strict=True) if size <= most]


def _lines(source: Source, body: list[ast.stmt], indent: str = "") -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            head = ast.unparse(statement.args) if not isinstance(statement, ast.ClassDef) else ""
            word = "class" if isinstance(statement, ast.ClassDef) else "def"
            yield within(f"{indent}{word} {statement.name}({head}):", LINE)
            yield from _lines(source, statement.body, indent + "    ")
        elif inner := [
            part for name in ("body", "orelse", "finalbody") for part in getattr(statement, name, [])
        ]:
            yield from _lines(source, inner, indent)
        elif (
            isinstance(statement, ast.Import | ast.ImportFrom)
            or _is_constant(statement)
            or _decides(statement)
        ):
            yield within(indent + " ".join(source.code(statement).split()), LINE)


def _is_constant(statement: ast.stmt) -> bool:
    """Tell whether a statement names a constant, as scripts write their settings."""
    return isinstance(statement, ast.Assign) and all(
        isinstance(target, ast.Name) and target.id.isupper() for target in statement.targets
    )


def _decides(statement: ast.stmt) -> bool:
    """Tell whether a statement makes a model or another object, or makes a call that decides."""
    calls = [name_of(node) for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(name[:1].isupper() or DECIDES.match(name) for name in calls)
