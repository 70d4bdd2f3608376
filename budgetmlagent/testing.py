"""For tests of nodes and graphs: what a node is given, made without a model, a sandbox, a disk or a network.

    deps = testing.deps(models=ScriptedModels("Too few trees."), here=Here(node="critic", prompt="critic", model="small"))
    state = testing.state(deps.artifacts, {"script": "print(1)", "score": 0.7})
    assert critic(state, deps) == {"notes": {"critic": {"text": "Too few trees."}}}

What a node touches and its test does not give is an AssertionError that names it.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import prompts
from memory import Recalled, RunState
from memory import Task as TaskState
from memory.artifacts import Artifacts
from nodes import Able, Deps, Here, Message, Reply
from nodes.deps import Artifacts as AnyArtifacts
from nodes.deps import Execution


class ScriptedModels:
    """`nodes.deps.Models` over a list of replies: one a request, each for `cost` of a `budget`, in nano-dollars.

    Each model can do what `can` says.

    `asked` keeps each request that was answered: {"model": name, "messages": [...]} and the options that the node gave.
    """

    def __init__(
        self, *replies: str | Reply, cost: int = 0, budget: float = math.inf, can: Able | None = None
    ) -> None:
        self.replies = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        self.asked: list[dict[str, Any]] = []
        self.cost, self.budget, self.can = cost, budget, can or Able()

    def ask(self, here: Here, messages: Sequence[Message], **options: Any) -> Reply:
        """Return the next reply, or a refusal where the budget does not pay for it. Raises AssertionError where none is left."""
        if self.spent() + self.cost > self.budget:
            return Reply(fault="refused", detail="no money is left")
        told = len(self.asked)
        assert told < len(self.replies), (
            f"node {here.node!r} asks {here.model!r}, but all {told} replies are given"
        )
        self.asked.append({"model": here.model, "messages": list(messages), **options})
        return self.replies[told]

    def able(self, model: str) -> Able:
        """Return `can`; for what is no model, the weakest."""
        return self.can if model not in ("", "recall") else Able()

    def spent(self) -> int:
        """Nano-dollars of the requests so far."""
        return self.cost * len(self.asked)


class MemoryArtifacts(Artifacts):
    """Artifacts that are kept in memory, under the ids that they have in a run's folder."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes | str) -> str:
        """Keep `data` and return its SHA-256 in hex."""
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        name = hashlib.sha256(raw).hexdigest()
        self.kept[name] = raw
        return name

    def read(self, name: str) -> bytes:
        """Return the bytes of artifact `name`. Raises AssertionError where there is none."""
        assert name in self.kept, f"there is no artifact {name!r}"
        return self.kept[name]


class MemoryHistory:
    """`nodes.deps.History` that recalls nothing: `kept` is what a node has had remembered, oldest first."""

    def __init__(self, artifacts: AnyArtifacts) -> None:
        self.artifacts = artifacts
        self.kept: list[dict[str, Any]] = []

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:  # noqa: ARG002
        """Return nothing: a test gives a node its history in the state."""
        return []

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep an item and return its id."""
        self.kept.append(dict(item))
        return self.artifacts.put_json(self.kept[-1])


@dataclass
class Task:
    """`nodes.deps.Task`: a task in a few words, each of which a test may choose."""

    name: str = "small"
    text: str = "Tell whether x is positive."
    metric: str = "accuracy"
    direction: str = "max"
    seconds: float = 10.0
    allowed: Mapping[str, str] = field(default_factory=dict)
    starter: str = "print('validation accuracy', 0.5)\n"
    rows: bool = False
    looks: bool = False
    briefing: dict[str, Any] = field(default_factory=dict)
    retold: dict[str, Any] = field(default_factory=dict)
    left: float = math.inf

    def seconds_left(self) -> float:
        """Return `left`."""
        return self.left

    def limits(self) -> TaskState:
        """Return what the state holds of the task from the first step on."""
        return TaskState(name=self.name, direction=self.direction)

    def brief(self, execution: Execution, told: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002  # as `nodes.deps.Task` has it
        """Return `briefing`, or where something is told, `retold`."""
        return self.retold if told else self.briefing


class Missing:
    """A part that a test does not give: whatever a node does with it is an AssertionError."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        """Refuse `deps.PART.name`."""
        if name.startswith("__"):  # asked for by Python itself, to copy or print it
            raise AttributeError(name)
        raise AssertionError(f"deps.{self._part}.{name} is used; give it: testing.deps({self._part}=...)")


def deps(**parts: Any) -> Deps:
    """Return dependencies with `parts` by their names in `Deps`.

    Of those not given, `artifacts` are in memory, `prompts` are the real ones, `task` is a `Task()`; any other is an
    AssertionError once a node touches it.
    """
    made: dict[str, Any] = {"artifacts": MemoryArtifacts(), "prompts": prompts.render, "task": Task()}
    made |= {name: Missing(name) for name in ("models", "sandbox", "repairs", "scorer", "history")}
    return Deps(**made | parts)


def state(artifacts: AnyArtifacts, *attempts: Mapping[str, Any], **fields: Any) -> RunState:
    """Return a state after `attempts`, oldest first, each with the text of its `script`; `fields` are set besides.

    An attempt that says no more is one to improve that was kept without a score. The newest one kept is the best.
    """
    made: dict[str, Any] = {}
    for given in attempts:
        plain = {"plan": {"action": "improve"}, "status": "keep", "score": None, "problem": ""}
        whole: dict[str, Any] = {**plain, **given}
        script = artifacts.put(whole["script"])
        head = artifacts.put_json(whole | {"script": script, "parent": made.get("head", "")})
        made |= {"head": head, "script": script}
        if whole["status"] == "keep":
            made["best"] = {"attempt": head, "score": whole["score"]}
    return RunState(**(made | fields))
