"""Lets models do the exercises, on the money of a run like any other call, and adds up what came of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from budgetmlagent.errors import BudgetMLError, UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models import profiles
from budgetmlagent.models.able import able_of
from budgetmlagent.models.again import patiently
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.models.embedded.server import EmbeddedServer, server_for
from budgetmlagent.models.embedded.weights import verify
from budgetmlagent.models.profiles import WRITTEN, Tally
from budgetmlagent.models.waiting import Patience, Waits
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import Price, price_of
from budgetmlagent.money.usage import MOST_TOKENS, Tokens
from budgetmlagent.profiling.costs import asked_as, cost_of, dollars
from budgetmlagent.profiling.exercises import Exercise, exercises
from budgetmlagent.profiling.judging import NONE, Run, problem
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
SPENT = "node"  # the cap that refuses what would pass what was said
STEPS = 10_000  # of one model, so that two names of one model are asked apart
Told = Callable[[str], None]


@dataclass(frozen=True)
class Bounds:
    """How much is asked of each model."""

    samples: int = SAMPLES
    minutes: float | None = None  # None: as usual for where it is

    def __post_init__(self) -> None:
        """Raise UsageError for what is no bound."""
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise UsageError(f"--samples {self.samples}: a number from 1 to {MOST_SAMPLES} is needed")
        if self.minutes is not None and not 0 < self.minutes < MOST_MINUTES:
            raise UsageError(f"--minutes {self.minutes}: a number above 0 is needed")

    def ends(self, spec: ModelSpec) -> float:
        """The time, as of `time.monotonic`, from which on a model that begins now is asked for nothing beyond its first round."""
        usual = HERE if spec.base_url == EMBEDDED else ELSEWHERE
        return time.monotonic() + 60 * (usual if self.minutes is None else self.minutes)


@dataclass
class Found:
    """What came of a model's exercises so far."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)  # the newest of each exercise
    answers: int = 0  # replies that had the form of an answer, right or wrong
    status: int = 0
    detail: str = ""  # why it was asked for no more
    is_dearer: bool = False  # whether all is likely to cost more than was said, as it thinks longer
    is_spent: bool = False  # whether one more answer may cost more than was said

    @property
    def silence(self) -> str:
        """Say that nothing came that is an answer; "" where something did."""
        asked = sum(tally.asked for tally in self.tallies.values())
        if self.answers or not asked:
            return ""
        name, problem = [*self.problems.items()][-1]
        return f"none of {asked} replies was an answer ({name}: {problem})"

    def add(self, name: str, tally: Tally, wrong: str, *, is_answer: bool) -> None:
        """Add one reply."""
        self.tallies[name] = self.tallies.get(name, Tally()) + tally
        self.answers += is_answer
        if wrong:
            self.problems.pop(name, None)  # the newest stands last
            self.problems[name] = wrong

    def stop(self, detail: str, status: int = 0) -> None:
        """Ask no more."""
        self.detail, self.status = detail, status

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


def profile_models(
    specs: Iterable[ModelSpec],
    ledger: Ledger,
    run: str,
    trial: Run,
    *,
    bounds: Bounds,
    most: Mapping[str, int],
    told: Told,
) -> Iterator[dict[str, Any]]:
    """Let each model do the exercises on the money of `run`, keep its profile, and yield a row each.

    `most` is what was said to be the most that a model costs, by name, in nano-dollars: it is asked for nothing that may pass it.

    A row: {name, model, host, version, ok, kept, status, detail, seconds, usd, able, exercises}, the exercises as of `rows`. `status` is 2
    where the call must be corrected (a missing key, too small a budget) and 3 where the model is not available or gave no answer.
    What was measured before is kept (`kept`).
    """
    for number, spec in enumerate(specs):
        begin, before, found = time.monotonic(), ledger.spent(run), Found()
        try:
            with TemporaryDirectory() as folder:  # of what was said the ledger's own copy is enough
                step, cap = STEPS * number, most[spec.name]
                examination = _Examination(spec, ledger, run, step, Path(folder), trial, cap)
                _examine(examination, found, bounds, told)
        except BudgetMLError as error:
            found.stop(str(error), error.status)
        except KeyboardInterrupt:
            _keep(spec, found, is_whole=False)
            raise
        kept = _keep(spec, found, is_whole=not found.detail)
        yield {
            "name": spec.name,
            "model": spec.model,
            "host": host(spec),
            "version": profiles.VERSION,
            "ok": not found.status,
            "kept": kept,
            "status": found.status,
            "detail": found.detail,
            "seconds": round(time.monotonic() - begin, 1),
            "usd": (ledger.spent(run) - before) / NANO,
            "able": asdict(able_of(spec)),
            "exercises": rows(found.tallies, found.problems),
        }


