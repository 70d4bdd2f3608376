"""Replay of everything that is not a model: executions by script, scores by execution, recalls by state.

A recorded run is a run's own folder: events.jsonl and artifacts/. Each artifact is checked against its hash as it is
read; what the recording does not hold fails loudly.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Required,  # pydantic checks no other before Python 3.12
)

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from budgetmlagent.errors import RunFailedError
from budgetmlagent.models.recorded import recorded_events
from budgetmlagent.sandbox.snapshot import contents
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Attempt, scored
from memory.files import parsed, read_plain
from memory.state import Recalled, RunState, recall_key
from nodes.deps import Execution, Here, History, Score

Finite = Annotated[float, Field(allow_inf_nan=False)]
Cure = TypedDict("Cure", {"from": str, "to": str, "what": list[str]})


class RecordedExecution(TypedDict, total=False):
    """What is taken from an execution's record."""

    script: Required[str]
    exit: Required[int | None]
    seconds: Required[Finite]
    output: Required[str]
    files: Required[dict[str, str]]
    tail: str
    killed: str
    memory_mb: Finite
    lost: int
    refused: int
    snapshot: str
    earlier: list[str]
    cures: list[Cure]


class RecordedFinal(TypedDict, total=False):
    """What is taken from final.json."""

    attempt: Required[str | None]
    private_baseline: Finite | None
    private_best: Finite | None
    private_noise: Finite | None
    noise_hidden: bool


class Samples(TypedDict, total=False):
    """What a score could as well have been."""

    values: Required[list[Finite | None]]
    paired: Required[bool]
    rows: int


ANY = -1  # step, of a script that may have run at any
ATTEMPT = TypeAdapter(Attempt)
EXECUTION = TypeAdapter(RecordedExecution)
FINAL = TypeAdapter(RecordedFinal)
SAMPLES = TypeAdapter(Samples)


