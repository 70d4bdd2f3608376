"""What profiling models will cost: likely, and at most. What is said here as the most is held to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.client import limit_of
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import Endpoint, Endpoints, usual_thought
from budgetmlagent.models.thinking import CHARACTERS
from budgetmlagent.money.prices import Price, input_bound, price_of, text_bytes
from budgetmlagent.money.usage import Tokens
from budgetmlagent.profiling.exercises import Exercise, Variant, exercises
from memory.state import NANO


@dataclass(frozen=True)
class Cost:
    """Nano-dollars."""

    likely: int  # of right answers, after the usual thoughts
    most: int  # where each answer uses all its room

    def __add__(self, other: "Cost") -> "Cost":
        """Add up."""
        return Cost(self.likely + other.likely, self.most + other.most)

    def within(self, share: float) -> "Cost":
        """The same, with this share of what may be spent beyond the likely."""
        return Cost(self.likely, self.likely + int((self.most - self.likely) * share))


def asked_as(spec: ModelSpec) -> ModelSpec:
    """An embedded model costs nobody anything, whatever listed model a run accounts it as."""
    return spec.model_copy(update={"price": 0, "list_price_of": None}) if spec.base_url == EMBEDDED else spec


def cost_of(spec: ModelSpec, samples: int) -> Cost:
    """What profiling a model costs, by what is known by now of how long it thinks. Raises UsageError for an unknown price."""
    price, known = price_of(asked_as(spec)), Endpoints().of(spec)
    asked = ((each, each.variant(number)) for each in exercises() for number in range(samples))
    return sum((_of_one(spec, price, known, *one) for one in asked), Cost(0, 0))


def _of_one(spec: ModelSpec, price: Price, known: Endpoint, exercise: Exercise, variant: Variant) -> Cost:
    messages, form = exercise.messages(variant), exercise.form(variant)
    limit = limit_of(spec, known, exercise.tokens)
    answer = ceil(len(variant.answer) / CHARACTERS) + usual_thought(spec, known)
    read = ceil(text_bytes(messages, form) / CHARACTERS)
    usual = price.cost(Tokens(input=read, cached=0, output=min(answer, limit)))
    worst = price.worst_case(input_bound(messages, form), limit)
    return Cost(min(usual, worst), worst)


def costs(specs: Sequence[ModelSpec], samples: int, cap: int) -> dict[str, Cost]:
    """What profiling each model costs, by name; together never more than `cap`, in nano-dollars.

    Raises UsageError where even what is likely is more than that, and for an unknown price.
    """
    found = {spec.name: cost_of(spec, samples) for spec in specs}
    total = sum(found.values(), Cost(0, 0))
    if total.likely > cap:
        parts = ", ".join(f"{name} {dollars(cost.likely)}" for name, cost in found.items())
        raise UsageError(
            f"--budget {cap / NANO:g}: profiling is likely to cost {dollars(total.likely)} ({parts}): give"
            f" --budget {ceil(100 * total.likely / NANO) / 100:.2f} or more, fewer --samples, or a file with fewer models"
        )
    if total.most <= cap:
        return found
    share = (cap - total.likely) / (total.most - total.likely)
    return {name: cost.within(share) for name, cost in found.items()}


def said(found: Mapping[str, Cost], samples: int) -> str:
    """Say it before anything is sent."""
    total = sum(found.values(), Cost(0, 0))
    what = f"{len(exercises())} exercises, {samples} answers each"
    if not total.most:
        return f"{what}: nothing is paid for"
    parts = "; ".join(f"{name} {_in_words(cost)}" for name, cost in found.items())
    return f"{what}: {_in_words(total)}" + (f" ({parts})" if len(found) > 1 else "")


def _in_words(cost: Cost) -> str:
    return f"likely {dollars(cost.likely)}, never more than {dollars(cost.most)}"


def dollars(nano: int) -> str:
    """Write nano-dollars."""
    return f"${nano / NANO:.4f}"
