"""Attempts: artifacts that form a chain behind the state's head, like commits. No branch sees another's future."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from memory.briefing import Briefing
from memory.noise import in_words
from memory.state import RunState

Attempt = dict[str, Any]


class Reader(Protocol):
    """Reads artifacts by their ids."""

    def text(self, name: str) -> str:
        """Read as text."""
        ...

    def json(self, name: str) -> Any:
        """Read as JSON."""
        ...


@dataclass(frozen=True)
class Execution:
    """The record of one script's run in the sandbox."""

    script: str  # artifact id
    exit: int | None  # None where it was killed
    seconds: float
    output: str  # artifact id of standard output and error together
    tail: str = ""  # the last 4,000 characters of the output
    killed: str = ""  # "" | time | memory | disk | output | processes
    memory_mb: float = 0.0  # peak
    files: Mapping[str, str] = field(default_factory=dict)  # submission files it left: name -> artifact id
    lost: int = 0  # runs of it before this one that nobody knows the end of: killed with their runner
    refused: int = 0  # submission files that were no plain files
    snapshot: str = ""  # artifact id of the manifest of all that it left; "" where none was kept


@dataclass(frozen=True)
class Score:
    """What the scorer says of a submission: a score, or one sentence why there is none."""

    value: float | None = None
    problem: str = ""
    reported: bool = False  # the script's own word, not measured on hidden answers
    suspect: str = ""  # why the predictions do not look like the target, "" where they do
    # What `value` could as well have been, empty where its noise is unknown. If `paired`, sample i of every submission is
    # of the same resampled rows, None where it has no score there.
    samples: tuple[float | None, ...] = ()
    paired: bool = False


def chain(artifacts: Reader, head: str) -> Iterator[Attempt]:
    """Yield the attempts of this branch, newest first; each has its own `id` added."""
    while head:
        attempt = artifacts.json(head)
        yield attempt | {"id": head}
        head = attempt["parent"]


def best_script(state: RunState, artifacts: Reader, starter: str) -> str:
    """Return the text of the best script so far; the starter before there is one."""
    if not state.best:
        return starter
    return artifacts.text(artifacts.json(state.best["attempt"])["script"])


def recalled(state: RunState, artifacts: Reader, kind: str) -> list[dict[str, Any]]:
    """Return the contents of the items of `kind` that the history supplied for this node, each with its `id`."""
    return [artifacts.json(item["id"]) | {"id": item["id"]} for item in state.history if item["kind"] == kind]


def briefing(state: RunState, artifacts: Reader) -> Briefing:
    """Return the data briefing; empty before the baseline has run."""
    name = state.task.get("briefing", "")
    return cast("Briefing", artifacts.json(name)) if name else {}


def line(attempt: Attempt) -> str:
    """Tell an attempt in one line, for prompts and tables."""
    plan = attempt["plan"]
    what = plan.get("instruction") or plan.get("action", "")
    outcome = (
        attempt.get("problem") or "no score" if attempt["score"] is None else f"score {attempt['score']:.5g}"
    )
    outcome = ", ".join(filter(None, [outcome, doubt(attempt)]))
    return f"{' '.join(what.split())[:160]}: {status(attempt)}, {outcome}"


def status(attempt: Mapping[str, Any]) -> str:
    """Return what became of an attempt: keep, discard or crash. One to be tested again was not kept."""
    return "discard" if attempt["status"] == "retest" else str(attempt["status"])


def doubt(attempt: Mapping[str, Any]) -> str:
    """Say that the attempt's gain is no larger than its noise; "" for any other attempt."""
    if attempt["status"] != "retest":
        return ""
    return in_words(attempt["gain"], attempt["noise"], attempt["score_before"])


def scored(attempt: Mapping[str, Any], read: Callable[[str], Any]) -> Score:
    """Return an attempt's score with its samples, which `read` finds by their artifact id."""
    if "samples" not in attempt:
        return Score(attempt["score"], reported=attempt["reported"])
    known = read(attempt["samples"])
    return Score(
        attempt["score"], reported=attempt["reported"], samples=tuple(known["values"]), paired=known["paired"]
    )


def signature(facts: Briefing) -> str:
    """Tell tasks apart whose scripts cannot be exchanged: by files, columns of the submission and targets."""
    files = sorted(f["name"] for f in facts.get("files", []))
    submission: Mapping[str, Any] = facts.get("submission") or {}
    table: Mapping[str, Any] = facts.get("table") or {}
    return repr(
        (files, submission.get("file"), submission.get("columns"), table.get("targets"), table.get("id"))
    )
