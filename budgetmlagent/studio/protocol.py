"""What the page may ask: each request as a model, which refuses what it does not know. `replies.py` and `made.py` say what comes back.

- `POST /api/NAME` with a JSON object in the body and the header `X-Studio-Token`, which the page takes from `location.hash`
  (`#token`). The reply is a JSON object. `NAME` is a key of `REQUESTS`.
- `GET /api/changes?since=SEQ&wait=20` with the same header waits, at most so many seconds, until something is newer than `SEQ` (0
  at first). The reply is a `Changes`; the page then asks anew for what it shows of that.
- What cannot be done is `{"error": "one line: what, where, what to do"}`, with status 400 (the call was wrong), 401 (no token), 403
  (foreign host or origin), 404 (no such request), 409 (something is otherwise than the page believes: underway already, gone on
  meanwhile, file changed on disk, then with `diff`), 413 (too long) or 503 (a run is damaged, something is missing).
- Whatever may spend carries `at`, the step after which the run stands as the page knows it, and `once`, any text that is new for
  each click: the same `once` again is answered as the first time, and another `at` is refused. Two clicks never spend twice.
- Steps are numbered as everywhere, 0 is before the first. Dollars are numbers. Rules are named by `keys`, the way to them in the
  file, counted from 0 (`["rules", "coder", 0]`, `["faults", 2]`), in words and in Python from 1. Times are seconds since the epoch.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=1 << 20)]
Name = Annotated[str, Field(max_length=4096)]


class Asked(BaseModel):
    """A request: a key that it does not have is refused, and a number is no text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CatalogueAsked(Asked):
    """`catalogue`: tasks, graphs, models files, nodes, predicates, defaults: what forms and palettes offer."""


class RunsAsked(Asked):
    """`runs`: every run of the runs folder, a row each, the newest first; a damaged one says so in its row."""


class RunAsked(Asked):
    """`run`: one run as it stands; with `since`, only the steps, and the points of the curve, after that one."""

    run: Name
    since: int = 0


class StepAsked(Asked):
    """`step`: one step of a run in full; `branch` names one of `run.branches`, "" is the one it stands on."""

    run: Name
    step: int
    branch: Name = ""


class CompareAsked(Asked):
    """`compare`: two runs of a task side by side."""

    one: Name
    other: Name


class GraphAsked(Asked):
    """`graph`: a graph to look at and edit: a shipped name, a .yaml file in the folder that the studio was started in, or `run:ID`.

    `run:ID` is a run's own, as it stands: it is read-only, and saved as a copy. `edit` and `prompt` know it too.
    """

    graph: Name


class Operation(Asked):
    """One edit of a graph; `do` is one of `graphs.operations.OPERATIONS`, the other keys its arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    do: Name


class EditAsked(Asked):
    """`edit`: a graph's text with operations done on it, judged. Nothing is written.

    `before` is the text that the difference is shown to (that of the file as it was read); `runs` are those whose recorded
    decisions are taken again.
    """

    graph: Name
    text: Text
    operations: list[Operation] = []
    before: Text | None = None
    runs: list[Name] = []


class SaveAsked(Asked):
    """`save`: write a graph's text, or a prompt's, to a file in the folder. `hash` is that of the text that was read, "" for a new file."""

    path: Name
    text: Text
    hash: Name = ""


class PromptAsked(Asked):
    """`prompt`: a prompt's text, by the name that a graph gives it."""

    prompt: Name
    graph: Name = ""


class LayoutAsked(Asked):
    """`layout`: keep where nodes stand, in a file beside the graph: node -> [x, y]."""

    graph: Name
    positions: dict[Name, tuple[float, float]]


class StartAsked(Asked):
    """`start`: begin a run; with `go` false nothing is executed yet. None leaves an option to its default."""

    task: Name
    graph: Name | None = None
    models: Name | None = None
    budget: float | None = None
    turns: int | None = None
    seed: int | None = None
    history: Literal["off", "run", "all"] | None = None
    direction: Literal["max", "min"] | None = None
    approve: Literal["", "expert", "up", "all"] = ""
    above: float = 0.0
    minutes: float | None = None
    aim: Literal["success", "best"] | None = None
    trust: bool = False
    go: bool = True
    once: Name = ""


Action = Literal[
    "step", "run", "until", "pause", "stop", "approve", "decline", "extend", "back", "fork", "graph"
]


class DriveAsked(Asked):
    """`drive`: go on with a run, or stop it.

    `step` one node, `run` to the end, `until` a node has run, a step is reached or a rule has fired; `pause` after the step that
    runs, `stop` at once (what is in flight stays reserved); `approve` and `decline` the call that waits, then go on if `go`; `extend`
    to new totals; `back` to `step`; `fork` with `fields` edited, where the run stands or after `step`; `graph` goes on under the
    edited `text`.
    """

    run: Name
    action: Action
    at: int | None = None
    once: Name = ""
    until_node: Name | None = None
    until_step: int | None = None
    until_rule: Name | None = None  # the rule's text, as in a step's route
    budget: float | None = None
    turns: int | None = None
    minutes: float | None = None
    step: int | None = None
    fields: dict[Name, Any] = {}
    replies: Literal["recorded", "live"] = "recorded"
    text: Text | None = None
    go: bool = False


class PriceAsked(Asked):
    """`price`: what `start` or `drive`, asked so, would cost at most; nothing is begun."""

    start: StartAsked | None = None
    drive: DriveAsked | None = None


REQUESTS: dict[str, type[Asked]] = {
    "catalogue": CatalogueAsked,
    "runs": RunsAsked,
    "run": RunAsked,
    "step": StepAsked,
    "compare": CompareAsked,
    "graph": GraphAsked,
    "edit": EditAsked,
    "save": SaveAsked,
    "prompt": PromptAsked,
    "layout": LayoutAsked,
    "price": PriceAsked,
    "start": StartAsked,
    "drive": DriveAsked,
}
