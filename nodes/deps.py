"""All that a node may touch: a frozen bundle of Protocols, bound when the graph is compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from memory.attempts import Execution, Score
from memory.state import Fault, Recalled, RunState
from memory.state import Task as TaskState
from nodes.able import Able

__all__ = [
    "OUTAGES", "REPLY_FAULTS", "Able", "Artifacts", "Deps", "Execution", "Finding", "Here", "History", "Message", "Models",
    "Prompts", "Repairs", "Reply", "Sandbox", "Score", "Scorer", "Task",
]  # fmt: skip

Message = Mapping[str, str]  # {"role": "system" | "user" | "assistant", "content": text}


@dataclass(frozen=True)
class Here:
    """Where a node stands: set anew by the compiler for each step."""

    node: str = ""
    role: str = ""  # that its function declares, e.g. "expert"
    prompt: str = ""  # name of the node's prompt, "" for none
    model: str = ""  # the model of the current rung; "" where the rung asks none
    ladder: tuple[str, ...] = ()  # the node's rungs, cheapest first; "recall" is no model
    step: int = 0
    writers: tuple[str, ...] = ()  # the rungs of the graph's coder, who may carry out what this node decides
    budget: int | None = None  # nano-dollars that this node may spend in a run; None: no cap of its own
    call: str = ""  # the identity of this step's execution: the same when a step is repeated after a crash


# What a reply's fault may be, told apart where a rule has something else to do:
OUTAGES = (
    "busy",  # the provider could not answer now: worth trying again, after a wait
    "denied",  # it will never answer: a wrong key, address or name, no credit
    "rejected",  # it does not answer this very request: too long, not understood, its content filtered
    "provider",  # it answered with what is no reply
)
# Refused by the ledger, declined by a person, cut off, or thinking without an answer: more room may bring one.
REPLY_FAULTS = ("refused", "declined", "truncated", "thought", *OUTAGES)


@dataclass(frozen=True)
class Reply:
    """A model's reply. Exactly one of `text` and `fault` is meant."""

    text: str = ""
    fault: str = ""  # "" or one of REPLY_FAULTS
    detail: str = ""  # one sentence, where there is a fault
    cap: str = ""  # where it was refused, whose budget did so: run | project | node

    def as_fault(self) -> Fault:
        """Return the fault as the state keeps it."""
        fault = Fault(kind=self.fault, detail=self.detail)
        return fault | Fault(cap=self.cap) if self.cap else fault


class Models(Protocol):
    """Asks models; every request is reserved in the ledger before it is sent."""

    def ask(
        self,
        here: Here,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 1024,
        temperature: float = 0.2,
        least: int = 0,
    ) -> Reply:
        """Send one request to `here.model`. A repeated step gets the stored reply for nothing.

        Where the money does not pay for `max_tokens` the reply may have fewer; one of less than `least` is refused, not cut off.
        """
        ...

    def able(self, model: str) -> Able:
        """What `model` can do, as this run believes from its start on; of "" and of `recall`, which are none, the weakest."""
        ...

    def spent(self) -> int:
        """Nano-dollars of this run: settled calls plus reservations of unknown outcome."""
        ...


@dataclass(frozen=True)
class Finding:
    """One finding of the static gate."""

    line: int
    rule: str  # e.g. unresolved-reference, unresolved-import, invalid-syntax
    name: str  # the name concerned, "" where there is none
    message: str


class Sandbox(Protocol):
    """Runs scripts where they can do no harm."""

    def run(self, here: Here, script: str) -> Execution:
        """Run the script `script` (its text) on the task's data."""
        ...


class Repairs(Protocol):
    """What can be mended without a model. `sources` are scripts to copy a lost definition from."""

    def before(self, script: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what would certainly fail, without running anything: the script, and what was done in sentences."""
        ...

    def after(self, script: str, tail: str, sources: Sequence[str]) -> tuple[str, list[str]]:
        """Mend what failed, as the output's `tail` tells it; nothing done where no cure applies."""
        ...


class Scorer(Protocol):
    """Scores an execution's submission on the public part, out of the script's reach."""

    def score(self, execution: Execution) -> Score:
        """Raises the application's typed error where the metric script itself fails."""
        ...


class Artifacts(Protocol):
    """Files by hash."""

    def put(self, data: bytes | str) -> str:
        """Store and return the id."""
        ...

    def put_json(self, value: Any) -> str:
        """Store a JSON value and return the id."""
        ...

    def text(self, name: str) -> str:
        """Read as text."""
        ...

    def json(self, name: str) -> Any:
        """Read as JSON."""
        ...


class History(Protocol):
    """Long-term memory."""

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:
        """What the coming `node` should know of these `kinds` (`memory.state.Kind`), as artifacts of this run."""
        ...

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep an item {kind, text, ...} and return its id. Remembering it twice is once."""
        ...


class Prompts(Protocol):
    """Prompts by name."""

    def __call__(self, name: str, /, **values: Any) -> list[Message]:
        """Render the prompt `name` into messages."""
        ...


class Task(Protocol):
    """The task as a node may know it."""

    name: str
    text: str  # the task in words
    metric: str
    direction: str  # "max" or "min"
    seconds: float  # limit of one execution
    allowed: Mapping[str, str]  # its limits in words: time, memory, disk, output, processes -> "2 GB"
    starter: str  # text of the starter script
    rows: bool  # whether what a script prints of the data may be told to the models
    looks: bool  # whether a script may look at the data for them: rows may be told, or all models are on this machine

    def seconds_left(self) -> float:
        """Seconds that the run may still take; infinite where its time has no limit."""
        ...

    def limits(self) -> TaskState:
        """What the rules must know: name, direction, budget, turns, history."""
        ...

    def brief(self, execution: Execution, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read the data, by code, with the baseline's submission as its example of the format.

        `told` is what a model says that the tables are (`nodes.craft.telling`): the briefing is by that, or {untrue}, a sentence.
        """
        ...


@dataclass(frozen=True)
class Deps:
    """Everything a node is given. Swap any part with `dataclasses.replace`."""

    models: Models
    sandbox: Sandbox
    repairs: Repairs
    scorer: Scorer
    artifacts: Artifacts
    history: History
    prompts: Prompts
    task: Task
    here: Here = Here()