class Recording:
    """The recorded run, with its forks in `forks/*`, whose artifacts lie among its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = recorded_events(folder)
        self.artifacts = Artifacts(folder / "artifacts")

    def json(self, name: str) -> Any:
        """Read an artifact of the recording. Raises RunFailedError where it is missing, was changed or is no JSON."""
        try:
            return parsed(self.read(name))
        except ValueError:
            raise self._odd(f"artifact {name[:12]}") from None

    def shaped(self, name: str, shape: TypeAdapter[Any]) -> Any:
        """Read an artifact that must have this shape. Raises RunFailedError."""
        return self._checked(self.json(name), shape, f"artifact {name[:12]}")

    def _checked(self, value: Any, shape: TypeAdapter[Any], what: str) -> Any:
        try:
            shape.validate_python(value)
        except ValidationError as error:
            field = ".".join(map(str, error.errors()[0]["loc"]))
            raise self._odd(f"{what} ({field})") from None
        return value

    def _odd(self, what: str) -> RunFailedError:
        return RunFailedError(f"replay of {self.folder}: {what} is nothing that a run makes")

    def read(self, name: str) -> bytes:
        """Read an artifact of the recording. Raises RunFailedError where it is missing or was changed."""
        try:
            return self.artifacts.read(name)
        except CorruptArtifactError as error:
            raise RunFailedError(f"replay of {self.folder}: {error}") from None
        except (OSError, ValueError) as error:  # ValueError: of a name that no file can have
            why = getattr(error, "strerror", None) or error
            raise RunFailedError(f"replay of {self.folder}: artifact {name[:64]}: {why}") from None

    def attempt(self, name: str) -> Attempt:
        """Read an attempt. Raises RunFailedError."""
        return Attempt.of(self.shaped(name, ATTEMPT))

    def executions(self) -> dict[tuple[int, str], dict[str, Any]]:
        """Return every execution by its step and the id of its script; at step `ANY`, a script's newest."""
        found: dict[tuple[int, str], dict[str, Any]] = {}
        for event in self.events:
            if name := event.get("execution"):
                record = self.shaped(name, EXECUTION)
                earlier = [self.shaped(early, EXECUTION) for early in record.get("earlier", [])]
                for each in [*earlier, record]:
                    found[event["step"], each["script"]] = found[ANY, each["script"]] = each
        return found

    def final(self, attempt: str) -> dict[str, Any] | None:
        """Return the recorded private scores of this best attempt, and the integrity verdict; None where no recorded run has any.

        A replay that ended without them names its attempt alone. Raises RunFailedError where what is recorded is damaged.
        """
        for path in [self.folder / "final.json", *sorted(self.folder.glob("forks/*/final.json"))]:
            if path.is_file():
                try:
                    final = dict(parsed(read_plain(path)))
                except (OSError, ValueError, TypeError):
                    raise self._odd(path.name) from None
                self._checked(final, FINAL, path.name)
                if final["attempt"] == attempt and "private_best" in final:
                    return final
        return None

    def briefing(self, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the data briefing, or the one that was made by what was `told`. Raises RunFailedError where there is none."""
        names = [event["briefing"] for event in self.events if event.get("briefing")]
        for name in names:
            facts = dict(self.shaped(name, TypeAdapter(dict[str, Any])))
            if not told or told in facts.get("told", []):
                return facts
        raise RunFailedError(
            f"replay of {self.folder}: it has no data briefing{' by what was told' * bool(told)}"
        )


class RecordedSandbox:
    """Gives a script its recorded execution. The static gate and the index of names are those of this machine."""

    def __init__(self, recording: Recording, artifacts: Artifacts) -> None:
        self._recording, self._artifacts = recording, artifacts
        self._executions = recording.executions()

    def run(self, here: Here, script: str) -> Execution:
        """Return the execution that the recording has of this very script. Raises RunFailedError for another."""
        name = self._artifacts.put(script)
        # A script that ran twice took another time each time, and a prompt may tell of it.
        record = self._executions.get((here.step, name)) or self._executions.get((ANY, name))
        if record is None:
            raise RunFailedError(
                f"replay: step {here.step}: the recording has no execution of script {name[:12]}"
            )
        for file in [record["output"], *record["files"].values(), *self._snapshot(record)]:
            self._artifacts.put(self._recording.read(file))
        return Execution.of(record)

    def _snapshot(self, record: Mapping[str, Any]) -> list[str]:
        name = record.get("snapshot")
        return [name, *contents(self._recording.json(name))] if name else []


class RecordedRepairs:
    """Mends a script as the recording did, whatever libraries are installed here."""

    def __init__(self, recording: Recording, artifacts: Artifacts) -> None:
        self._recording, self._artifacts = recording, artifacts
        records = recording.executions().values()
        self._cures = {cure["from"]: cure for record in records for cure in record.get("cures", [])}

    def before(self, script: str, sources: Sequence[str]) -> tuple[str, list[str]]:  # noqa: ARG002
        """Return the recorded cure of `script`."""
        cure = self._cures.get(self._artifacts.put(script))
        if cure is None:
            return script, []
        return self._recording.read(cure["to"]).decode(), cure["what"]

    def after(self, script: str, tail: str, sources: Sequence[str]) -> tuple[str, list[str]]:  # noqa: ARG002
        """Return the recorded cure of `script`."""
        return self.before(script, sources)


class RecordedScorer:
    """Gives an execution the score that the recording's attempt has."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        attempts = [recording.attempt(e["attempt"]) for e in recording.events if e.get("attempt")]
        self._by_script = {attempt.script: attempt for attempt in attempts}

    def score(self, execution: Execution) -> Score:
        """Return the recorded score. Raises RunFailedError where the script was never scored."""
        attempt = self._by_script.get(execution.script)
        if attempt is None:
            raise RunFailedError(f"replay: script {execution.script[:12]} has no recorded score")
        if attempt.samples:
            self._recording.shaped(attempt.samples, SAMPLES)
        suspect = attempt.problem if attempt.fault == "suspect" else ""
        problem = attempt.problem if attempt.fault == "submission" else ""
        return dataclasses.replace(scored(attempt, self._recording), problem=problem, suspect=suspect)


class RecordedHistory:
    """Gives each state what its recorded one recalled, and another state what memory holds; remembers nothing."""

    def __init__(self, recording: Recording, artifacts: Artifacts, live: History) -> None:
        self._recording, self._artifacts, self._live = recording, artifacts, live
        self._recalls: dict[tuple[str, str], list[Recalled]] = {}
        for event in recording.events:
            for told in (event, *event.get("edits", [])):
                key = (told.get("route", {}).get("to", ""), told.get("recall_key", ""))
                self._recalls.setdefault(key, told.get("history", []))

    def recall(self, node: str, kinds: Sequence[str], state: RunState) -> list[Recalled]:
        """Return what the recording recalled for `node` in this state; elsewhere a replay was led by hand."""
        found = self._recalls.get((node, recall_key(dataclasses.asdict(state))))
        if found is None:
            return self._live.recall(node, kinds, state)
        for item in found:
            self._artifacts.put(self._recording.read(item["id"]))
        return list(found)

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep the item's content as an artifact of the run."""
        return self._artifacts.put_json(dict(item))
