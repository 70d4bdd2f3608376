"""What comes back to the page: plain JSON. Every text in it may be a stranger's."""

from typing import Any, Literal

from typing_extensions import TypedDict

from graphs.drawing.arrows import Look


class Code(TypedDict):
    """The same, to be copied."""

    python: str
    command: str  # "" where no command does it


Stands = Literal["underway", "waits", "stopped", "dead", "finished", "failed", "new", "damaged"]


class RunRow(TypedDict):
    """A run in a list."""

    run_id: str
    stands: (
        Stands  # "waits": for a person's word; "dead": its process is gone without having left it in order
    )
    reason: str  # of a damaged one, what is wrong
    task: str
    graph: str
    metric: str
    direction: str
    baseline: float | None
    best: float | None
    gain_pct: float | None
    success: bool
    usd: float
    budget: float
    calls: int
    turn: int
    turns: int
    steps: int
    seconds: float
    begun: float
    parent: str  # the run that a fork was made of; "" for any other
    parent_step: int | None
    replayed: bool


class Flight(TypedDict):
    """A call whose reply is waited for, or whose outcome is unknown."""

    id: str
    step: int
    node: str
    model: str
    created: float
    usd_reserved: float


class Live(TypedDict):
    """Whether somebody goes on with the run now."""

    stands: Stands
    pid: int | None
    since: float | None  # when that process took the run
    node: str  # that runs now, or would next; "END"
    flight: Flight | None
    pausing: bool  # a pause was asked for, the step still runs
    ours: bool  # whether this studio drives it


class FindingRow(TypedDict):
    """What is wrong with a graph, and where."""

    keys: list[str | int]  # ["rules", "coder", 0, "to"]
    line: int
    column: int
    kind: str
    what: str
    note: bool  # the graph runs all the same


class RuleRow(TypedDict):
    """A rule in the order in which it is tried."""

    keys: list[str | int]
    number: str  # "3", "fault 2"
    shared: bool  # one of `faults`, which all nodes with a ladder have
    when: str
    arguments: dict[str, Any]
    up: str
    down: str
    to: str  # a node, "END", in `faults` also "again"
    text: str  # as in a step's route
    words: str
    look: Look  # as in the picture of the graph
    fired: int  # in the run; 0 where none is shown
    usd: float  # what the steps cost that it led to
    findings: list[FindingRow]


class Card(TypedDict):
    """A node with its rules."""

    name: str
    run: str
    role: str
    prompt: str
    ladder: list[str]
    budget: float | None
    recalls: list[str] | None
    start: bool
    rules: list[RuleRow]
    findings: list[FindingRow]
    runs: int
    usd: float
    rungs: dict[str, int]  # rung -> how often it was asked
    rung: str  # where the node stands on its ladder now; "" without one


class Edge(TypedDict):
    """How often a run went from node to node."""

    source: str  # "" leads to the first node
    to: str
    count: int
    dearer: bool


class GraphView(TypedDict):
    """A graph as policy cards."""

    name: str
    start: str
    cards: list[Card]
    faults: list[RuleRow]
    edges: list[Edge]
    positions: dict[str, list[float]]  # kept ones; {} where the page lays out


class StepRow(TypedDict):
    """A step in a list."""

    step: int
    turn: int
    node: str
    did: str
    why: str
    to: str
    rule: str
    model: str
    usd: float
    tokens_in: int
    tokens_out: int
    seconds: float
    time: float | None
    score: float | None  # of this step's attempt
    best: float | None
    fault: str
    status: str  # of the attempt: keep | retest | discard | crash; "" where there is none
    dearer: bool  # dearer help was called
    up: str
    down: str
    edited: list[str]  # fields that a person changed before it; "graph" for its graph or a limit
    replayed: bool  # the reply, or the execution, was served from a recording


class BranchRow(TypedDict):
    """A branch of a run."""

    name: str
    steps: int
    split: int  # the step after which it parts from the one it was made of; 0 for the first
    current: bool


class Part(TypedDict):
    """A part of the money, and the steps that it was spent in."""

    name: str  # a node, a model, or a rule in words and where it leads
    node: str
    usd: float
    steps: list[int]


class Money(TypedDict):
    """What was spent, of what."""

    budget: float
    usd: float
    settled: float
    reserved: float
    left: float
    by_node: list[Part]
    by_model: list[Part]
    by_rule: list[Part]  # the rule that led to the step that was paid


class RunReply(TypedDict):
    """A run as it stands."""

    row: RunRow
    live: Live
    question: (
        dict[str, Any] | None
    )  # step, node, model, usd (at most), left_usd, declined: {to, rule, words} where a refusal leads
    at: int  # the step after which it stands
    next: str
    ended: str  # why it has come to its end; "" where it has not
    graph: GraphView
    graph_text: str
    steps: list[StepRow]
    branches: list[BranchRow]
    money: Money
    curve: list[dict[str, Any]]  # step, score, best, usd (so far)
    state: dict[str, Any]  # as it stands: the fields that can be edited in a fork
    edits: list[str]  # what a person changed since the newest step
    summary: dict[str, Any]
    code: Code


class Passed(TypedDict):
    """A rule that was tried: the last one fired."""

    rule: str
    words: str
    saw: str  # the values, as a person reads them; "nothing" where it saw none
    fired: bool


class Change(TypedDict):
    """A field of the state, before and after."""

    field: str
    before: str
    after: str


class Supply(TypedDict):
    """What memory supplied to the step's node."""

    id: str
    kind: str
    source: str
    similarity: float
    says: str


class Told(TypedDict):
    """A text, cut where it is long; `whole` is its length in characters."""

    text: str
    whole: int


class StepReply(TypedDict):
    """One step in full."""

    row: StepRow
    prompt: list[dict[str, Any]]  # role, text, whole
    reply: Told | None
    calls: list[dict[str, Any]]  # the ledger's lines
    state: list[Change]
    script: Told | None  # as it stands after the step
    script_diff: list[str]  # unified, a line each; [] where it did not change
    output: Told | None
    history: list[Supply]
    rules: list[Passed]
    advised: str  # where the idea of its plan comes from
    edits: list[dict[str, Any]]  # what a person changed before it
    around: list[int]  # the steps before and after it, where there are some
    code: Code


class Price(TypedDict):
    """What something costs at most."""

    usd: float
    about: float | None  # of one step: what its call costs at most where its prompt is no longer than usual
    left: float | None
    words: str
    models: list[dict[str, Any]]  # of a start: name, model, host, worst_case_usd, calls
    code: Code


class Driven(TypedDict):
    """What was begun. What comes of it arrives by `changes`; `error` is what the newest drive of this run ended with."""

    run: str
    live: Live
    said: list[str]
    code: Code
