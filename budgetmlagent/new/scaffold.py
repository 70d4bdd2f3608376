"""What somebody begins an extension with: an example node that works, or a shipped graph to edit."""

import ast
import keyword
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import budgetmlagent
from budgetmlagent.errors import UsageError
from budgetmlagent.new.files import write_new
from budgetmlagent.templating import environment
from graphs.registry import shipped_nodes
from graphs.spec import GraphError, GraphSpec, shipped

TEMPLATES = Path(__file__).parent / "templates" / "node"
NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")  # also a file's name, and short enough for one line of code
GRAPH_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
SCHEMA = re.compile(r"# yaml-language-server: \$schema=graph\.schema\.json\n")


@dataclass(frozen=True)
class Scaffold:
    """Files to write below `root`, where the commands that come next are to be given."""

    root: Path
    graph: str
    test: str = ""
    files: dict[str, str] = field(default_factory=dict)  # path below the root -> text


def node(name: str, after: str, graph: str, out: Path | None) -> Scaffold:
    """Return an example node: in the repository where that is the working directory, else a package of its own.

    Raises UsageError for a name that cannot be taken, and for a graph or a node in it that is not there.
    """
    _check_name(name)
    if out is None and is_repository(Path()):
        return _in_repository(name, after, graph)
    return _as_package(name, after, graph, out or Path(f"{name}_node"))


def graph(name: str, origin: str, out: Path | None) -> Scaffold:
    """Return a copy of a graph under a name of its own. Raises UsageError."""
    if not GRAPH_NAME.fullmatch(name) or name in shipped():
        why = "is a shipped graph's name" if name in shipped() else "letters, digits and -._ are needed"
        raise UsageError(f"graph name {name!r}: {why}; take another")
    path = out or Path(f"{name}.yaml")
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"--out {path}: a file that ends in .yaml is needed")
    spec = _loaded(origin)
    spec.name = name
    return Scaffold(Path(), str(path), files={str(path): _text(spec, path.parent)})


def write(made: Scaffold) -> None:
    """Write the files, or none of them where one is there already. Raises UsageError."""
    if made.root.is_file():
        raise UsageError(f"{made.root}: is a file; give the path of a folder")
    write_new({made.root / file: text for file, text in made.files.items()})


def is_repository(folder: Path) -> bool:
    """Whether `folder` is the checkout of this project that runs: its programs are run, and another's must not be."""
    if (folder / "budgetmlagent").resolve() != Path(budgetmlagent.__file__).parent.resolve():
        return False
    try:
        told = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        return bool(told.get("project", {}).get("name") == "budgetmlagent")
    except (OSError, ValueError):
        return False


def _in_repository(name: str, after: str, graph: str) -> Scaffold:
    file = f"graphs/with_{name}.yaml"
    spec = _inserted(graph, name, after, run=name, prompt=name)
    spec.name = f"with_{name}"
    files = {
        f"nodes/{name}.py": _rendered("node.py.jinja", name),
        f"prompts/{name}.md": _prompt(),
        f"tests/test_{name}.py": _rendered("test.py.jinja", name, graph=spec.name),
        file: spec.dump(),
    }
    return Scaffold(Path(), file, f"tests/test_{name}.py", files)


def _as_package(name: str, after: str, graph: str, root: Path) -> Scaffold:
    package, file = f"budgetml_{name}", f"{name}.yaml"
    spec = _inserted(graph, name, after, run=f"{package}.nodes:{name}", prompt=f"{package}:{name}.md")
    spec.name = name
    files = {
        "pyproject.toml": _rendered("pyproject.toml.jinja", name, package),
        f"{package}/__init__.py": f'"""The node {name} for BudgetMLAgent."""\n',
        f"{package}/nodes.py": _rendered("node.py.jinja", name, package),
        f"{package}/{name}.md": _prompt(),
        f"tests/test_{name}.py": _rendered("test.py.jinja", name, package, file),
        file: _text(spec, root),
    }
    return Scaffold(root, file, f"tests/test_{name}.py", files)


def _inserted(graph: str, name: str, after: str, **fields: Any) -> GraphSpec:
    spec = _loaded(graph)
    try:
        return spec.insert(name, after=after, ladder=["small"], **fields)
    except GraphError as error:
        raise UsageError(f"graph {graph}: {error}") from None


def _loaded(graph: str) -> GraphSpec:
    try:
        return GraphSpec.load(graph)
    except GraphError as error:
        raise UsageError(*error.lines) from None


def _text(spec: GraphSpec, folder: Path) -> str:
    """Return a graph's text for a file in `folder`: it names the schema only where that lies beside it."""
    return spec.dump() if (folder / "graph.schema.json").exists() else SCHEMA.sub("", spec.dump())


def _check_name(name: str) -> None:
    if name in ("END", "START"):
        why = "is reserved"
    elif not NAME.fullmatch(name):
        why = "begins with a small letter and has small letters, digits and _ besides, 30 at most"
    elif keyword.iskeyword(name):
        why = "is a word of Python itself"
    elif name in shipped_nodes():
        why = "is a node that there is already"
    elif find_spec(f"nodes.{name}"):
        why = "is a part of nodes/ itself"
    elif name in _own_names():
        why = "is a name that the example itself uses"
    else:
        return
    raise UsageError(f"node name {name!r}: {why if why.startswith('is ') else 'a name ' + why}; take another")


@cache
def _own_names() -> frozenset[str]:
    """Names that mean something else in the example: a function called so would hide them."""
    made = [_rendered("node.py.jinja", "a_node"), _rendered("test.py.jinja", "a_node", "a_package")]
    found: set[str] = set()
    for part in (part for code in made for part in ast.walk(ast.parse(code))):
        match part:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(asname=str(name)) | ast.alias(name=name):
                found.add(name)
    return frozenset(found)


def _prompt() -> str:
    return (TEMPLATES / "prompt.md").read_text(encoding="utf-8")


def _rendered(template: str, name: str, package: str = "", graph: str = "") -> str:
    camel = "".join(part.capitalize() for part in name.split("_"))
    module = f"{package}.nodes" if package else f"nodes.{name}"
    imports = ["from budgetmlagent import GraphSpec, testing", "from nodes import Here, Reply"]
    imports = sorted([*imports, f"from {module} import {name}"])  # as ruff wants it: it depends on the name
    written = environment(TEMPLATES).get_template(template)
    return written.render(name=name, camel=camel, package=package, graph=graph, imports=imports)
