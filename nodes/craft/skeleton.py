"""The outline of a script that is too long to be shown: constants, signatures, imports, the calls that decide, and its end.

Each kind of line has a share of the room, so that none crowds out the others; of a kind that has more, the beginning and the
end are kept.
"""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, takewhile
from typing import NamedTuple

from nodes.craft.source import DEFINITIONS, Source, assigned, name_of
from nodes.craft.within import within

# Characters of one statement, of one that sets a constant, and of what a function says of itself.
LINE, VALUE, SAID = 200, 120, 80
CUT = "# (here the outline leaves lines out)"
END = 3  # the share of the lines of a kind that is kept of their end: a third
# What a value that is written out consists of.
WRITTEN = (
    ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.expr_context,
)  # fmt: skip
ABOUT, CLOSING, CONSTANT, SIGNATURE, IMPORT, DECIDING = range(6)
SHARES = {
    ABOUT: 0.15,
    CLOSING: 0.2,
    CONSTANT: 0.25,
    SIGNATURE: 0.45,
    IMPORT: 0.15,
    DECIDING: 1.0,
}  # at most, in this order
# Calls that say where data come from, what is learned of them and how it is judged; constructors are known by their capital.
DECIDES = re.compile(
    r"(?:.*_)?(?:fit|predict|read|load|split|score|merge|groupby|concat|encode|minimize|train|save|to)(?:_.*)?\Z"
)


class Line(NamedTuple):
    """A line of an outline."""

    at: int  # the line of the script where it stands
    kind: int
    text: str
    said: str = (
        ""  # of a function: the first line of its docstring, which is told where those of all have room
    )


def skeleton(script: str, most: int, known: str = "") -> str:
    """Return the outline in at most `most` characters, in the script's order; of what does not parse its two ends.

    Lines that a `known` script or its outline has, too, are left out.
    """
    room = most - len(CUT) - 1  # where lines are left out
    before = {_bare(text) for text in [*known.splitlines(), *(line.text for line in _all(known, room))]}
    lines = [line for line in _all(script, room) if _bare(line.text) not in before]
    kept = lines if _length(_told(lines)) <= most else _chosen(lines, room)
    told, places = _told(kept), {line.at for line in kept}
    if gone := [place for place, line in enumerate(lines) if line.at not in places]:
        told.insert(gone[0], CUT)
    return "\n".join(told)


def _bare(text: str) -> str:
    return " ".join(text.split())


def _all(script: str, room: int) -> list[Line]:
    """Return all lines of an outline; those at the script's end have a share of so much `room`."""
    source = Source.of(script)
    if source is None:
        return [Line(at, DECIDING, text) for at, text in enumerate(script.splitlines())]
    room = round(SHARES[CLOSING] * room)
    closing = _closing(source, script, room)
    inside = range(closing[0].at, closing[-1].at + 1) if closing else range(0)
    outer = [
        *source.tree.body,
        *(part for one in source.tree.body if isinstance(one, ast.ClassDef) for part in one.body),
    ]
    settings = {part.lineno for part in outer if _is_setting(part)}
    others = (line for line in _lines(source, source.tree.body, settings) if line.at not in inside)
    return sorted([*_about(source), *others, *closing])


