"""Edits of a graph as data: text in, text out, and the line of Python that does the same.

An operation is a mapping with `do`, a key of `OPERATIONS`, and the arguments of the method of `GraphSpec` that does it. Every
character that it need not change stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphs.finding import GraphError
from graphs.registry import nearest
from graphs.spec import GraphSpec
from memory.state import Kind

NUMBER = "counted from 1"


class Operation(BaseModel):
    """What all have: `python` is the call that does it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def method(self) -> str:
        """The method of GraphSpec."""
        return str(self.do)  # type: ignore[attr-defined]

    @property
    def arguments(self) -> dict[str, Any]:
        """The method's keyword arguments: what was given."""
        given = {key: getattr(self, key) for key in self.model_fields_set - {"do"}}
        first = ("node", "name")
        ordered = {key: given[key] for key in [*first, *type(self).model_fields] if key in given}
        rule: Mapping[str, Any] = ordered.pop("rule", {})
        return {**ordered, **rule}

    @property
    def python(self) -> str:
        """The same as a line: `graph.move_rule(node='coder', index=1, to=3)`."""
        told = ", ".join(
            f"{key}={value!r}" if key.isidentifier() else f"**{{{key!r}: {value!r}}}"
            for key, value in self.arguments.items()
        )
        return f"graph.{self.method}({told})"


class _Node(Operation):
    run: str | None = None
    prompt: str | None = None
    ladder: list[str] | Literal["auto"] | None = None
    budget: float | None = None
    recalls: list[Kind] | None = None


class AddNode(_Node):
    """Add a node, without rules."""

    do: Literal["add_node"]
    name: str


class SetNode(_Node):
    """Change what is given of a node."""

    do: Literal["set_node"]
    node: str


class InsertNode(_Node):
    """Put a node on the way from one to another."""

    do: Literal["insert_node"]
    node: str
    after: str
    before: str | None = None

    @property
    def method(self) -> str:
        """It has another name there."""
        return "insert"


class ClearNode(Operation):
    """Take a field of a node back."""

    do: Literal["clear_node"]
    node: str
    field: Literal["prompt", "ladder", "budget", "recalls"]


class RenameNode(Operation):
    """Call a node otherwise, wherever it is named."""

    do: Literal["rename_node"]
    node: str
    to: str = Field(min_length=1, max_length=100)


class RemoveNode(Operation):
    """Take a node out, and lead past it."""

    do: Literal["remove_node"]
    node: str


class SetStart(Operation):
    """Begin with another node."""

    do: Literal["set_start"]
    node: str


class SetName(Operation):
    """List runs of the graph under another name."""

    do: Literal["set_name"]
    name: str = Field(min_length=1, max_length=100)


class InsertRule(Operation):
    """Put a rule in at a place."""

    do: Literal["insert_rule"]
    node: str
    index: int = Field(strict=True, description=NUMBER)
    rule: dict[str, Any]


class SetRule(InsertRule):
    """Put a rule in the place of another."""

    do: Literal["set_rule"]  # type: ignore[assignment]


class MoveRule(Operation):
    """Move a rule up or down."""

    do: Literal["move_rule"]
    node: str
    index: int = Field(strict=True, description=NUMBER)
    to: int = Field(strict=True, description=NUMBER)


class RemoveRule(Operation):
    """Take a rule out."""

    do: Literal["remove_rule"]
    node: str
    index: int = Field(strict=True, description=NUMBER)


class InsertFault(Operation):
    """Put a rule into those about faults."""

    do: Literal["insert_fault"]
    index: int = Field(strict=True, description=NUMBER)
    rule: dict[str, Any]


class SetFault(InsertFault):
    """Put a rule about faults in the place of another."""

    do: Literal["set_fault"]  # type: ignore[assignment]


class MoveFault(Operation):
    """Move a rule about faults up or down."""

    do: Literal["move_fault"]
    index: int = Field(strict=True, description=NUMBER)
    to: int = Field(strict=True, description=NUMBER)


class RemoveFault(Operation):
    """Take a rule about faults out."""

    do: Literal["remove_fault"]
    index: int = Field(strict=True, description=NUMBER)


OPERATIONS: dict[str, type[Operation]] = {
    str(kind.model_fields["do"].annotation.__args__[0]): kind  # type: ignore[union-attr]
    for kind in (
        AddNode, SetNode, InsertNode, ClearNode, RenameNode, RemoveNode, SetStart, SetName,
        InsertRule, SetRule, MoveRule, RemoveRule, InsertFault, SetFault, MoveFault, RemoveFault,
    )
}  # fmt: skip


def operation(given: Mapping[str, Any]) -> Operation:
    """Return the operation that `given` describes. Raises GraphError, in one line, where it describes none."""
    name = given.get("do")
    if name not in OPERATIONS:
        raise GraphError(
            f"no operation {name!r}{nearest(str(name), OPERATIONS)}; there are {', '.join(OPERATIONS)}"
        )
    try:
        return OPERATIONS[name].model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise GraphError(f"{name}: {where}: {first['msg'].lower()}") from None


def edited(text: str, operations: Iterable[Operation], path: str = "<graph>") -> str:
    """Return the graph's text with the operations done on it, one after the other; `path` is what findings name.

    Raises GraphError where the text is no graph, and in one line where an operation cannot be done.
    """
    spec = GraphSpec.parse(text, path, check=False)
    for each in operations:
        _do(spec, each)
    return spec.dump()


def _do(spec: GraphSpec, operation: Operation) -> None:
    arguments = operation.arguments
    rule = getattr(operation, "rule", {})
    if clash := {"node", "index"} & set(rule):
        raise GraphError(f"{operation.method}: a rule has no {sorted(clash)[0]!r}")
    try:
        getattr(spec, operation.method)(**arguments)
    except TypeError as error:  # `to` is missing in the rule, or one of its keys is none of the method's
        raise GraphError(f"{operation.method}: {error}") from None
