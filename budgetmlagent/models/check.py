"""Whether models can do the team's work: each is asked as planner, coder and expert, reserved and settled like in a run."""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count, repeat
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import prompts
from budgetmlagent.errors import BudgetMLError
from budgetmlagent.models.again import patiently
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.models.embedded.server import EmbeddedServer, server_for
from budgetmlagent.models.embedded.weights import verify
from budgetmlagent.models.endpoint import Endpoint, Endpoints
from budgetmlagent.models.faults.surroundings import shown_proxies
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import price_of
from memory.artifacts import Artifacts
from memory.state import NANO, Plan, Recalled, RunState
from memory.state import Task as TaskState
from nodes.coder import coder
from nodes.deps import Deps, Execution, Here
from nodes.expert import expert
from nodes.planner import planner

NODE = "check"  # whose calls these are, in the ledger; their runs are named after it, too
ROLES = {"planner": planner, "coder": coder, "expert": expert}
USABLE = ("", "noop")  # faults of a role whose reply could be read
STEPS = 100  # of one model, so that two names of one model are asked apart
CHANGE = "Replace DecisionTreeClassifier(max_depth=3) by RandomForestClassifier(n_estimators=300)."
STARTER = """\
import pandas as pd
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
X, y = train.drop(columns=["id", "label"]), train["label"]
model = DecisionTreeClassifier(max_depth=3)
print("validation accuracy", cross_val_score(model, X, y, cv=5).mean())
model.fit(X, y)
submission = pd.DataFrame({"id": test["id"], "label": model.predict(test.drop(columns=["id"]))})
submission.to_csv("submission.csv", index=False)
"""


@dataclass
class Example:
    """A task that is only talked about (`nodes.deps.Task`)."""

    name: str = "example"
    text: str = "Tell the label of each row from its numbers."
    metric: str = "accuracy"
    direction: str = "max"
    seconds: float = 60.0
    allowed: Mapping[str, str] = field(default_factory=dict)
    starter: str = STARTER
    rows: bool = False
    looks: bool = False

    def seconds_left(self) -> float:
        """No limit."""
        return inf

    def limits(self) -> TaskState:
        """One turn."""
        return TaskState(name=self.name, direction=self.direction, turns=1, budget=NANO, history="off")

    def brief(self, execution: Execution, told: Mapping[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """There is no data."""
        return {}


class Forgetful:
    """A history that keeps nothing (`nodes.deps.History`): what is said of the example helps no run."""

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:  # noqa: ARG002
        """Recall nothing."""
        return []

    def remember(self, item: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Forget it."""
        return ""


def check_models(specs: Iterable[ModelSpec], ledger: Ledger, run: str) -> list[dict[str, Any]]:
    """Ask each model for what the team asks, on the money of `run`; what was learned of its endpoint is learned anew.

    Returns a row each: {name, model, host, proxy, ok, takes, thinks, seconds, usd, price, detail, status}. `takes` tells whether
    the endpoint takes {temperature, seed} and how it takes a {schema}: strict, json or words; `thinks` is the longest
    thought, in tokens; `status` is 0, or 2 where the call must be corrected (a missing key, too small a budget) and 3 where
    the model is not available or cannot do the work.
    """
    team = list(specs)
    return [_check(spec, ledger, run, number, len(team) - number) for number, spec in enumerate(team)]


def _check(spec: ModelSpec, ledger: Ledger, run: str, number: int, waiting: int) -> dict[str, Any]:
    """Check one of the `waiting` models: it is asked again only within its share of what is left."""
    share = ledger.spent(run) + ledger.left(run) // waiting
    begin, before, asked = time.monotonic(), ledger.spent(run), len(ledger.calls(run))
    endpoints, price = Endpoints(neighbours=False), ""
    endpoints.forget(spec)
    try:
        price = price_of(spec).id
        status, detail = _asked(spec, ledger, run, number, endpoints, share)
    except BudgetMLError as error:
        status, detail = error.status, str(error)
    return {
        "name": spec.name,
        "model": spec.model,
        "host": host(spec),
        "proxy": next(iter(shown_proxies([spec])), ""),
        "ok": status == 0,
        "takes": _takes(endpoints.of(spec)),
        "thinks": max((call.thought for call in ledger.calls(run)[asked:]), default=0),
        "seconds": round(time.monotonic() - begin, 2),
        "usd": (ledger.spent(run) - before) / NANO,
        "price": price,
        "detail": detail,
        "status": status,
    }


def _asked(
    spec: ModelSpec, ledger: Ledger, run: str, number: int, endpoints: Endpoints, share: int
) -> tuple[int, str]:
    """Ask as each role; the status, and what came of it."""
    with TemporaryDirectory() as folder:  # of what was said the ledger's own copy is enough
        artifacts = Artifacts(Path(folder))
        models = ModelClient(
            {spec.name: spec}, Account(ledger, run), artifacts, start_embedded=_embedded, endpoints=endpoints
        )
        none: Any = None  # what no role touches to ask
        deps = Deps(models, none, none, none, artifacts, Forgetful(), prompts.render, Example())
        steps = count(STEPS * number)
        for role in ROLES:
            budgets = chain([None], repeat(share))
            fault = patiently(partial(_fault, deps, spec.name, role, steps, budgets), _kind)
            if _kind(fault) not in USABLE:
                return (2 if _kind(fault) == "refused" else 3), f"as {role}: {fault['detail']}"
    return 0, "can be planner, coder and expert"


def _kind(fault: Mapping[str, Any]) -> str:
    return str(fault.get("kind", ""))


def _fault(
    deps: Deps, model: str, role: str, steps: Iterator[int], budgets: Iterator[int | None]
) -> Mapping[str, Any]:
    """Ask as `role`, at a step of its own: two names of one model are two requests. Return the fault; empty for none."""
    step, budget = next(steps), next(budgets)
    here = Here(node=NODE, role=role, prompt=role, model=model, ladder=(model,), step=step, budget=budget)
    plan = Plan(action="improve", instruction=CHANGE, case="", by=model)
    state = RunState(task=deps.task.limits(), plan=plan)
    update = ROLES[role](state, dataclasses.replace(deps, here=here))
    return update.get("fault", {})


def _takes(known: Endpoint) -> dict[str, bool | str]:
    return {"temperature": known.takes("temperature"), "seed": known.takes("seed"), "schema": known.form}


def _embedded(spec: ModelSpec) -> EmbeddedServer:
    """Serve weights that are there: a check fetches nothing."""
    return server_for(verify(spec.model), spec.name, spec.context)
