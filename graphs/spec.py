"""A graph as data: nodes, and at each fork an ordered list of rules. Read from and written to YAML."""

import importlib
import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError

from graphs.policy import END, PREDICATES, Predicate

if TYPE_CHECKING:
    from nodes.deps import Deps

SHIPPED = Path(__file__).parent
RECALL = "recall"  # the rung that asks no model


class GraphError(Exception):
    """A graph that cannot be used; each line is `file:line:column: what, and what to do`."""


class NodeSpec(BaseModel):
    """One node: the function it runs, the prompt it renders, its ladder of models (cheapest first)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run: str
    prompt: str = ""
    ladder: tuple[str, ...] = ()


class Rule(BaseModel):
    """`when` names a predicate (absent: always); the keys not listed here are the predicate's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    when: str = ""
    to: str
    up: str = ""
    down: str = ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The predicate's arguments."""
        return dict(self.__pydantic_extra__ or {})

    def __str__(self) -> str:
        """Render the rule as in the drawing: `stuck attempts=4 ↑coder → planner`."""
        words = [self.when or "otherwise", *(f"{k}={v}" for k, v in self.arguments.items())]
        words += [f"↑{self.up}"] if self.up else []
        words += [f"↓{self.down}"] if self.down else []
        return " ".join([*words, f"→ {self.to}"])


class GraphSpec(BaseModel):
    """The whole graph. `GraphSpec.load("budgetml")` reads a shipped one, `load(path)` any file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    start: str
    nodes: dict[str, NodeSpec] = Field(min_length=1)
    rules: dict[str, list[Rule]]
    _source: CommentedMap | None = PrivateAttr(default=None)
    _path: str = PrivateAttr(default="<graph>")

    @classmethod
    def load(cls, graph: str | Path) -> Self:
        """Read a shipped graph by name or any file by path. Raises GraphError with one line a finding."""
        path = _find(graph)
        text = path.read_text(encoding="utf-8")
        return cls.parse(text, str(graph) if path.parent != SHIPPED else path.name)

    @classmethod
    def parse(cls, text: str, path: str = "<graph>") -> Self:
        """Read a graph from YAML text; `path` is what findings name."""
        try:
            source = _yaml().load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
            raise GraphError(f"{path}:{at}: not YAML: {error.problem}") from None
        if not isinstance(source, CommentedMap):
            raise GraphError(
                f"{path}:1:1: not a graph: a mapping with name, start, nodes and rules is needed"
            )
        try:
            spec = cls.model_validate(source)
        except ValidationError as error:
            raise GraphError("\n".join(_explain(error, source, path))) from None
        spec._source, spec._path = source, path
        findings = [str(f) for f in spec.findings()]
        if findings:
            raise GraphError("\n".join(findings))
        return spec

    def dump(self) -> str:
        """Return the YAML text: a loaded file's own, comments and order kept."""
        out = StringIO()
        source = self._source
        if source is None:
            source = CommentedMap(self.model_dump(mode="json", exclude_defaults=True))
        _yaml().dump(source, out)
        return out.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the YAML text to `path`."""
        Path(path).write_text(self.dump(), encoding="utf-8")

    def compile(self, deps: "Deps", checkpointer: Any = None) -> Any:
        """Return an ordinary LangGraph graph with `deps` bound to its nodes."""
        from graphs.compile import compile_graph

        return compile_graph(self, deps, checkpointer)

    @property
    def ladders(self) -> dict[str, tuple[str, ...]]:
        """Role to ladder, for the roles that have one."""
        return {name: node.ladder for name, node in self.nodes.items() if node.ladder}

    @property
    def models(self) -> list[str]:
        """Names of the models on any ladder, in order of appearance."""
        return list(dict.fromkeys(m for ladder in self.ladders.values() for m in ladder if m != RECALL))

    def findings(self) -> Iterator[str]:
        """Yield what is wrong with the graph, a line each: unknown names, arguments, missing last rules."""
        if self.start not in self.nodes:
            yield self._at(
                ("start",), f"start: unknown node {self.start!r}{_nearest(self.start, self.nodes)}"
            )
        for name, node in self.nodes.items():
            try:
                load_node(node.run)
            except LookupError as error:
                yield self._at(("nodes", name), f"node {name!r}: {error}")
            if not self.rules.get(name):
                yield self._at(("rules",), f"node {name!r} has no rules: give it at least `- {{to: ...}}`")
        for name, rules in self.rules.items():
            if name not in self.nodes:
                what = f"rules of an unknown node {name!r}{_nearest(name, self.nodes)}"
                yield self._at(("rules", name), what)
                continue
            for index, rule in enumerate(rules):
                for what in self._wrong(rule, last=index == len(rules) - 1):
                    yield self._at(("rules", name, index), f"rule {index + 1} of {name!r}: {what}")

    def _wrong(self, rule: Rule, *, last: bool) -> Iterator[str]:
        if rule.to != END and rule.to not in self.nodes:
            yield f"to: unknown node {rule.to!r}{_nearest(rule.to, [*self.nodes, END])}"
        for role in (rule.up, rule.down):
            if role and role not in self.ladders:
                yield f"unknown role {role!r}: no node of that name has a ladder{_nearest(role, self.ladders)}"
        if last and rule.when:
            yield "the last rule of a fork must be unconditional: add `- {to: ...}` after it"
        if not last and not rule.when:
            yield "the rules after an unconditional one can never fire: move it to the end"
        if rule.when:
            try:
                signature = inspect.signature(load_predicate(rule.when))
                signature.bind(None, **rule.arguments)
            except LookupError as error:
                yield str(error)
            except TypeError as error:
                known = ", ".join(list(signature.parameters)[1:]) or "none"
                yield f"{rule.when}: {error} (its arguments: {known})"

    def _at(self, keys: tuple[str | int, ...], what: str) -> str:
        line, column = _position(self._source, keys)
        return f"{self._path}:{line}:{column}: {what}"


def load_predicate(name: str) -> Predicate:
    """Return a shipped predicate by name or a user's by `package.module:function`. Raises LookupError."""
    if ":" in name:
        predicate: Predicate = _imported(name)
        return predicate
    if name not in PREDICATES:
        raise LookupError(f"unknown predicate {name!r}{_nearest(name, PREDICATES)}")
    return PREDICATES[name]


