"""A graph as data: nodes, and at each fork an ordered list of rules. Read from and written to YAML, edited in place."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, PrivateAttr, ValidationError

from graphs import files
from graphs.diff import differences
from graphs.files import SHIPPED, shipped
from graphs.finding import Finding, GraphError
from graphs.linter import graph as linter
from graphs.model import RECALL, Graph, NodeSpec, Rule
from graphs.text import edit, order
from graphs.text.shape import explain
from graphs.text.source import Source
from graphs.text.write import as_rule, written
from memory.state import Kind

if TYPE_CHECKING:
    from nodes.deps import Deps

__all__ = ["RECALL", "SHIPPED", "GraphError", "GraphSpec", "NodeSpec", "Rule", "shipped"]


class GraphSpec(Graph):  # noqa: PLW1641 - it can be edited, so it has no hash
    """The whole graph. `GraphSpec.load("budgetml")` reads a shipped one, `load(path)` any file.

    The methods that edit it change it in place and return it. They keep every character of a loaded file that they need
    not change. An edit may leave findings behind; compiling and running refuse those. Two graphs are equal where nothing
    that runs differs. `model_copy(deep=True)` is a copy to edit.
    """

    _as_read: dict[str, Any] = PrivateAttr(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Compare what runs: comments, layout and the file's place do not count."""
        return isinstance(other, GraphSpec) and self.model_dump() == other.model_dump()

    def __dir__(self) -> list[str]:
        """What tab completion offers: what is a graph's, and not what any model of pydantic has."""
        pydantic = {name for name in dir(BaseModel) if not name.startswith("_")} - {"model_copy"}
        return sorted(set(super().__dir__()) - pydantic)

    # -- reading and writing

    @classmethod
    def load(cls, graph: str | Path, *, check: bool = True) -> Self:
        """Read a shipped graph by name or any file by path.

        Raises GraphError with one line a finding; with `check=False` only where it is no graph at all.
        """
        text, path = files.read(graph)
        return cls.parse(text, path, check=check)

    @classmethod
    def parse(cls, text: str, path: str = "<graph>", *, check: bool = True) -> Self:
        """Read a graph from YAML text; `path` is what findings name. Raises as `load` does."""
        source = Source.read(text, path)
        try:
            spec = cls.model_validate(source.values)
        except ValidationError as error:
            raise GraphError(*explain(error, source)) from None
        spec._source, spec._as_read = source, spec.model_dump()
        if check:
            spec.check()
        return spec

    def dump(self) -> str:
        """Return the YAML text: a loaded file's own, where nothing was edited.

        Raises GraphError where nodes or rules were changed by hand and not by the methods for it: where their comments
        belong is not known then.
        """
        return self._current().text

    def save(self, path: str | Path) -> None:
        """Write the YAML text to `path`. Raises GraphError as `dump` does, and where no file can be written there."""
        text = self.dump()
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise GraphError(f"{path}: cannot be written: {error.strerror}") from None

    def _current(self) -> Source:
        """Return the text and its places: a graph made in code gets them now."""
        if self._source is None:
            return written(self)
        source, now = self._source, self.model_dump()
        for field in ("nodes", "rules", "faults"):
            if now[field] != self._as_read[field]:
                what = f"`{field}` was changed by hand: use the methods of GraphSpec (set_rule, …)"
                raise GraphError(f"{source.path}: {what}")
        for field in ("name", "start"):
            if now[field] != self._as_read[field]:
                source = edit.assigned(source, field, now[field])
        return source

    # -- judging

    def findings(self, models: Iterable[str] | None = None) -> list[Finding]:
        """Return what is wrong with the graph; ladders are judged where the names of the `models` are given."""
        return linter.lint(self, models)

    def check(self, *, to_run: bool = False) -> None:
        """Raise GraphError, a line a finding, where the graph cannot be used; `to_run` imports what it names."""
        linter.check(self, to_run=to_run)

    def diff(self, other: Graph) -> list[str]:
        """Return what must change for this graph to be `other`, a line a difference; empty where they are equal.

        Raises GraphError where `other` is none.
        """
        if not isinstance(other, Graph):
            raise GraphError(
                f"a graph to compare with is needed, as GraphSpec.load reads one, not {other!r:.80}"
            )
        return differences(self, other)

    # -- editing

    def add_node(
        self,
        name: str,
        *,
        run: str | None = None,
        prompt: str = "",
        ladder: Sequence[str] = (),
        budget: float | None = None,
        recalls: Sequence[Kind] | None = None,
    ) -> Self:
        """Add a node that runs the function `run` (its own name, unless given). Give it rules with `connect`.

        This and every edit below raises GraphError, in one line, for an unknown name and for a value of a wrong type.
        """
        fields = {"prompt": prompt, "ladder": ladder, "budget": budget, "recalls": recalls}
        return self._take(edit.add_node(self._current(), name, run=run, **fields))

    def set_node(
        self,
        node: str,
        *,
        run: str | None = None,
        prompt: str | None = None,
        ladder: Sequence[str] | None = None,
        budget: float | None = None,
        recalls: Sequence[Kind] | None = None,
    ) -> Self:
        """Change what is given of a node; the rest stays."""
        given = {"run": run, "prompt": prompt, "ladder": ladder, "budget": budget, "recalls": recalls}
        fields = {key: value for key, value in given.items() if value is not None}
        return self._take(edit.set_node(self._current(), node, fields))

    def insert(self, node: str, *, after: str, before: str | None = None, **fields: Any) -> Self:
        """Put `node` on the way from `after` to `before` (default: where the last rule of `after` leads).

        It is added, with `fields` as for `add_node`, where it is not there yet. It gets the one rule that leads on, and with
        a ladder the graph's `faults`; what these lead to stays.
        """
        return self._take(edit.insert(self._current(), node, after, before, fields))

    def remove_node(self, node: str) -> Self:
        """Take a node out: what led to it leads to where its last rule led; no rule moves its rung any more."""
        return self._take(edit.remove_node(self._current(), node))

    def connect(self, node: str, to: str, *, when: str = "", **rest: Any) -> Self:
        """Lead from `node` to `to`: always, by its last rule, or on a condition, by a new rule just before that."""
        return self._take(edit.connect(self._current(), node, as_rule(to=to, when=when, **rest)))

    def set_rule(self, node: str, index: int, **rule: Any) -> Self:
        """Put a rule in the place of rule `index` of `node`, the first being 1; one past the last adds it at the end."""
        return self._take(edit.set_rule(self._current(), ("rules", node), index, as_rule(**rule)))

    def remove_rule(self, node: str, index: int) -> Self:
        """Take rule `index` of `node` out, the first being 1."""
        return self._take(edit.remove_rule(self._current(), ("rules", node), index))

    def set_fault(self, index: int, **rule: Any) -> Self:
        """Put a rule in the place of number `index` of `faults`, the first being 1; one past the last adds it at the end."""
        return self._take(edit.set_rule(self._current(), ("faults",), index, as_rule(**rule)))

    def remove_fault(self, index: int) -> Self:
        """Take rule `index` of `faults` out, the first being 1."""
        return self._take(edit.remove_rule(self._current(), ("faults",), index))

    def insert_rule(self, node: str, index: int, **rule: Any) -> Self:
        """Put a rule in so that it becomes rule `index` of `node`, the first being 1."""
        return self._take(order.insert_rule(self._current(), ("rules", node), index, as_rule(**rule)))

    def insert_fault(self, index: int, **rule: Any) -> Self:
        """Put a rule in so that it becomes number `index` of `faults`, the first being 1."""
        return self._take(order.insert_rule(self._current(), ("faults",), index, as_rule(**rule)))

    def move_rule(self, node: str, index: int, to: int) -> Self:
        """Move rule `index` of `node` so that it becomes rule `to`; the first that holds decides."""
        return self._take(order.move_rule(self._current(), ("rules", node), index, to))

    def move_fault(self, index: int, to: int) -> Self:
        """Move number `index` of `faults` so that it becomes number `to`."""
        return self._take(order.move_rule(self._current(), ("faults",), index, to))

    def rename_node(self, node: str, to: str) -> Self:
        """Call a node otherwise, wherever the graph names it."""
        return self._take(order.rename_node(self._current(), node, to))

    def clear_node(self, node: str, field: str) -> Self:
        """Take `field` of a node back: what it is without that field holds."""
        return self._take(order.clear_node(self._current(), node, field))

    def set_start(self, node: str) -> Self:
        """Begin with `node`."""
        return self._take(order.set_start(self._current(), node))

    def set_name(self, name: str) -> Self:
        """List runs of the graph under `name`."""
        return self._take(edit.assigned(self._current(), "name", name))

    def become(self, text: str) -> Self:
        """Become, in place, the graph that a YAML text says. Raises GraphError where it is none, and stays as it was."""
        return self._take(Source.read(text, self._source.path if self._source else "<graph>"))

    def _take(self, source: Source) -> Self:
        """Become what `source` says. Raises GraphError, in one line, where it is no graph, and stays as it was."""
        try:
            fresh = type(self).model_validate(source.values)
        except ValidationError as error:
            raise GraphError(next(explain(error, source)).what) from None
        for field in type(self).model_fields:
            setattr(self, field, getattr(fresh, field))
        self._source, self._as_read = source, fresh.model_dump()
        return self

    # -- running

    def compile(self, deps: "Deps", checkpointer: Any = None) -> Any:
        """Return an ordinary LangGraph graph with `deps` bound to its nodes. Raises GraphError as `check` does."""
        from graphs.compile import compile_graph

        return compile_graph(self, deps, checkpointer)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from graphs.drawing.picture import bundle

        return bundle(self)
