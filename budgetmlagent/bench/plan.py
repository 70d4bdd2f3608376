"""What a bench is asked for: which runs, and what each of them and all together may spend."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml.error import YAMLError

from budgetmlagent.disk import at_home
from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED, REPLAY
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.keys import api_key
from budgetmlagent.run import order
from budgetmlagent.run.options import nano
from budgetmlagent.run.request import DEFAULTS, Request
from budgetmlagent.tasks.folder import TaskFolder, bundled
from budgetmlagent.wording import unknown
from graphs.files import shipped
from memory.files import SMALL, read_plain
from memory.yaml_text import load

MOST = 100_000  # runs of one bench

NONE = dict.fromkeys(("missing", "too_short"), "name at least one")  # by pydantic's kinds of faults
Some = Annotated[list[str], Field(min_length=1)]


class Plan(BaseModel):
    """The runs of a bench as a YAML file names them; the limits are those of each run, but `project_budget`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tasks: Some
    graphs: Some = [str(DEFAULTS["graph"])]
    models: list[str | None] = Field([None], min_length=1)
    """Files such as models.yaml, or replay:RUN_DIR; null, or `embedded`: the embedded models, whatever the settings say."""
    seeds: list[int] = Field([0], min_length=1)
    budget: float = DEFAULTS["budget"]
    turns: int = DEFAULTS["turns"]
    minutes: float | None = None
    history: str = "run"
    """`all` would hand the second seed what the first one found."""
    project_budget: float | None = None
    """Dollars that all runs may spend together; null: what the settings say as the bench begins."""


@dataclass(frozen=True)
class Needs:
    """What the runs of a bench need of a machine."""

    models: tuple[ModelSpec, ...]  # that may be asked
    memory_gb: float  # that the hungriest task gives its scripts
    gpus: int  # that a task gives its scripts, at most

    @property
    def embedded(self) -> tuple[ModelSpec, ...]:
        """The models that have to be served, each once."""
        return tuple({each.model: each for each in self.models if each.base_url == EMBEDDED}.values())

    def keys(self) -> dict[str, str]:
        """Return the models' keys by the names of their variables. Raises UsageError for one that is missing."""
        return {each.key: api_key(each) or "" for each in self.models if each.key}


@dataclass(frozen=True)
class Cell:
    """One run of a bench. `name` is the same whenever the same run is asked for."""

    task: str
    graph: str
    models: str | None
    seed: int

    @property
    def name(self) -> str:
        """A folder's name: what is run, for people, and a hash that tells it from all others."""
        parts = [
            Path(self.task).name,
            Path(self.graph).stem,
            Path(self.models).stem if self.models else "",
            str(self.seed),
        ]
        exact = hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:8]
        return "-".join(
            ["".join(c if c.isalnum() else "_" for c in part)[:40] for part in parts if part] + [exact]
        )


def placed(plan: Plan) -> Plan:
    """Return the plan with the paths of files and folders as whole ones: it can be gone on with from any folder.

    What is named twice counts once, by whatever paths.
    """

    def whole(word: str, names: Sequence[str] = ()) -> str:
        path = at_home(word)
        return str(path.absolute()) if word not in names and path.exists() else word

    def model(word: str | None) -> str | None:
        if word is None or word == EMBEDDED:
            return None
        if not word.startswith(REPLAY):
            return whole(word)
        return REPLAY + whole(word.removeprefix(REPLAY))

    return plan.model_copy(
        update={
            "tasks": others([whole(word, bundled()) for word in plan.tasks]),
            "graphs": others([whole(word, shipped()) for word in plan.graphs]),
            "models": others([model(word) for word in plan.models]),
            "seeds": others(plan.seeds),
        }
    )


def others(named: Sequence[Any], known: Sequence[Any] = ()) -> list[Any]:
    """Return what is named, as it is placed, each once and without what is `known`: of several paths of one thing the first."""
    there, found = set(map(_itself, known)), dict[str | int | None, Any]()
    for each in named:
        found.setdefault(_itself(each), each)
    return [each for one, each in found.items() if one not in there]


def _itself(word: str | int | None) -> str | int | None:
    """Return the one path of a file or folder that has several; what is none as it is."""
    prefix = REPLAY if str(word).startswith(REPLAY) else ""
    path = Path(str(word).removeprefix(prefix))
    return f"{prefix}{path.resolve()}" if path.is_absolute() else word


def cell_of(cell: Cell) -> dict[str, Any]:
    """Return what a row says of a run that has not said anything itself."""
    return {
        "cell": cell.name,
        "task": Path(cell.task).name,
        "graph": Path(cell.graph).stem,
        "seed": cell.seed,
        "task_folder": cell.task,
        "graph_file": cell.graph,
        "models_file": cell.models or "",
    }


