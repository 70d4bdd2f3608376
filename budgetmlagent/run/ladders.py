"""`ladder: auto` in a graph: all models of models.yaml, cheapest success first, fixed when a run begins."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.models.able import able_of
from budgetmlagent.models.config import ModelSpec, is_loopback
from budgetmlagent.models.profiles import Tally, cost_of, in_common, mean, profile_of, total
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
    """Return the names in the order of what a success in `role` costs at today's prices ("": in all roles).

    Models with a profile are compared on the same exercises; who was right in others alone, by its own. Who has never succeeded
    is left out, unless nobody has. Raises UsageError for a model of unknown price.
    """
    profiles = {name: profile for name, spec in models.items() if (profile := profile_of(spec))}
    shown = {name: tallies for name, profile in profiles.items() if (tallies := profile.in_role(role))}
    same = dict(zip(shown, in_common([*shown.values()]), strict=True))
    usual = _usual(same.values())
    guessed = {name: _guess(spec, usual) for name, spec in models.items()}
    vain = {name for name, tallies in shown.items() if not total(tallies.values()).right}
    costs = guessed | {
        name: cost
        for name, tallies in same.items()
        if tallies and (cost := _cost(models[name], tallies) or _cost(models[name], shown[name]))
    }
    able = {name: cost for name, cost in costs.items() if name not in vain} or guessed
    return sorted(able, key=lambda name: able[name])


def _usual(same: Iterable[Mapping[str, Tally]]) -> Tokens:
    """The tokens of a call of a model that has shown nothing: as those of others, each exercise counted alike."""
    one = mean([mean([tally]) for tallies in same for tally in tallies.values()])
    return Tokens(input=one.tokens_in, cached=0, output=one.tokens_out) if one.asked else USUAL


def _cost(spec: ModelSpec, tallies: Mapping[str, Tally]) -> Cost | None:
    """What a success costs where each exercise is asked as often, by the tokens it took; None where there was none."""
    price = price_of(spec)
    right = sum(tally.share for tally in tallies.values())
    if not right:
        return None
    nano = sum(cost_of(tally, price) / tally.asked for tally in tallies.values())
    seconds = sum(tally.seconds / tally.asked for tally in tallies.values())
    return nano / NANO / right, seconds / right


def _guess(spec: ModelSpec, usual: Tokens) -> Cost:
    """Of models of the same price the one that can do less goes first: it is smaller, and so faster."""
    return price_of(spec).cost(usual) / NANO, float(able_of(spec).lines)