def load_node(name: str) -> Any:
    """Return one of our nodes by name or a user's by `package.module:function`. Raises LookupError."""
    return _imported(name if ":" in name else f"nodes.{name}:{name}")


def _imported(dotted: str) -> Any:
    module, _, function = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise  # something that the module itself imports is missing: say that, as it is
        if module.startswith("nodes."):
            ours = [p.stem for p in (SHIPPED.parent / "nodes").glob("[a-z]*.py")]
            raise LookupError(f"unknown node function {function!r}{_nearest(function, ours)}") from None
        raise LookupError(f"{dotted!r}: no module {module!r}; is its package installed?") from None
    except AttributeError:
        raise LookupError(f"{dotted!r}: module {module!r} has no {function!r}") from None


def shipped() -> list[str]:
    """Names of the graphs that come with the program."""
    return sorted(p.stem for p in SHIPPED.glob("*.yaml"))


def _find(graph: str | Path) -> Path:
    path = Path(graph)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise GraphError(f"{path}: no such file")
        return path
    if str(graph) not in shipped():
        names = ", ".join(shipped())
        raise GraphError(
            f"unknown graph {str(graph)!r}{_nearest(str(graph), shipped())}; shipped: {names}; or a .yaml file"
        )
    return SHIPPED / f"{graph}.yaml"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _nearest(name: str, names: Any) -> str:
    close = get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _position(source: Any, keys: tuple[str | int, ...]) -> tuple[int, int]:
    line, column = 1, 1
    for key in keys:
        try:
            line, column = (
                n + 1 for n in (source.lc.key(key) if isinstance(key, str) else source.lc.item(key))
            )
            source = source[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line, column


def _explain(error: ValidationError, source: CommentedMap, path: str) -> Iterator[str]:
    for item in error.errors():
        keys = tuple(item["loc"])
        line, column = _position(source, keys)
        yield f"{path}:{line}:{column}: {'.'.join(map(str, keys))}: {item['msg'].lower()}"
