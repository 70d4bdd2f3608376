"""Working memory: the state that the graph checkpoints at every step.

Fifteen fields of plain JSON values, because each channel costs bytes at every step. Whatever is large (scripts,
logs, prompts, replies, attempts, the briefing) lies in the artifact store and is named here by its SHA-256.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from typing_extensions import TypedDict  # `langgraph dev` makes a schema of no other before Python 3.12

NANO = 1_000_000_000  # nano-dollars in a dollar; money is always an integer of these

# `fault: Shared[Fault]` in a node's update says: other nodes write this field too, and that is meant. Where two
# functions do so unsaid, the linter refuses the graph: an added node would overwrite another's word unnoticed.
T = TypeVar("T")
SHARED = "shared"
Shared = Annotated[T, "shared"]


class Known(TypedDict):
    """What a model's tries brought in other runs, on this task and on those like it."""

    tries: int
    gain: float  # the mean, in percent of the score before each
    spent: int  # the mean, in nano-dollars at today's price; 0 where it is unknown


class Skill(TypedDict):
    """What the rules must know of a model, as the run believes it from its start on (`nodes.able.Able`)."""

    free: bool  # whether it plans freely; else it chooses from a list
    lines: int  # the longest script that it writes whole and right
    edits: NotRequired[bool]  # whether it changes a script by search and replace; absent of old
    call: int  # what a usual call of it costs, in nano-dollars
    known: NotRequired[Known]  # where memory has tries of it: what is believed before its first one here


class Task(TypedDict, total=False):
    """What the rules must know of the task and of the run's limits."""

    name: str
    direction: str  # "max" or "min"
    budget: int  # nano-dollars
    turns: int  # decisions of the planner allowed
    history: str  # off | run | all
    aim: str  # success (stop once the goal is met) | best (go on while money and turns last); absent is best
    models: dict[
        str, Skill
    ]  # by name, those on the graph's ladders; absent where a run of an older version goes on
    baseline: float | None  # feedback score of the starter
    perfect: float  # the feedback score that no script beats; absent where none is known
    briefing: str  # artifact id of the data briefing (JSON); absent before the baseline has run


class Best(TypedDict, total=False):
    """The best attempt so far; empty before the baseline has run."""

    attempt: str  # artifact id
    score: float | None  # feedback score; None where a script reported none
    lines: int  # of its script
    sure: str  # the newest best that gained more than its noise, which gains are measured from; absent: this one


class Plan(TypedDict, total=False):
    """The planner's decision for this turn."""

    # baseline (the starter as it is) | apply (the case) | tune (one number of the best script) | improve (a model writes
    # the best script out again) | expert (its first idea) | idea (a recalled one) | finish; of a model that plans freely also
    # draft (a whole new solution) | debug (a failed script repaired) | combine (two attempts) | look (a script that prints
    # something about the data; no turn). Last, by code: average (of its best scripts' answers; no turn). A planner of somebody's own may have others.
    action: str
    instruction: str
    case: str  # artifact id of the case to apply, for actions "apply" and "average"
    idea: str  # artifact id of the recalled idea, for action "idea"; absent for any other
    of: list[
        str
    ]  # artifact ids of the attempts that it builds on, for debug and combine; absent for any other
    look: str  # artifact id of the script of a look that it builds on, too; absent where it builds on none
    sketch: str  # artifact id of the code that an expert sketched for its idea; absent where it sketched none
    after: str  # of an average, what is at its end: turns | finish | refused | nothing_recalled (memory alone); absent for any other
    by: str  # the rung that decided: "recall" or a model's name
    wrote: str  # the rung that wrote the script: "memory" or a model's name; set by the coder
    offered: list[
        str
    ]  # of recalled lessons, the beginnings of the ids of those that the decider read; absent where none was


class Run(TypedDict, total=False):
    """The newest execution of a script."""

    execution: str  # artifact id of the whole record
    exit: int | None
    seconds: float
    output: str  # artifact id of the whole output
    error: str  # fingerprint of the error; "" where there was none
    cures: list[str]  # what was repaired without a model before it ran
    known: bool  # this error was seen before in this run
    lost: int  # executions that were killed with whoever watched them, and begun anew; absent where none was
    gain: float  # of the score over the best before it, in the metric's units; absent where its noise is unknown
    noise: float  # standard error of `gain`


# What a node can have recalled. Of cases, those that fit the task's data; of attempts, those of this branch alone.
Kind = Literal[
    "cases",  # those not tried yet, the best first
    "chosen_case",  # the one that the plan names
    "attempts",  # the newest, oldest of them first
    "highlights",  # the few attempts that gained most, and the newest
    "same_script",  # attempts whose script has the syntax tree of the one that is to run
    "same_error",  # attempts that ended with the newest error
    "repairs",  # how the newest error was cured before, or one like it
    # Ideas of experts that this branch has not tried, its own and those of runs on tasks near this one, the best first, each
    # with what came of it elsewhere.
    "ideas",
    "ways",  # what the models' tries brought in other runs, on this task and those most like it, as one item; at the baseline
    "similar",  # lessons of other runs on this task and on those most like it: what gained most, and what failed
]


