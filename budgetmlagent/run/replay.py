"""Replay of everything that is not a model: executions by script, scores by execution, recalls by state.

A recorded run is a run's own folder: events.jsonl and artifacts/. Each artifact is checked against its hash as it is
read; what the recording does not hold fails loudly.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.errors import RunFailedError
from budgetmlagent.models.replay import recorded_events
from budgetmlagent.records.rundir import read_json
from budgetmlagent.sandbox.snapshot import contents
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Attempt, scored
from memory.state import Recalled, RunState, recall_key
from nodes.deps import Execution, Here, History, Score


class Recording:
    """The recorded run, with its forks in `forks/*`, whose artifacts lie among its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = recorded_events(folder)
        self.artifacts = Artifacts(folder / "artifacts")

    def json(self, name: str) -> Any:
        """Read an artifact of the recording. Raises RunFailedError where it is missing or was changed."""
        try:
            return self.artifacts.json(name)
        except (FileNotFoundError, CorruptArtifactError) as error:
            raise RunFailedError(f"replay of {self.folder}: {error}") from None

    def read(self, name: str) -> bytes:
        """Read an artifact of the recording. Raises RunFailedError where it is missing or was changed."""
        try:
            return self.artifacts.read(name)
        except (FileNotFoundError, CorruptArtifactError) as error:
            raise RunFailedError(f"replay of {self.folder}: {error}") from None

    def executions(self) -> dict[str, dict[str, Any]]:
        """Return every execution by the id of its script."""
        found: dict[str, dict[str, Any]] = {}
        for event in self.events:
            if name := event.get("execution"):
                record = self.json(name)
                for each in [*(self.json(early) for early in record.get("earlier", [])), record]:
                    found[each["script"]] = each
        return found

    def final(self, attempt: str) -> dict[str, Any]:
        """Return the recorded private scores of this best attempt, and the integrity verdict."""
        for path in [self.folder / "final.json", *sorted(self.folder.glob("forks/*/final.json"))]:
            if path.is_file():
                final = read_json(path)
                if final.get("attempt") == attempt:
                    return final
        raise RunFailedError(
            f"replay of {self.folder}: no recorded run ended with this best (final.json has another or is missing)"
        )

    def briefing(self) -> dict[str, Any]:
        """Return the data briefing."""
        return dict(self.json(next(e["briefing"] for e in self.events if e.get("briefing"))))


class RecordedSandbox:
    """Gives a script its recorded execution. The static gate and the index of names are those of this machine."""

    def __init__(self, recording: Recording, artifacts: Artifacts) -> None:
        self._recording, self._artifacts = recording, artifacts
        self._executions = recording.executions()

    def run(self, here: Here, script: str) -> Execution:
        """Return the execution that the recording has of this very script. Raises RunFailedError for another."""
        name = self._artifacts.put(script)
        record = self._executions.get(name)
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
        attempts = [Attempt.read(recording, e["attempt"]) for e in recording.events if e.get("attempt")]
        self._by_script = {attempt.script: attempt for attempt in attempts}

    def score(self, execution: Execution) -> Score:
        """Return the recorded score. Raises RunFailedError where the script was never scored."""
        attempt = self._by_script.get(execution.script)
        if attempt is None:
            raise RunFailedError(f"replay: script {execution.script[:12]} has no recorded score")
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
                self._recalls.setdefault((told["route"]["to"], told["recall_key"]), told["history"])

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
