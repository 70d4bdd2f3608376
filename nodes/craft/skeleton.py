"""The outline of a script that is too long to be shown: imports, signatures, and the calls that decide, with their arguments."""

import ast
import re
from collections.abc import Iterator

from nodes.craft.source import Source, name_of
from nodes.craft.within import within

LINE = 200  # characters of one statement
CUT = "# (the outline is cut here)"
# Calls that say where data come from, what is learned of them and how it is judged; constructors are known by their capital.
DECIDES = re.compile(
    r"(?:.*_)?(?:fit|predict|read|load|split|score|merge|groupby|concat|encode|minimize|train|save|to)(?:_.*)?\Z"
)


def skeleton(script: str, most: int) -> str:
    """Return the outline in at most `most` characters, in the script's order; of what does not parse its beginning."""
    source = Source.of(script)
    lines = list(_lines(source, source.tree.body)) if source else script.splitlines()
    kept = list[str]()
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) + 1 + len(CUT) > most:
            return "\n".join([*kept, CUT])
        kept.append(line)
    return "\n".join(kept)


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
        elif isinstance(statement, ast.Import | ast.ImportFrom) or _decides(statement):
            yield within(indent + " ".join(source.code(statement).split()), LINE)


def _decides(statement: ast.stmt) -> bool:
    """Tell whether a statement makes a model or another object, or makes a call that decides."""
    calls = [name_of(node) for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(name[:1].isupper() or DECIDES.match(name) for name in calls)