def _keep(spec: ModelSpec, found: Found, *, is_whole: bool) -> bool:
    """Keep what a model has shown, if it has answered at all."""
    if found.answers:
        profiles.keep(spec, found.tallies, is_whole=is_whole)
    return bool(found.answers)


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
            if found.is_spent:
                _end_for_money(spec, found, bounds.samples)
            if found.detail:
                return
            likely = cost_of(spec, bounds.samples).likely
            if likely > examination.most and not found.is_dearer:
                found.is_dearer = True
                told(f"{spec.name}: it thinks longer than was known: all is likely to cost {dollars(likely)}")
        if found.silence:
            found.stop(found.silence, 3)
            return


def _end_for_money(spec: ModelSpec, found: Found, samples: int) -> None:
    """Stop before what was said is passed: that is no fault where something could be measured."""
    if found.silence:
        found.stop(f"{found.silence}, and one more may cost more than was said", 3)
        return
    all_ = f"all exercises are now known to cost {dollars(cost_of(spec, samples).most)} if all answers are as long as can be"
    found.stop(f"one more answer may cost more than was said; {all_}", 0 if found.answers else 2)


class _Examination:
    """One model that is asked. `most`: nano-dollars that its answers may cost."""

    def __init__(
        self, spec: ModelSpec, ledger: Ledger, run: str, step: int, folder: Path, trial: Run, most: int
    ) -> None:
        self.spec, self.ledger, self.run, self.step, self.trial = spec, ledger, run, step, trial
        self.most, self.cap, self.waited = most, ledger.spent(run) + most, 0.0
        self.price: Price = price_of(spec)  # that a run accounts it at
        if spec.base_url == EMBEDDED:
            _embedded(spec).base_url  # noqa: B018 - its start is no part of the first answer's time
        self.models = ModelClient(
            {spec.name: asked_as(spec)},
            Account(ledger, run),
            Artifacts(folder),
            start_embedded=_embedded,
            patience=Patience(Waits(self._wait)),
        )

    def ask(self, exercise: Exercise, number: int, found: Found) -> None:
        """Ask for one answer, and add what came of it to `found`."""
        seen, took = len(self.ledger.calls(self.run)), list[float]()
        reply = patiently(lambda: self._timed(exercise, number, took), lambda reply: reply.fault)
        if reply.cap == SPENT:
            found.is_spent = True
            return
        if reply.fault in STOPS:
            found.stop(f"{exercise.name}: {reply.detail}", STOPS[reply.fault])
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
            seconds=round(sum(took), 3),
            usd=cost / NANO,
        )
        found.add(exercise.name, tally, wrong, is_answer=not reply.fault and wrong not in NONE)

    def _wait(self, seconds: float) -> None:
        """Wait for a busy endpoint: that is no part of an answer's time."""
        self.waited += seconds
        time.sleep(seconds)

    def _timed(self, exercise: Exercise, number: int, took: list[float]) -> Reply:
        """Ask once, and add the seconds to `took`, but of a request that brought nothing as the endpoint was busy."""
        begin, waited = time.monotonic(), self.waited
        reply = self._reply(exercise, number)
        if reply.fault != "busy":
            took.append(time.monotonic() - begin - (self.waited - waited))
        return reply

    def _reply(self, exercise: Exercise, number: int) -> Reply:
        self.step += 1
        variant, name = exercise.variant(number), self.spec.name
        here = Here(
            node=NODE, role=exercise.role, model=name, ladder=(name,), step=self.step, budget=self.cap
        )
        return self.models.ask(
            here,
            exercise.messages(variant),
            schema=exercise.form(variant),
            max_tokens=exercise.tokens,
            temperature=TEMPERATURE[exercise.role],
            least=MOST_TOKENS,  # all of its room: a reply that lack of money cut off says nothing of the model
        )

    def _cost(self, tokens_in: int, cached: int, tokens_out: int, settled: int) -> int:
        """Nano-dollars of a call: of an embedded model, what a run would account for it."""
        if self.spec.base_url != EMBEDDED:
            return settled
        return self.price.cost(Tokens(input=tokens_in, cached=cached, output=tokens_out))


def _embedded(spec: ModelSpec) -> EmbeddedServer:
    """Serve weights that are there: nothing is fetched."""
    return server_for(verify(spec.model), spec.name, spec.context)
