"""Attempts: artifacts that form a chain behind the state's head, like commits. No branch sees another's future."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, cast

from memory.artifacts import CorruptArtifactError
from memory.briefing import Briefing
from memory.files import is_name
from memory.noise import in_words
from memory.state import Plan, RunState

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# "keep": the best from then on, if only by a gain within its noise; "retest": within the noise, too, but not the best.
Status = Literal["keep", "retest", "discard", "crash"]


class Records(Protocol):
    """Reads JSON artifacts by their ids."""

    def json(self, name: str) -> Any:
        """Read as JSON."""
        ...


class Reader(Records, Protocol):
    """Reads artifacts by their ids."""

    def text(self, name: str) -> str:
        """Read as text."""
        ...


# Of a field that came later: a record with nothing to say in it goes without, so that older ones keep their ids.
LATER = {"later": True}


@cache
def _adapter(shape: type) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


@dataclass(frozen=True)
class JsonRecord:
    """What is kept as a JSON object. A field that has a default may be missing there."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read a record, with whatever else it tells left out. Raises CorruptArtifactError where it is none."""
        told = (
            {f.name: record[f.name] for f in fields(cls) if f.name in record}
            if isinstance(record, dict)
            else {}
        )
        try:
            _adapter(cls).validate_python(told)  # type: ignore[arg-type]  # a class can be hashed
        except ValueError as error:
            what = " ".join(str(error).split())[:120]
            raise CorruptArtifactError(f"a record of a run is no {cls.__name__.lower()} ({what})") from None
        return cls(**told)

    def as_json(self) -> dict[str, Any]:
        """Return the record."""
        silent = {f.name for f in fields(self) if f.metadata == LATER and getattr(self, f.name) == f.default}
        return {name: value for name, value in asdict(self).items() if name not in silent}


TAIL = 4_000  # characters of an output that a record holds


@dataclass(frozen=True)
class Execution(JsonRecord):
    """The record of one script's run in the sandbox."""

    script: str  # artifact id
    exit: int | None  # None where it was killed
    seconds: float
    output: str  # artifact id of standard output and error together
    tail: str = ""  # the end of the output: at most `TAIL` of it
    killed: str = ""  # "" | time | memory | disk | output | processes
    memory_mb: float = 0.0  # peak
    files: Mapping[str, str] = field(default_factory=dict)  # submission files it left: name -> artifact id
    lost: int = field(default=0, metadata=LATER)  # runs before this one that were killed with their runner
    refused: int = field(default=0, metadata=LATER)  # submission files that were no plain files
    snapshot: str = field(default="", metadata=LATER)  # artifact id of the manifest of all that it left
    alone: float = field(default=0.0, metadata=LATER)  # seconds it would have taken alone; 0.0: unknown

    def __post_init__(self) -> None:
        """Raise CorruptArtifactError where it names a file that could lie outside the folder that it is written into."""
        if odd := [name for name in self.files if not is_name(name)]:
            raise CorruptArtifactError(
                f"an execution's record names {odd[0][:80]!r}, which is no file's name"
            )


@dataclass(frozen=True)
class Score:
    """What the scorer says of a submission: a score, or one sentence why there is none."""

    value: float | None = None
    problem: str = ""
    reported: bool = False  # the script's own word, not measured on hidden answers
    suspect: str = ""  # why the predictions do not look like the target, "" where they do
    samples: tuple[float | None, ...] = ()  # what `value` could as well have been; () where that is unknown
    paired: bool = False  # sample i of each submission is of the same resampled rows; None: no score there
    rows: int = 0  # of which it is made, none of them private; 0 where that is unknown


@dataclass(frozen=True)
class Attempt(JsonRecord):
    """A script that ran, what for, and what came of it."""

    script: str  # artifact id, of the script as it ran: repaired
    plan: Plan
    status: Status
    score: float | None  # None where it has none
    parent: str = ""  # id of the attempt before it; "" for the baseline
    turn: int = 0
    step: int = 0
    ast: str = ""  # hash of the script's syntax tree
    execution: str = ""  # artifact id of the execution's whole record
    cures: Sequence[str] = field(default_factory=list)  # what was repaired without a model before it ran
    score_before: float | None = None  # of the best until then
    reported: bool = False  # the score is the script's own word
    error: str = ""  # fingerprint of the script's error; "" where there was none
    fault: str = ""  # kind of what went wrong; "" where nothing did
    problem: str = ""  # the fault in one sentence
    cost: int = 0  # nano-dollars that the run had spent by then
    seconds: float = 0.0  # of the execution
    samples: str = field(
        default="", metadata=LATER
    )  # artifact id of the score's samples: {values, paired, rows}
    gain: float | None = field(default=None, metadata=LATER)  # over the best; None where its noise is unknown
    noise: float | None = field(default=None, metadata=LATER)  # standard error of `gain`
    id: str = ""  # of the artifact that it was read from; no part of the record

    @classmethod
    def read(cls, artifacts: Records, name: str) -> Self:
        """Read the artifact `name`."""
        return replace(cls.of(artifacts.json(name)), id=name)

    def as_json(self) -> dict[str, Any]:
        """Return the record, whose hash is the attempt's id."""
        return {k: v for k, v in super().as_json().items() if k != "id"} | {"kind": "attempt"}


