"""A function, class or method of a script by its name: where it stands, and a new text in its place."""

import ast
from collections.abc import Collection, Iterator, Sequence
from textwrap import dedent, indent
from typing import NamedTuple

from nodes.craft.beside import unfit
from nodes.craft.scripts import parse
from nodes.craft.source import DEFINITIONS, Source, assigned

IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SHOWN = 80  # characters of a line or a statement that a fault names
ELSEWHERE = "put that where it is to run, by a block with SEARCH"


class Place(NamedTuple):
    """Where a definition stands, decorators included: its lines, counted from 0, and what stands before it in each."""

    begin: int
    end: int  # the line behind it
    margin: str


def place_of(script: str, name: str) -> Place | str:
    """Return where the one definition of `name` stands, a method's as `Class.method`; else what is wrong, for a sentence."""
    source = Source.of(script)
    if source is None or source.text.count("\n") != script.count("\n"):
        return "cannot be looked for, as the script does not parse"
    found = list(_named(source.tree.body, name.split(".")))
    if len(found) != 1:
        return f"is defined {len(found)} times in the script" if found else "is not defined in the script"
    [one] = found
    first = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)])
    margin = script.split("\n")[one.lineno - 1][: one.col_offset]
    return Place(first - 1, one.end_lineno or one.lineno, margin)


def undeletable(script: str, place: Place) -> str:
    """Return why a definition cannot be taken out, for a sentence; "" where it can."""
    lines = script.split("\n")
    if parse("\n".join([*lines[: place.begin], *lines[place.end :]])) is None:
        return "cannot be deleted: it is all that stands in its block"
    return ""


def standing_before(script: str, place: Place) -> list[ast.stmt]:
    """Return the script's outer statements that end before a place."""
    source = Source.of(script)
    return [
        part
        for part in (source.tree.body if source else [])
        if (part.end_lineno or part.lineno) <= place.begin
    ]


def defined_in(script: str, gone: Collection[tuple[int, int]] = ()) -> set[str]:
    """Return the names of all functions, classes and methods of a script, and those that it sets outside of functions.

    Not those of the lines that are `gone`: from the first on, until the second, counted from 0.
    """
    return {name for name, line in _set_in(script) if not any(begin < line <= end for begin, end in gone)}


def beside(lines: Sequence[str], name: str) -> list[str]:
    """Return what the new text of `name` sets beside it; nothing of imports, which may stand twice."""
    parts = _statements("\n".join(lines).strip("\n").rstrip()) or []
    return [one for part in parts if not isinstance(part, IMPORTS) for one in _sets(part) if one != name]


def only_assigned(name: str, script: str) -> bool:
    """Tell whether a script sets a name, if it does, by assignments alone: then it may be set again, as a script sets its variables."""
    source = Source.of(script)
    parts = ast.walk(source.tree) if source else iter(())
    return not any(isinstance(part, (*DEFINITIONS, *IMPORTS)) and name in _sets(part) for part in parts)


def _set_in(script: str) -> list[tuple[str, int]]:
    """Return each name that a script sets, outside of functions or as a definition, with its line."""
    source = Source.of(script)
    parts = list(ast.walk(source.tree)) if source else []
    inside = {id(each) for part in parts if isinstance(part, FUNCTIONS) for each in ast.walk(part)}
    defined = [part for part in parts if isinstance(part, (*DEFINITIONS, *IMPORTS))]
    found = [(name, part.lineno) for part in defined for name in _sets(part)]
    found += [(name, part.lineno) for part in parts if isinstance(part, ast.Global) for name in part.names]
    stored = [part for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    return found + [(part.id, part.lineno) for part in stored if id(part) not in inside]


def lacks(script: str, name: str) -> bool:
    """Tell whether a script uses the function or class `name` and does not define it."""
    if (source := Source.of(script)) is None or any(_named(source.tree.body, name.split("."))):
        return False
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(source.tree))


def _named(
    body: Sequence[ast.stmt], path: Sequence[str]
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for part in body:
        if isinstance(part, DEFINITIONS) and part.name == path[0]:
            if len(path) == 1:
                yield part
            elif isinstance(part, ast.ClassDef):
                yield from _named(part.body, path[1:])


def fitted(
    lines: Sequence[str],
    name: str,
    place: Place,
    others: Collection[str] = (),
    before: Sequence[ast.stmt] = (),
) -> list[str] | str:
    """Return the new text of `name` as it stands at its place; else what is wrong with it, for a sentence.

    It is the definition of that name, or others that come in its stead, perhaps with constants and imports beside it, none of
    which the script sets already (`others`), and with what can run there, behind the statements that stand `before` it. One that
    is indented in another way is moved, where that changes none of its strings.
    """
    text = "\n".join(lines).strip("\n").rstrip()
    parts = _statements(text)
    if parts is None:
        return "does not parse: write the whole definition"
    own = name.rpartition(".")[2]
    wanted = [part for part in parts if isinstance(part, DEFINITIONS) and part.name == own]
    extra = [part for part in parts if part not in wanted]
    if "." in name and (odd := [part for part in extra if not _is_method(part)]):
        return f"has to be the definition of {name}, perhaps with new methods, and nothing else{_such_as(odd)}: {ELSEWHERE}"
    instead = not wanted and any(isinstance(part, DEFINITIONS) for part in extra)
    if len(wanted) != 1 and not instead:
        return f"has to be the definition of {name}, once, perhaps with new helpers, constants and imports"
    for part in extra:
        if not _sets(part) and (why := unfit(part, [*before, *parts[: parts.index(part)]], others)):
            return f"has a line beside it that {why}{_such_as([part])}: {ELSEWHERE}"
    new = [one for part in extra if not isinstance(part, IMPORTS) for one in _sets(part)]
    if known := next((one for one in new if one == own or one in others), ""):
        return f"defines {known}, too, which is in the script: that is a block of its own"
    if text[: len(text) - len(text.lstrip())] != place.margin:
        text = indent(dedent(text), place.margin)
        if list(map(ast.dump, _statements(text) or [])) != list(map(ast.dump, parts)):
            return (
                f"has strings of several lines: indent it by {len(place.margin)}, as it stands in the script"
            )
    return text.split("\n")


def _such_as(parts: Sequence[ast.stmt]) -> str:
    """Return how the first of these statements begins, for the end of a sentence; "" of none."""
    return f" like {ast.unparse(parts[0]).partition(chr(10))[0][:SHOWN]}" if parts else ""


def _is_method(part: ast.stmt) -> bool:
    """Tell whether a statement in a class defines what its methods can call: bare names of a class are not seen in them."""
    if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return [one.arg for one in [*part.args.posonlyargs, *part.args.args][:1]] in (["self"], ["cls"])


def _sets(part: ast.stmt) -> list[str]:
    """Return the names that a definition, an import or an assignment to plain names sets; none for any other statement."""
    if isinstance(part, DEFINITIONS):
        return [part.name]
    if isinstance(part, IMPORTS):
        return [(alias.asname or alias.name).partition(".")[0] for alias in part.names]
    targets = assigned(part)
    names = [one.id for one in targets if isinstance(one, ast.Name)]
    return names if len(names) == len(targets) else []


def _statements(text: str) -> list[ast.stmt] | None:
    """Return the statements of a text, which may be indented; None where it does not parse."""
    if not text[:1].isspace():
        return tree.body if (tree := parse(text)) else None
    tree = parse(f"if 1:\n{text}")
    return (
        [part for one in tree.body for part in (one.body if isinstance(one, ast.If) else [one])]
        if tree
        else None
    )