def _chosen(lines: Sequence[Line], most: int) -> list[Line]:
    """Return the lines of each kind that have room, in the script's order."""
    kept = list[Line]()
    for kind, share in SHARES.items():
        room = min(round(share * most), most - _length(_told(kept)))
        found = [line for line in lines if line.kind == kind]
        for most_said in (SAID // 2, 0):
            if _length(_told(found)) > room:
                found = [line._replace(said=within(line.said, most_said, "")) for line in found]
        if kind == CONSTANT and _length(_told(found)) > room:  # many short ones tell more than few long ones
            found = [line._replace(text=within(line.text, VALUE // 2)) for line in found]
        if _length(_told(found)) > room:
            end = _first(found[::-1], room // END)[::-1]
            found = [*_first(found, room - _length(_told(end))), *end]
        kept += found
    return sorted(kept)


def _told(lines: Sequence[Line]) -> list[str]:
    return [f"{line.text}  # {line.said}" if line.said else line.text for line in lines]


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _first(lines: Sequence[Line], most: int) -> list[Line]:
    """Return as many of the first lines as have room."""
    sizes = accumulate(len(line) + 1 for line in _told(lines))
    return [line for line, size in zip(lines, sizes, strict=True) if size <= most]


def _about(source: Source) -> list[Line]:
    """Return what the script says of itself, in a line."""
    said = ast.get_docstring(source.tree)
    return [Line(0, ABOUT, within(f"# {' '.join(said.split())}", LINE))] if said else []


def _closing(source: Source, script: str, room: int) -> list[Line]:
    """Return the last lines that run, as they stand: of the script, of its `if __name__` block, or of the function that this calls."""
    block = _last_block(source.tree.body)
    if not block:
        return []
    first, end = block[0].lineno, block[-1].end_lineno or block[-1].lineno
    written = enumerate(script.split("\n")[first - 1 : end], first)
    lines = [Line(at, CLOSING, within(text.rstrip(), LINE)) for at, text in written if text.strip(" #")]
    return _first(lines[::-1], room)[::-1]


def _last_block(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """Return the statements with which a script ends that are no definitions."""
    block = list(takewhile(lambda part: not isinstance(part, DEFINITIONS), reversed(body)))[::-1]
    if block and isinstance(block[-1], ast.If):
        block = block[-1].body
    functions = {part.name: part for part in body if isinstance(part, ast.FunctionDef)}
    calls = (
        [name_of(part) for part in ast.walk(block[0]) if isinstance(part, ast.Call)]
        if len(block) == 1
        else []
    )
    called = [functions[name].body for name in calls if name in functions]  # the outermost first
    return called[0] if called else block


def _lines(
    source: Source, body: list[ast.stmt], settings: Collection[int], indent: str = ""
) -> Iterator[Line]:
    for statement in body:
        if isinstance(statement, DEFINITIONS):
            if isinstance(statement, ast.ClassDef):
                head = f"class {statement.name}({', '.join(map(ast.unparse, statement.bases))})".removesuffix(
                    "()"
                )
            else:
                head = f"def {statement.name}({ast.unparse(statement.args)})"
            said = (ast.get_docstring(statement) or "").partition("\n")[0]
            text = within(f"{indent}{head}:", LINE)
            yield Line(statement.lineno, SIGNATURE, text, within(said, SAID))
            yield from _lines(source, statement.body, settings, indent + "    ")
        elif inner := [
            part for name in ("body", "orelse", "finalbody") for part in getattr(statement, name, [])
        ]:
            yield from _lines(source, inner, settings, indent)
        elif kind := _kind(statement, settings):
            most = VALUE if kind == CONSTANT else LINE
            text = within(indent + " ".join(source.code(statement).split()), most)
            yield Line(statement.lineno, kind, text)


def _kind(statement: ast.stmt, settings: Collection[int]) -> int | None:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return IMPORT
    if _is_constant(statement) or statement.lineno in settings:
        return CONSTANT
    return DECIDING if _decides(statement) else None


def _is_constant(statement: ast.stmt) -> bool:
    """Tell whether a statement names constants by capitals."""
    names = assigned(statement)
    return bool(names) and all(isinstance(name, ast.Name) and name.id.isupper() for name in names)


def _is_setting(statement: ast.stmt) -> bool:
    """Tell whether a statement gives plain names a value that is written out, as scripts write their settings."""
    names, value = assigned(statement), getattr(statement, "value", None)
    if not names or value is None or not all(isinstance(name, ast.Name) for name in names):
        return False
    written = list(_parts(value)) if not _decides(statement) else []
    return all(isinstance(node, WRITTEN) for node in written) and any(
        isinstance(node, ast.Constant) and node.value is not None for node in written
    )


def _parts(value: ast.AST) -> Iterator[ast.AST]:
    """Yield what a value consists of; of a call, like `dict(rate=0.1)` or `np.logspace(-3, 3, 7)`, what it is given."""
    if isinstance(value, ast.Call):
        given: list[ast.AST] = [*value.args, *(word.value for word in value.keywords)]
    else:
        yield value
        given = list(ast.iter_child_nodes(value))
    for part in given:
        yield from _parts(part)


def _decides(statement: ast.stmt) -> bool:
    """Tell whether a statement makes a model or another object, or makes a call that decides."""
    calls = [name_of(node) for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(name[:1].isupper() or DECIDES.match(name) for name in calls)