def chain(artifacts: Records, head: str) -> Iterator[Attempt]:
    """Yield the attempts of this branch, newest first."""
    while head:
        attempt = Attempt.read(artifacts, head)
        yield attempt
        head = attempt.parent


def best_script(state: RunState, artifacts: Reader, starter: str) -> str:
    """Return the text of the best script so far; the starter before there is one."""
    if not state.best:
        return starter
    return artifacts.text(Attempt.read(artifacts, state.best["attempt"]).script)


def recalled(state: RunState, artifacts: Records, kind: str) -> list[dict[str, Any]]:
    """Return the contents of the items of `kind` that the history supplied for this node, each with its `id`."""
    return [artifacts.json(item["id"]) | {"id": item["id"]} for item in state.history if item["kind"] == kind]


def reminded(state: RunState, artifacts: Records) -> list[Attempt]:
    """Return the attempts that the history supplied for this node."""
    return [Attempt.read(artifacts, item["id"]) for item in state.history if item["kind"] == "attempt"]


def briefing(state: RunState, artifacts: Records) -> Briefing:
    """Return the data briefing; empty before the baseline has run."""
    name = state.task.get("briefing", "")
    return cast("Briefing", artifacts.json(name)) if name else {}


def line(attempt: Attempt) -> str:
    """Tell an attempt in one line, for prompts and tables."""
    what = attempt.plan.get("instruction") or attempt.plan.get("action", "")
    outcome = attempt.problem or "no score" if attempt.score is None else f"score {attempt.score:.5g}"
    outcome = ", ".join(filter(None, [outcome, doubt(attempt)]))
    return f"{' '.join(what.split())[:160]}: {status(attempt)}, {outcome}"


def status(attempt: Attempt) -> str:
    """Return what became of an attempt: keep, discard or crash."""
    return "discard" if attempt.status == "retest" else attempt.status


def shown(attempt: Attempt) -> str:
    """Return what became of an attempt, for those who learn from it: one that was kept by a gain within its noise shows none."""
    return "discard" if doubt(attempt) else status(attempt)


def doubt(attempt: Attempt) -> str:
    """Say that the attempt's gain over the newest sure best is no larger than its noise; "" for any other attempt."""
    gain, noise, before = attempt.gain, attempt.noise, attempt.score_before
    if gain is None or noise is None or before is None or not 0 < gain <= noise:
        return ""
    return in_words(gain, noise, before)


def scored(attempt: Attempt, artifacts: Records) -> Score:
    """Return an attempt's score with its samples."""
    if not attempt.samples:
        return Score(attempt.score, reported=attempt.reported)
    known = artifacts.json(attempt.samples)
    values, paired, rows = tuple(known["values"]), known["paired"], known.get("rows", 0)
    return Score(attempt.score, reported=attempt.reported, samples=values, paired=paired, rows=rows)


def sampled(score: Score) -> dict[str, Any]:
    """Return what is kept of a score's samples: {values, paired}, and `rows` where it is known."""
    kept = {"values": score.samples, "paired": score.paired}
    return kept | {"rows": score.rows} if score.rows else kept


def signature(facts: Briefing) -> str:
    """Tell tasks apart whose scripts cannot be exchanged: by files, columns of the submission and targets, as code saw them first."""
    if first := facts.get("signature"):
        return first
    files = sorted(f["name"] for f in facts.get("files", []))
    submission: Mapping[str, Any] = facts.get("submission") or {}
    table: Mapping[str, Any] = facts.get("table") or {}
    named = [submission.get("file"), submission.get("columns"), table.get("targets"), table.get("id")]
    return repr((files, *named))
