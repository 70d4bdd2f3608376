"""Lets models do the exercises, on the money of a run like any other call, and adds up what came of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from budgetmlagent.errors import BudgetMLError, UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models import profiles
from budgetmlagent.models.able import able_of
from budgetmlagent.models.client import ModelClient, limit_of
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.models.embedded.server import EmbeddedServer, server_for
from budgetmlagent.models.embedded.weights import verify
from budgetmlagent.models.endpoint import Endpoints
from budgetmlagent.models.profiles import WRITTEN, Tally
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import Price, input_bound, price_of
from budgetmlagent.money.usage import Tokens
from budgetmlagent.profiling.exercises import Exercise, exercises
from budgetmlagent.profiling.judging import Run, problem
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here, Reply

NODE = "profile"  # whose calls these are, in the ledger; their runs are named after it, too
SAMPLES, MOST_SAMPLES = 3, 50  # answers to each exercise
VAIN = 2  # wrong answers in a row to its first questions, after which an exercise is asked no more
HERE, ELSEWHERE = 4.0, 15.0  # minutes for a model, embedded or hosted, unless it is said otherwise
MOST_MINUTES = 1e6
TEMPERATURE = {"planner": 0.2, "coder": 0.5, "expert": 0.2}
# Faults after which a model is asked no more, and the status then.
STOPS = {"refused": 2, "declined": 2, **dict.fromkeys(("busy", "denied", "provider"), 3)}
STEPS = 10_000  # of one model, so that two names of one model are asked apart
Told = Callable[[str], None]


@dataclass(frozen=True)
class Bounds:
    """How much is asked of each model."""

    samples: int = SAMPLES
    minutes: float | None = None  # None: as usual for where it is

    def ends(self, spec: ModelSpec) -> float:
        """The time, as of `time.monotonic`, from which on a model that begins now is asked for nothing beyond its first round."""
        usual = HERE if spec.base_url == EMBEDDED else ELSEWHERE
        return time.monotonic() + 60 * (usual if self.minutes is None else self.minutes)


@dataclass
class Found:
    """What came of a model's exercises so far."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)  # the newest of each exercise
    status: int = 0
    detail: str = ""

    def add(self, name: str, tally: Tally, wrong: str) -> None:
        """Add one answer."""
        self.tallies[name] = self.tallies.get(name, Tally()) + tally
        if wrong:
            self.problems[name] = wrong

    def is_vain(self, name: str) -> bool:
        """Whether asking once more teaches nothing: the first answers are all wrong, or all to the next shorter script were."""
        tally, shorter = self.tallies.get(name, Tally()), _shorter(name)
        return (tally.asked >= VAIN and not tally.right) or (
            bool(shorter) and not self.tallies.get(shorter, Tally()).right
        )


def _shorter(name: str) -> str:
    """The exercise that asks for the next shorter script; "" for none."""
    names = list(WRITTEN)
    return names[names.index(name) - 1] if name in names[1:] else ""


def worst_case(spec: ModelSpec, samples: int) -> int:
    """Nano-dollars that profiling a model costs where each answer uses all its room. Raises UsageError for an unknown price."""
    price, known = price_of(_asked_as(spec)), Endpoints().of(spec)
    asked = [(each, each.variant(number)) for each in exercises() for number in range(samples)]
    return sum(
        price.worst_case(
            input_bound(each.messages(variant), each.form(variant)), limit_of(spec, known, each.tokens)
        )
        for each, variant in asked
    )


def order(specs: Sequence[ModelSpec], cap: int, bounds: Bounds) -> str:
    """Say what profiling the models may cost; `cap`, in nano-dollars, is the most.

    Raises UsageError where it may cost more than that, or nothing is to be asked.
    """
    samples, minutes = bounds.samples, bounds.minutes
    if not 1 <= samples <= MOST_SAMPLES:
        raise UsageError(f"--samples {samples}: a number from 1 to {MOST_SAMPLES} is needed")
    if minutes is not None and not 0 < minutes < MOST_MINUTES:
        raise UsageError(f"--minutes {minutes}: a number above 0 is needed")
    worst = {spec.name: worst_case(spec, samples) for spec in specs}
    total = sum(worst.values())
    parts = ", ".join(f"{name} ${nano / NANO:.4f}" for name, nano in worst.items())
    if total > cap:
        enough = ceil(100 * total / NANO) / 100
        raise UsageError(
            f"--budget {cap / NANO:g}: profiling may cost ${total / NANO:.4f} ({parts}): give --budget {enough:.2f},"
            " fewer --samples, or a file with fewer models"
        )
    most = f"never more than ${cap / NANO:g}" if total else "nothing is paid for"
    return f"{len(exercises())} exercises, {samples} answers each: ${total / NANO:.4f} if all are as long as can be ({parts}); {most}"


def _asked_as(spec: ModelSpec) -> ModelSpec:
    """An embedded model costs nobody anything, whatever listed model a run accounts it as."""
    return spec.model_copy(update={"price": 0, "list_price_of": None}) if spec.base_url == EMBEDDED else spec


