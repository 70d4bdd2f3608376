"""What a recorded run says of its steps. A stranger may have written it. Read by whoever looks: no model or price is loaded."""

from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Required,  # pydantic checks no other before Python 3.12
)

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from budgetmlagent.errors import UsageError
from budgetmlagent.money.usage import MOST_REPORTED
from memory.files import parsed, read_plain
from memory.state import Fault, Recalled

Tokens = Annotated[int, Field(ge=0, le=10**12)]


class Way(TypedDict):
    """Where a decision led."""

    to: str


class Choice(TypedDict, total=False):
    """What is taken from a recorded decision: where it led, and what memory supplied there."""

    route: Way
    recall_key: str
    history: list[Recalled]


class RecordedEvent(Choice, total=False):
    """What is taken from a line of events.jsonl; a stranger may have written it."""

    step: Required[int]
    node: Required[str]
    prompt: Required[str | None]
    reply: Required[str | None]
    usd: Required[Annotated[float, Field(ge=0, le=MOST_REPORTED, allow_inf_nan=False)]]
    model: str | None
    tokens_in: Tokens
    tokens_out: Tokens
    cached: Tokens
    thought: Tokens
    fault: Fault | None
    execution: str | None
    attempt: str | None
    briefing: str | None
    edits: list[Choice]


@cache
def _adapter() -> TypeAdapter[RecordedEvent]:
    return TypeAdapter(RecordedEvent)


def _which(error: Exception) -> str:
    """Return the field that is wrong, where one is."""
    where = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
    return f" ({'.'.join(map(str, where))})" if where else ""


def recorded_events(recording: Path) -> list[dict[str, Any]]:
    """The events of a recorded run, and those that its recorded forks (`forks/*`) do not share with it."""
    events = read_events(recording)
    for folder in sorted(recording.glob("forks/*")):
        events += [event for event in read_events(folder) if event not in events]
    return events


def read_events(recording: Path) -> list[dict[str, Any]]:
    """The lines of a run's events.jsonl. Raises UsageError naming the file and line that cannot be read."""
    path = recording / "events.jsonl"
    try:
        lines = read_plain(path).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"replay: {path} cannot be read; name the folder of a recorded run") from None
    events = []
    for number, line in enumerate(lines, 1):
        try:
            event = parsed(line)
            _adapter().validate_python(event)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: this is no event of a run{_which(error)}") from None
        events.append(event)
    return events
