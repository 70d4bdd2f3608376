"""A graph's fields: the nodes, the rules at each fork, and the rules about faults that all nodes with a ladder share."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from graphs.finding import Keys
from graphs.text.source import Source
from memory.state import Kind

END = "END"
RECALL = "recall"  # the rung that asks no model
AUTO = "auto"  # the rungs that are all models of models.yaml, in an order that is found when a run begins
AGAIN = "again"  # in `faults`: the node itself
# Predicates about what went wrong in a node, and what is worth it then. A node's own rules with these at the head of its list
# come before `faults`.
ABOUT_FAULTS = frozenset(
    {
        "faulted",
        "missed",
        "given_up",
        "out_of_budget",
        "nothing_recalled",
        "pays",
        "vain",
        "balked",
        "average_left",
    }
)


def _one(value: Any) -> Any:
    return (AUTO,) if value == AUTO else value


Ladder = Annotated[
    tuple[str, ...], BeforeValidator(_one, json_schema_input_type=tuple[str, ...] | Literal["auto"])
]


class NodeSpec(BaseModel):
    """One node: the function it runs, the prompt it renders, its ladder of models (cheapest first)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run: str = Field(
        description="The function: a node of ours, a plug-in package's, or `package.module:function`."
    )
    prompt: str = Field(
        "", description="A prompt's name in `prompts/`, a .md file's path, or `package:file.md`."
    )
    ladder: Ladder = Field(
        (),
        description="Names of models.yaml, cheapest first; `recall` asks no model, `auto` stands for all models, ordered by"
        " what a success of theirs costs.",
    )
    recalls: tuple[Kind, ...] | None = Field(
        None, description="Kinds of history to supply before it runs; absent: what its function declares."
    )
    budget: float | None = Field(
        None,
        ge=0,
        lt=1e6,
        strict=True,
        description="Dollars that the node may spend in a run; absent: no cap of its own.",
    )


class Rule(BaseModel):
    """`when` names a predicate (absent: always); the keys not listed here are the predicate's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    when: str = Field("", description="The predicate that must hold; without it the rule always does.")
    to: str = Field(description="The next node, or END; in `faults` also `again`, the node itself.")
    up: str = Field(
        "", description="The role that moves up its ladder; on the top rung the rule is passed over."
    )
    down: str = Field("", description="The role that moves down its ladder.")

    @property
    def arguments(self) -> dict[str, Any]:
        """The predicate's arguments."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def always(self) -> bool:
        """Whether it holds in every state: one that moves a role up does not on the role's top rung."""
        return not self.when and not self.up

    def at(self, node: str) -> Self:
        """Return the rule as it stands at `node`: `again` is the node itself."""
        return self.model_copy(update={k: node for k in ("to", "up", "down") if getattr(self, k) == AGAIN})

    def __str__(self) -> str:
        """Render the rule as in the drawing: `stuck attempts=4 ↑coder → planner`."""
        words = [self.when or "otherwise", *(f"{k}={v}" for k, v in self.arguments.items())]
        words += [f"↑{self.up}"] if self.up else []
        words += [f"↓{self.down}"] if self.down else []
        return " ".join([*words, f"→ {self.to}"])


Placed = tuple[Keys, Rule]  # a rule with the way to it in the file


class Graph(BaseModel):
    """A graph: nodes, and at each fork an ordered list of rules, of which the first that holds decides."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(description="What runs of this graph are listed under.")
    start: str = Field(description="The first node.")
    nodes: dict[str, NodeSpec] = Field(min_length=1, description="Name to node.")
    rules: dict[str, list[Rule]] = Field(description="Node to its rules: the first that holds decides.")
    faults: list[Rule] = Field(
        [],
        description="Rules that every node with a ladder has too. They come after the rules about faults with which its"
        " own list begins, and before the rest of it.",
    )
    _source: Source | None = PrivateAttr(default=None)

    @property
    def ladders(self) -> dict[str, tuple[str, ...]]:
        """Role to ladder, for the roles that have one."""
        return {name: node.ladder for name, node in self.nodes.items() if node.ladder}

    @property
    def models(self) -> list[str]:
        """Names of the models on any ladder, in order of appearance."""
        return list(
            dict.fromkeys(m for ladder in self.ladders.values() for m in ladder if m not in (RECALL, AUTO))
        )

    def fork(self, node: str) -> list[Placed]:
        """Return the rules of a node in the order in which they are tried, each with where it stands in the file."""
        own: list[Placed] = [(("rules", node, i), rule) for i, rule in enumerate(self.rules.get(node, ()))]
        if node not in self.ladders:
            return own
        shared: list[Placed] = [(("faults", i), rule.at(node)) for i, rule in enumerate(self.faults)]
        head = next((i for i, (_, rule) in enumerate(own) if rule.when not in ABOUT_FAULTS), len(own))
        return [*own[:head], *shared, *own[head:]]

    def rules_of(self, node: str) -> list[Rule]:
        """Return the rules of a node in the order in which they are tried: its own, and `faults` where it has a ladder."""
        return [rule for _, rule in self.fork(node)]

    def place(self, *keys: str | int) -> tuple[str, int, int]:
        """Return the file, line and column of what stands at `keys`, e.g. "rules", "coder", 0."""
        if self._source is None:
            return "<graph>", 1, 1
        return self._source.path, *self._source.place(keys)