def profile_models(
    specs: Iterable[ModelSpec],
    ledger: Ledger,
    run: str,
    trial: Run,
    *,
    bounds: Bounds,
    told: Told,
) -> Iterator[dict[str, Any]]:
    """Let each model do the exercises on the money of `run`, keep its profile, and yield a row each.

    A row: {name, model, host, version, ok, status, detail, seconds, usd, able, exercises}, the exercises as of `rows`. `status` is 2 where
    the call must be corrected (a missing key, too small a budget) and 3 where the model is not available; nothing is kept then.
    """
    for number, spec in enumerate(specs):
        begin, before, found = time.monotonic(), ledger.spent(run), Found()
        try:
            with TemporaryDirectory() as folder:  # of what was said the ledger's own copy is enough
                examination = _Examination(spec, ledger, run, STEPS * number, Path(folder), trial)
                _examine(examination, found, bounds, told)
        except BudgetMLError as error:
            found.status, found.detail = error.status, str(error)
        if not found.status:
            profiles.keep(spec, found.tallies)
        yield {
            "name": spec.name,
            "model": spec.model,
            "host": host(spec),
            "version": profiles.VERSION,
            "ok": not found.status,
            "status": found.status,
            "detail": found.detail,
            "seconds": round(time.monotonic() - begin, 1),
            "usd": (ledger.spent(run) - before) / NANO,
            "able": asdict(able_of(spec)),
            "exercises": rows(found.tallies, found.problems),
        }


def rows(tallies: Mapping[str, Tally], problems: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return what is shown of a profile: a row an exercise, with the interval of its share (Wilson, 95%)."""
    return [
        {"name": name, "role": role, **asdict(tally), "low": tally.interval[0], "high": tally.interval[1],
         "usd_per_success": tally.usd_per_success, "problem": (problems or {}).get(name, "")}
        for name, role in profiles.ROLES.items()
        for tally in [tallies.get(name, Tally())]
    ]  # fmt: skip


def _examine(examination: "_Examination", found: Found, bounds: Bounds, told: Told) -> None:
    """Ask round by round, so that where the time ends every exercise was asked about as often."""
    spec, ends = examination.spec, bounds.ends(examination.spec)
    for number in range(bounds.samples):
        for exercise in exercises():
            if found.is_vain(exercise.name) or (number and time.monotonic() > ends):
                continue
            told(f"{spec.name}: {exercise.name}, {number + 1} of {bounds.samples}")
            examination.ask(exercise, number, found)
            if found.status:
                return


class _Examination:
    """One model that is asked."""

    def __init__(
        self, spec: ModelSpec, ledger: Ledger, run: str, step: int, folder: Path, trial: Run
    ) -> None:
        self.spec, self.ledger, self.run, self.step, self.trial = spec, ledger, run, step, trial
        self.price: Price = price_of(spec)  # that a run accounts it at
        if spec.base_url == EMBEDDED:
            _embedded(spec).base_url  # noqa: B018 - its start is no part of the first answer's time
        account, asked = Account(ledger, run), _asked_as(spec)
        self.models = ModelClient({spec.name: asked}, account, Artifacts(folder), start_embedded=_embedded)

    def ask(self, exercise: Exercise, number: int, found: Found) -> None:
        """Ask for one answer, and add what came of it to `found`."""
        seen, begin = len(self.ledger.calls(self.run)), time.monotonic()
        reply = self._reply(exercise, number)
        if reply.fault == "thought":  # once more, with the room that it was seen to need
            reply = self._reply(exercise, number)
        seconds = time.monotonic() - begin
        if reply.fault in STOPS:
            found.status, found.detail = STOPS[reply.fault], f"{exercise.name}: {reply.detail}"
            return
        variant = exercise.variant(number)
        wrong = reply.fault and f"the reply was {reply.fault}"
        wrong = wrong or problem(exercise, variant, reply.text, self.trial)
        calls = self.ledger.calls(self.run)[seen:]
        cost = sum(
            self._cost(call.tokens_in, call.cached, call.tokens_out, call.settled or 0) for call in calls
        )
        tally = Tally(
            asked=1,
            right=int(not wrong),
            tokens_in=sum(call.tokens_in for call in calls),
            tokens_out=sum(call.tokens_out for call in calls),
            thought=sum(call.thought for call in calls),
            seconds=round(seconds, 3),
            usd=cost / NANO,
        )
        found.add(exercise.name, tally, wrong)

    def _reply(self, exercise: Exercise, number: int) -> Reply:
        self.step += 1
        variant, name = exercise.variant(number), self.spec.name
        here = Here(node=NODE, role=exercise.role, model=name, ladder=(name,), step=self.step)
        return self.models.ask(
            here,
            exercise.messages(variant),
            schema=exercise.form(variant),
            max_tokens=exercise.tokens,
            temperature=TEMPERATURE[exercise.role],
        )

    def _cost(self, tokens_in: int, cached: int, tokens_out: int, settled: int) -> int:
        """Nano-dollars of a call: of an embedded model, what a run would account for it."""
        if self.spec.base_url != EMBEDDED:
            return settled
        return self.price.cost(Tokens(input=tokens_in, cached=cached, output=tokens_out))


def _embedded(spec: ModelSpec) -> EmbeddedServer:
    """Serve weights that are there: nothing is fetched."""
    return server_for(verify(spec.model), spec.name, spec.context)
