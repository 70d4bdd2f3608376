"""What a run is pinned to: the task as it is when the run begins, by hash. Scores of another task are not compared with."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from budgetmlagent.tasks.folder import TaskFolder

SAID = (
    "name", "text", "metric", "direction", "seconds", "memory_gb", "disk_gb", "output_mb", "processes", "network", "gpu",
    "submission",
)  # fmt: skip


def pins(task: TaskFolder) -> dict[str, str]:
    """Hash the task's files and what its task.yaml says, by a name that tells a person which."""
    said = {f"{name} of task.yaml": json.dumps(getattr(task, name)) for name in SAID}
    said["timed of task.yaml"] = task.timed.model_dump_json() if task.timed else ""
    files = {
        f"{place}/{path.relative_to(folder).as_posix()}": path
        for place, folder in (("env", task.env), (task.scoring.name, task.scoring))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {name: _sha256(path) for name, path in files.items()} | {
        name: hashlib.sha256(words.encode("utf-8", "replace")).hexdigest() for name, words in said.items()
    }


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of what is not what it was, gone or new."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
