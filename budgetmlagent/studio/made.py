"""What comes back to whoever makes a graph: what can be chosen, a text judged, what was written."""

from typing import Any, Literal

from typing_extensions import TypedDict

from budgetmlagent.studio.replies import Code, FindingRow, GraphView


class Named(TypedDict):
    """Something with a name that can be chosen."""

    name: str
    path: str
    shipped: bool
    says: str


class Argument(TypedDict):
    """One argument of a predicate."""

    name: str
    type: Literal["int", "float", "str", "bool", "other"]
    required: bool
    default: Any
    choices: list[Any]  # [] where any value of the type can be


class PredicateRow(TypedDict):
    """What a rule's `when` may name."""

    name: str
    says: str
    arguments: list[Argument]
    shipped: bool


class NodeRow(TypedDict):
    """What a node's `run` may name. Every node has one way in; its ways out are its rules."""

    name: str
    says: str
    role: str
    recalls: list[str]
    prompt: bool  # whether it renders one
    ladder: bool  # whether it asks models
    shipped: bool


class Catalogue(TypedDict):
    """What can be chosen."""

    version: str
    folder: str
    runs_dir: str
    tasks: list[Named]
    graphs: list[Named]
    models: list[Named]  # models.yaml files, and recorded runs as `replay:FOLDER`
    prompts: list[Named]
    nodes: list[NodeRow]
    predicates: list[PredicateRow]
    recalls: list[str]  # kinds of history
    defaults: dict[str, Any]  # of `start`
    operations: dict[str, dict[str, Any]]  # name -> {says, arguments: {name: type in words}}


class Decision(TypedDict):
    """A recorded decision that would be another one under an edited graph."""

    run: str
    step: int
    node: str
    before: str
    after: str


class Gate(TypedDict):
    """Recorded decisions taken again."""

    decisions: int
    changes: list[Decision]
    error: str  # "" or why they could not be taken


class GraphReply(TypedDict):
    """A graph to edit."""

    graph: str
    path: str  # "" of a shipped one
    read_only: bool
    text: str
    hash: str
    view: GraphView | None  # None where the text is no graph
    findings: list[FindingRow]
    code: Code


class EditReply(TypedDict):
    """A graph as edited. Where an operation cannot be done, `error` says so and the text is as before it."""

    text: str
    hash: str
    view: GraphView | None
    findings: list[FindingRow]
    diff: list[str]  # unified, to `before`
    changes: list[str]  # in words
    gate: Gate | None
    error: str
    code: Code


class Saved(TypedDict):
    """What was written."""

    path: str
    hash: str


class PromptReply(TypedDict):
    """A prompt's text."""

    prompt: str
    path: str
    read_only: bool
    text: str
    hash: str
    copy: str  # the path that a copy beside the graph would have
