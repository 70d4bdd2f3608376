"""Line-precise edits of a script: only the nodes replaced change, all other formatting and comments stay."""

import ast
import symtable
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from nodes.craft.scripts import parse

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LOOPS = (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)

Edit = tuple[int, int, str]  # start and end in bytes of the UTF-8 text, and what stands there instead


@dataclass(frozen=True)
class Source:
    """A script that parses, with its syntax tree."""

    text: str
    tree: ast.Module

    @classmethod
    def of(cls, script: str) -> "Source | None":
        """Return the source of `script`, or None where it does not parse."""
        text = script.replace("\r\n", "\n").replace("\r", "\n")
        tree = parse(text)
        return cls(text, tree) if tree else None

    @cached_property
    def raw(self) -> bytes:
        """The text in UTF-8: the columns of `ast` count its bytes."""
        return self.text.encode()

    @cached_property
    def starts(self) -> list[int]:
        """The offset in bytes of each line."""
        starts = [0]
        for line in self.raw.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return where `node` stands."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def code(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return the text of `node` as it was written."""
        start, end = self.span(node)
        return self.raw[start:end].decode()

    def edited(self, edits: Sequence[Edit]) -> str | None:
        """Return the text with `edits` made, or None where they are none, clash, or leave no valid script."""
        raw, before = self.raw, len(self.raw) + 1
        for start, end, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
            if end > before:
                return None
            raw, before = raw[:start] + text.encode() + raw[end:], start
        script = raw.decode()
        return script if edits and script != self.text and parse(script) else None

    def replace(self, node: ast.expr | ast.stmt, text: str) -> Edit:
        """Put `text` in place of `node`."""
        return (*self.span(node), text)

    def above(self, statement: ast.stmt, text: str) -> Edit:
        """Put the lines of `text` above `statement`, which begins its line, as far to the right as it."""
        decorators = getattr(statement, "decorator_list", [])
        at = self.starts[min([statement.lineno, *(d.lineno for d in decorators)]) - 1]
        indent = self.raw[at : at + statement.col_offset].decode()
        return (at, at, textwrap.indent(text.rstrip("\n") + "\n", indent))

    def import_(self, line: str) -> Edit:
        """Put an import after the imports at the head of the script."""
        at = 0
        for i, statement in enumerate(self.tree.body):
            constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            docstring = constant and i == 0
            if not docstring and not isinstance(statement, ast.Import | ast.ImportFrom):
                break
            assert statement.end_lineno is not None
            at = min(self.starts[statement.end_lineno], len(self.raw))
        text = line + "\n"
        return (at, at, "\n" + text if at == len(self.raw) and at and self.raw[-1:] != b"\n" else text)

    def importing(self, name: str, line: str) -> list[Edit]:
        """Return the import `line` as an edit, none where the script binds `name` already."""
        return [] if name in self.bound else [self.import_(line)]

    def set_keyword(self, call: ast.Call, name: str, value: str) -> list[Edit]:
        """Give a call's keyword argument `name` this value, whether the call has it or not."""
        given = [self.replace(k.value, value) for k in call.keywords if k.arg == name]
        end = self.span(call)[1] - 1
        before = ", " if call.args or call.keywords else ""
        return given or [(end, end, f"{before}{name}={value}")]

    def drop_keyword(self, call: ast.Call, keyword: ast.keyword) -> Edit:
        """Take one keyword argument out of a call, with the comma before it or, for the first one, after it."""
        start, end = self.span(keyword)
        arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        others = [self.span(a) for a in arguments if a is not keyword]
        earlier = [span[1] for span in others if span[1] <= start]
        later = [span[0] for span in others if span[0] >= end]
        if earlier:
            return (max(earlier), end, "")
        if later:
            return (start, min(later), "")
        func_end = self.span(call.func)[1]
        return (func_end, self.span(call)[1], "()")

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call in the script."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    @cached_property
    def bound(self) -> dict[str, int]:
        """Each name bound in module scope, with the index of the first top-level statement that binds it."""
        found: dict[str, int] = {}
        for i, statement in enumerate(self.tree.body):
            for name in bindings(statement):
                found.setdefault(name, i)
        return found


def assigned(statement: ast.stmt) -> list[ast.expr]:
    """Return what an assignment gives a value to; nothing of any other statement."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return []
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]


def bindings(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds in its own scope."""
    names: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        pending += ast.iter_child_nodes(node)
    return names


def free(code: str) -> set[str]:
    """Return the names that `code` (which parses) takes from outside, builtins included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            top = symtable.symtable(code, "script", "exec")
        except (SyntaxError, ValueError, RecursionError):
            return set()  # valid grammar, yet no program: `return` outside a function
    names: set[str] = set()
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used = (s for s in table.get_symbols() if s.is_referenced() and (table is top or s.is_global()))
        names.update(s.get_name() for s in used if s.get_name() not in own)
    return names


def name_of(call: ast.Call) -> str:
    """Return the last part of what is called: "fit" for `model.fit(X)`; "" where it has no name."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def root_of(node: ast.expr, through: type[ast.Attribute | ast.Subscript]) -> str:
    """Return the name at the root of `a.b.c` or, `through` subscripts, of `a[i][j]`; "" where there is none."""
    while isinstance(node, through):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def at_line(node: ast.stmt | ast.expr, line: int) -> bool:
    """Tell whether `node` covers `line`."""
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def is_within(inner: ast.expr, outer: ast.AST) -> bool:
    """Tell whether `inner` stands in `outer`, or is it: by their places, for a walk through each would take its time."""
    place = (
        getattr(outer, name, 0) or 0 for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
    )
    line, column, end_line, end_column = place
    ends = (inner.end_lineno or inner.lineno, inner.end_col_offset or 0)
    return (line, column) <= (inner.lineno, inner.col_offset) and ends <= (end_line, end_column)
