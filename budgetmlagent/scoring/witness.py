"""The starter's submission, kept as a witness of what the metric takes: each later one is compared with it."""

import json
from collections.abc import Mapping
from pathlib import Path

from budgetmlagent.inside.briefing import metric
from budgetmlagent.inside.briefing.metrics import judging
from budgetmlagent.tasks.folder import TaskFolder
from memory.artifacts import Artifacts
from memory.files import is_name, parsed, read_plain, write_whole


class Witness:
    """The files that the starter submits. `path` keeps their names for whoever goes on with the run, or forks it."""

    def __init__(self, path: Path, artifacts: Artifacts) -> None:
        self.path, self.artifacts = path, artifacts

    @property
    def files(self) -> dict[str, str]:
        """Name -> artifact id; {} where the starter's submission is not at hand."""
        try:
            said = parsed(read_plain(self.path))
        except (OSError, ValueError):  # a run that a version before this one began, or a damaged file
            return {}
        known = isinstance(said, dict) and all(
            is_name(name) for name in said
        )  # they are written into a folder
        return said if known else {}

    def keep(self, files: Mapping[str, str]) -> None:
        """Keep what the starter submitted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(dict(files)).encode(), durable=True)

    def lay_out(self, folder: Path) -> None:
        """Write the files into an empty folder."""
        folder.mkdir()
        for name, artifact in self.files.items():
            (folder / name).write_bytes(self.artifacts.read(artifact))

    def other_name(self, files: Mapping[str, str]) -> str:
        """Say that none of `files` is called as the starter's are; "" where one is."""
        known = self.files
        if not known or known.keys() & files.keys():
            return ""
        return f"the script wrote {', '.join(sorted(files))}, the starter writes {', '.join(sorted(known))}"


def takes_fractions(task: TaskFolder, *, scored: bool) -> bool:
    """Whether the task's metric may take numbers with a fraction where the starter writes labels: probabilities, say.

    Of a metric that is not known, this is so where what it says of them is seen.
    """
    words = {key: getattr(task, key) for key in ("metric", "text", "starter", "direction")}
    name = metric.describe(words)["name"]
    return name in judging("probability", "value", "order") or (
        scored and name not in judging("class", "labels", "mask")
    )