class Way(TypedDict):
    """What a model's tries have brought in this run."""

    tries: int
    spent: int  # nano-dollars
    gains: list[
        float
    ]  # of the newest tries, oldest first: by how many percent of the best score before each was better


class Counts(TypedDict, total=False):
    """What the rules count: who counts, and when it begins anew (at a move up, by `graphs.policy`). Absent is 0."""

    ran: int  # evaluator: scripts beyond the starter that ran to their end; never anew
    planned: int  # planner: turns that a model planned; never anew
    same_action: int  # planner: the same action in a row; anew by another one (then 1) and by a move up
    # planner, coder, expert: replies in a row that were of no use; anew by one that is, with another node, by a move up
    misses: int
    repairs: int  # coder: repairs that a model was asked for; anew by the next plan or advice
    failed: int  # evaluator: attempts in a row that were no new best; anew by one
    failed_since_expert: int  # the same, also anew when the expert is asked
    failed_since_up: int  # the same, also anew by a move up
    # coder, evaluator: the same of `improve` alone; anew by its new best and by a move up
    improve_failed: int
    lifelines: int  # the decision: rules with `lifelines` that were followed; never anew
    looks: int  # planner: looks into the data that it asked for; never anew
    recalled: int  # planner: turns that were given to cases of memory's choice; never anew
    # coder, evaluator: ideas and drafts in a row that gave no script, a crash or no gain; anew by a new best and by a move up
    idea_failed: int
    ways: dict[str, Way]  # coder, evaluator: by the dearest model that took part in a try
    averages: int  # evaluator: averages of the run's best scripts that were not tried; by each attempt anew
    ideas: int  # expert, planner: what memory has left to try behind the idea that is tried; by each of them anew


class Recalled(TypedDict):
    """One item that the history supplied for the next node. Its content is the artifact `id`."""

    id: str
    kind: str  # case | attempt | repair | idea | ways | similar
    similarity: float  # cosine, 1.0 where code and not an embedding chose it
    source: str  # "run/step task" or "cases/NAME"


class Fault(TypedDict, total=False):
    """What went wrong in the step before; empty where nothing did. Rules route on `kind`."""

    kind: str
    detail: str  # one sentence
    cap: str  # whose budget refused the call: run | project | node; absent for any other fault
    reply: str  # artifact id of a capable coder's reply that holds no script that can be made; absent for any other fault


class Route(TypedDict, total=False):
    """The decision taken after a step."""

    to: str
    role: str  # that the node `to` declares; absent where it is called by it
    rule: str  # the rule as one line of text
    saw: dict[str, Any]  # the values that its predicate looked at
    passed: list[dict[str, Any]]  # the rules passed over before it: {rule, saw}
    up: str  # role moved up its ladder by the rule
    down: str
    was: dict[str, Any]  # rungs and counts before the rule's effects, where it had any
    seconds: float  # of the node's execution


@dataclass(frozen=True)
class RunState:
    """A frozen view of the graph's state. Nodes read it and return an update; they never change it."""

    task: Task = field(default_factory=Task)
    turn: int = 0
    head: str = ""  # artifact id of the newest attempt; attempts name their parents, like commits
    best: Best = field(default_factory=Best)
    script: str = ""  # artifact id of the script that is to be run
    plan: Plan = field(default_factory=Plan)
    run: Run = field(default_factory=Run)
    advice: str = ""  # artifact id of the expert's newest words
    rungs: dict[str, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    spent: int = 0  # nano-dollars
    history: list[Recalled] = field(default_factory=list)
    fault: Fault = field(default_factory=Fault)
    route: Route = field(default_factory=Route)
    notes: dict[str, Any] = field(default_factory=dict)


def role_ahead(route: Mapping[str, Any]) -> str:
    """Return the role of the node that a route leads to: what it declares, its name where it declares none."""
    return str(route.get("role") or route.get("to", ""))


def escalates(route: Mapping[str, Any]) -> bool:
    """Tell whether a decision calls for dearer help: up a ladder, or to an expert."""
    return bool(route.get("up")) or role_ahead(route) == "expert"


def recall_key(values: Mapping[str, Any]) -> str:
    """Return an id of all in a state that a recall depends on: the same in a run and in its replay."""
    task, run, plan = values.get("task", {}), values.get("run", {}), values.get("plan", {})
    facts = [values.get("head", ""), values.get("script", ""), run.get("error", ""), plan.get("case", "")]
    advice = [values["advice"]] if values.get("advice") else []  # what it brought is recalled
    told = json.dumps([*facts, task.get("briefing", ""), *advice])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
