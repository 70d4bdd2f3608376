"""What is written into the ledger and read from it. Amounts are integers of nano-dollars, times seconds since the epoch."""

from dataclasses import dataclass
from typing import Literal

from memory.state import NANO

Cap = Literal["run", "project", "node"]
By = Literal["node", "model", "day", "run"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that is about to be sent. `key` is the identity of its step; each try gets the id `key/number`."""

    key: str
    run: str
    step: int
    node: str
    model: str  # its name in models.yaml
    served: str  # its name at its host
    price: str  # id of the price
    prompt: str = ""  # artifact id
    bytes: int = 0  # of the prompt's text


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `text` is None where the provider gave an error instead of a reply."""

    text: str | None = None
    finish: str = ""
    reply: str = ""  # artifact id of the text
    request: str = ""  # the provider's id of the request
    tokens_in: int = 0  # cached ones included
    tokens_out: int = 0
    cached: int = 0
    thought: int = 0  # of tokens_out, what was thought before the answer
    thought_nano: int = 0  # of what it cost, for that
    note: str = ""  # one sentence, where the entry needs one
    answered: str = ""  # the model that replied, as the provider calls it


@dataclass(frozen=True, kw_only=True)
class Entry(Call, Answer):
    """One call in the ledger."""

    id: str
    number: int  # of the try
    reserved: int
    settled: int | None
    created: float
    closed: float | None

    @property
    def state(self) -> str:
        """Either "settled" or "reserved"."""
        return "reserved" if self.settled is None else "settled"

    @property
    def nano(self) -> int:
        """What the call counts for: its true price, or its reservation while that is unknown."""
        return self.reserved if self.settled is None else self.settled


@dataclass(frozen=True)
class Reservation:
    """Room for one request: to be settled, or released where nothing was sent."""

    id: str
    worst: int


@dataclass(frozen=True)
class Refused:
    """The request does not fit: `worst` was needed and `remaining` was left of the cap that leaves the least."""

    worst: int
    remaining: int
    cap: Cap

    def sentence(self, call: Call) -> str:
        """Say what does not fit, and under which cap."""
        own = {"run": "the run", "project": "the project", "node": f"node {call.node!r}"}[self.cap]
        need, left = f"${self.worst / NANO:.6f}", f"${max(self.remaining, 0) / NANO:.6f}"
        return f"a call of model {call.model!r} may cost {need} and {left} is left of the budget of {own}"


@dataclass(frozen=True)
class Total:
    """The calls of one node, model, day or run."""

    name: str
    calls: int  # requests sent; a reply that was used again is none
    settled: int
    reserved: int  # of calls whose outcome is unknown
    tokens_in: int
    cached: int
    tokens_out: int
    thought: int
    thought_nano: int
