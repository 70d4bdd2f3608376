"""Replay of everything that is not a model: executions by script, scores by execution, recalls by step.

A recorded run is a run's own folder: events.jsonl and artifacts/. Each artifact is checked against its hash as it is
read; what the recording does not hold fails loudly.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent import events
from budgetmlagent.errors import RunFailedError, UsageError
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.state import Recalled, RunState
from nodes.deps import Execution, Here, Score


class Recording:
    """The recorded run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "events.jsonl"
        if not path.is_file():
            raise UsageError(f"--models replay:{folder}: no recorded run there ({path.name} is missing)")
        self.events = events.read(path)
        self.artifacts = Artifacts(folder / "artifacts")

    def json(self, name: str) -> Any:
        """Read an artifact of the recording. Raises RunFailedError where it is missing or was changed."""
        return json.loads(self.read(name))

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
            for name in [event["execution"]] if event.get("execution") else []:
                record = self.json(name)
                for each in [*(self.json(early) for early in record.get("earlier", [])), record]:
                    found[each["script"]] = each
        return found

    def final(self) -> dict[str, Any]:
        """Return the recorded private scores and the integrity verdict."""
        path = self.folder / "final.json"
        if not path.is_file():
            raise RunFailedError(
                f"replay of {self.folder}: the recorded run has not ended ({path.name} is missing)"
            )
        return dict(json.loads(path.read_text(encoding="utf-8")))

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
        for file in [record["output"], *record["files"].values()]:
            self._artifacts.put(self._recording.read(file))
        return Execution(
            **{key: value for key, value in record.items() if key in Execution.__dataclass_fields__}
        )


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
        attempts = [recording.json(e["attempt"]) for e in recording.events if e.get("attempt")]
        self._by_script = {attempt["script"]: attempt for attempt in attempts}

    def score(self, execution: Execution) -> Score:
        """Return the recorded score. Raises RunFailedError where the script was never scored."""
        attempt = self._by_script.get(execution.script)
        if attempt is None:
            raise RunFailedError(f"replay: script {execution.script[:12]} has no recorded score")
        suspect = attempt["problem"] if attempt["fault"] == "suspect" else ""
        problem = attempt["problem"] if attempt["fault"] == "submission" else ""
        return Score(attempt["score"], problem, attempt["reported"], suspect)


class RecordedHistory:
    """Gives each step what its recorded step recalled; remembers nothing beyond the run."""

    def __init__(self, recording: Recording, artifacts: Artifacts) -> None:
        self._recording, self._artifacts = recording, artifacts

    def recall(self, node: str, state: RunState, step: int) -> list[Recalled]:  # noqa: ARG002
        """Return what the recording's same step recalled."""
        event = next((e for e in self._recording.events if e["step"] == step), None)
        if event is None or event["route"]["to"] != node:
            raise RunFailedError(
                f"replay of {self._recording.folder}: step {step} did not lead to {node!r} there"
            )
        for item in event["history"]:
            self._artifacts.put(self._recording.read(item["id"]))
        return list(event["history"])

    def remember(self, item: Mapping[str, Any]) -> str:
        """Keep the item's content as an artifact of the run."""
        return self._artifacts.put_json(dict(item))