def cells(plan: Plan) -> list[Cell]:
    """Return the runs in the order in which they begin: each task and setting early, the further seeds after it.

    Raises UsageError for more than can be meant.
    """
    ways = list(product(plan.seeds, plan.tasks, plan.graphs, plan.models))
    if len(ways) > MOST:
        raise UsageError(
            f"{len(ways)} runs are asked for, {MOST} are the most: name fewer tasks, graphs, models or seeds"
        )
    found = [Cell(task, graph, models, seed) for seed, task, graph, models in ways]
    return list(dict.fromkeys(found))


def request(plan: Plan, cell: Cell, runs_dir: Path, **words: Any) -> Request:
    """Return the run of a cell as `budgetml run` would be asked for it, but for the cap of all, which the bench has set.

    `words` are the person's: `unsafe`, `trust`.
    """
    return Request(
        cell.task, cell.graph, cell.models or EMBEDDED, plan.budget, plan.turns, cell.seed, plan.history, str(runs_dir),
        minutes=plan.minutes, **words,
    )  # fmt: skip


def check(plan: Plan, asked: Sequence[Request], *, elsewhere: bool = False) -> Needs:
    """Raise what a run of each task, graph and models file would raise before it begins: none of them is begun then.

    Returns what the runs need of a machine, which is not this one where they are made `elsewhere`.
    """
    if plan.project_budget is not None:
        nano("project_budget", plan.project_budget)
    orders = {}
    for each in asked:
        if (key := (each.task, each.graph, each.models)) not in orders:
            order.load_graph(str(each.graph), to_run=True)
            orders[key] = order.plan(each, elsewhere=elsewhere)
    found = list(orders.values())
    for one in found if elsewhere else []:
        _refuse_numbers(one.task)
    models = [model for one in found if not one.config.replay for model in one.models.values()]
    return Needs(
        tuple(models),
        max((one.task.memory_gb for one in found), default=0.0),
        max((cards(one.task.gpu) for one in found), default=0),
    )


def _refuse_numbers(task: TaskFolder) -> None:
    """A cluster chooses which cards a run gets, and each run counts its own from 0."""
    numbers = [] if task.gpu in ("", "all") else sorted(map(int, task.gpu.split(",")))
    if numbers != (own := list(range(len(numbers)))):
        raise UsageError(
            f"--ray: {task.root / 'task.yaml'}: gpu: {numbers}: a cluster chooses the cards and a run counts its own from 0: write gpu: {own}"
        )


def cards(gpu: str) -> int:
    """Return how many GPUs a task's `gpu:` takes: as many as it numbers, or one where it says `true`."""
    return len(gpu.split(",")) if gpu and gpu != "all" else int(bool(gpu))


def refuse_what_is_shared(plan: Plan, runs: int, *, one_ledger: bool) -> None:
    """Raise UsageError where runs on machines that share no folder, and not `one_ledger`, could pass the cap that is meant for all."""
    cap = plan.project_budget
    if cap is not None and not one_ledger and runs * plan.budget > cap:
        raise UsageError(
            f"project_budget {cap:g}: {runs} runs of ${plan.budget:g} may cost more, and the cluster's machines share no folder"
            " in which their ledger could lie: name a database for it (`ledger:` in budgetml.toml), put --out where all see it, or"
            f" give each at most ${cap / runs:.4f} (--budget)"
        )
    if any(str(model).startswith(REPLAY) for model in plan.models):
        raise UsageError(f"{REPLAY}… needs a folder that all machines of the cluster see: put --out there")


def read(path: Path) -> dict[str, Any]:
    """Return what a plan's file says, not checked yet. Raises UsageError, naming the file, where it is no YAML mapping."""
    try:
        _, said = load(read_plain(path, SMALL).decode(), "safe")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'no UTF-8'})"
        ) from None
    except YAMLError as error:
        raise UsageError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(said, dict):
        raise UsageError(f"{path}: tasks, graphs, models, seeds are needed, such as `tasks: [digits]`")
    return said


def checked(said: dict[str, Any], where: str) -> Plan:
    """Return the plan. Raises UsageError, naming the field, for what is none."""
    try:
        return Plan.model_validate(said)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        problem = max(
            problems, key=lambda each: each["type"] == "extra_forbidden"
        )  # a misspelt field is the cause of others
        field = ".".join(map(str, problem["loc"])) or "the plan"
        if problem["type"] == "extra_forbidden":
            raise UsageError(f"{where}: {unknown('key', field, Plan.model_fields)}") from None
        raise UsageError(f"{where}: {field}: {NONE.get(problem['type'], problem['msg'].lower())}") from None
