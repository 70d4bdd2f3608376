"""`ladder: auto` in a graph: all models of models.yaml, cheapest success first, fixed when a run begins."""

from collections.abc import Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.models.able import able_of
from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.models.profiles import profile_of, total
from budgetmlagent.money.prices import price_of
from budgetmlagent.money.usage import Tokens
from budgetmlagent.records.rundir import RunDir
from graphs.contract import roles_of
from graphs.model import AUTO
from graphs.spec import GraphError, GraphSpec
from memory.state import NANO

USUAL = Tokens(input=1_500, cached=0, output=600)  # of a call, where no profile says what one takes
Cost = tuple[float, float]  # of a success: dollars, and what tells models of the same price apart


def fixed(
    spec: GraphSpec, models: Mapping[str, ModelSpec], *, data: str = "", recorded: str = ""
) -> GraphSpec:
    """Return the graph with each `auto` replaced by names of `models`; in the replay of a `recorded` run, by those that it had.

    Where the task's `data` stays on this machine, models elsewhere are left out, unless there are no others. Raises UsageError
    for a model of unknown price.
    """
    open_ = [name for name, ladder in spec.ladders.items() if AUTO in ladder]
    if not open_:
        return spec
    roles, made = roles_of(spec), spec.model_copy(deep=True)
    before = _before(recorded) if recorded else {}
    here = {name: model for name, model in models.items() if data == "stays" and is_loopback(model)}
    for name in open_:
        rungs = order(here or models, roles.get(name, ""))
        ladder = [each for rung in spec.ladders[name] for each in (rungs if rung == AUTO else [rung])]
        made.set_node(name, ladder=before.get(name, ladder))
    return made


def _before(recorded: str) -> Mapping[str, tuple[str, ...]]:
    try:
        return GraphSpec.load(RunDir(Path(recorded)).graph, check=False).ladders
    except GraphError as error:
        raise UsageError(str(error)) from None


def order(models: Mapping[str, ModelSpec], role: str) -> list[str]:
    """Return the names in the order of what a success in `role` costs ("": in all roles).

    Who has never succeeded is left out, unless nobody has. Raises UsageError for a model of unknown price.
    """
    costs = {name: cost(spec, role) for name, spec in models.items()}
    able = {name: found for name, found in costs.items() if found} or {
        name: _guess(models[name]) for name in models
    }
    return sorted(able, key=lambda name: able[name])


def cost(spec: ModelSpec, role: str) -> Cost | None:
    """Return what a success of a model costs, by its profile or by its price; None where it has had none."""
    profile = profile_of(spec)
    if profile is None:
        return _guess(spec)
    shown = profile.of_role(role) if role else total(profile.exercises.values())
    if shown.usd_per_success is None:
        return None if shown.asked else _guess(spec)
    return shown.usd_per_success, shown.seconds / shown.right


def _guess(spec: ModelSpec) -> Cost:
    """Of models of the same price the one that can do less goes first: it is smaller, and so faster."""
    return price_of(spec).cost(USUAL) / NANO, float(able_of(spec).lines)
