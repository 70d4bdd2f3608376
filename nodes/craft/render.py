"""Renders a case into a script of the task's own names: clean, complete, ready to run."""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from memory.briefing import Briefing

SIZES = ("seconds", "part")  # what an item may say of how much its script does


class RenderError(ValueError):
    """A case cannot be rendered for this briefing: a name is missing, or the outcome is no Python."""


def render(item: Mapping[str, Any], briefing: Briefing, *, seed: int, seconds: float) -> str:
    """The script of the case `item` for the task of `briefing`.

    The template sees the briefing's keys, `title`, `seed` and `seconds` (the limit of one execution), by which it may size the
    models. An item may have `seconds` of its own, and the `part` of the rows to learn from (see `memory.sized`). Raises RenderError.
    """
    from prompts.bounded import TemplateBoundsError, rendered

    values = {**briefing, "title": item["title"], "seed": seed, "seconds": seconds}
    values |= {name: item[name] for name in SIZES if name in item}
    filters = {"py": literal, "pylist": literals}
    try:
        text = rendered(item["template"], values, shared=item.get("shared"), filters=filters)
    except TemplateBoundsError as error:
        raise RenderError(f"case {item['name']!r}: {error}") from error
    try:
        return tidy(text)
    except SyntaxError as error:
        raise RenderError(f"case {item['name']!r}: line {error.lineno} is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise RenderError(f"case {item['name']!r}: what it renders to cannot be read as Python") from error


def literal(value: Any) -> str:
    """A value as a Python literal, strings in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def literals(values: Any) -> str:
    """A list as a Python literal, broken into lines where it is long."""
    items = [literal(value) for value in values]
    line = f"[{', '.join(items)}]"
    if len(line) <= 80:
        return line
    rows, row = [], "   "
    for entry in items:
        if len(row) + len(entry) > 100:
            rows.append(row)
            row = "   "
        row += f" {entry},"
    return "\n".join(["[", *rows, row, "]"])


def tidy(text: str) -> str:
    """Gather the imports at the top, without those that are not used; at most two blank lines in a row."""
    tree = ast.parse(text)
    lines = text.splitlines()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    plain: set[str] = set()
    members: dict[str, set[str]] = {}
    gone = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        gone |= set(range(node.lineno - 1, node.end_lineno or node.lineno))
        for alias in node.names:
            bound = (alias.asname or alias.name).split(".")[0]
            spelled = alias.name + (f" as {alias.asname}" if alias.asname else "")
            if bound in names and isinstance(node, ast.Import):
                plain.add(f"import {spelled}")
            elif bound in names and isinstance(node, ast.ImportFrom):
                members.setdefault(node.module or "", set()).add(spelled)
    imports = sorted(plain)
    imports += [f"from {module} import {', '.join(sorted(of))}" for module, of in sorted(members.items())]
    start = 0 if ast.get_docstring(tree) is None else tree.body[0].end_lineno or 1
    rest = [line for number, line in enumerate(lines) if number >= start and number not in gone]
    whole = "\n".join([*lines[:start], "", *imports, "", *rest])
    whole = re.sub(r"(?<![ \t])[ \t]++\n", "\n", whole)
    whole = re.sub(r"\n{4,}", "\n\n\n", whole)
    whole = re.sub(r"(import .*)\n{3,}(?=[a-z_])(?!def|class)", r"\1\n\n", whole).strip() + "\n"
    ast.parse(whole)
    return whole
