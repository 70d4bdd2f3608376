"""What each module of the briefing is given: the task in words, its files, and what the baseline submitted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import metric, outcome
from .files import Files, walk


@dataclass(frozen=True)
class Given:
    """The task and its baseline's submission."""

    text: str
    starter: str
    metric: dict[str, Any]  # name ("" where unknown), direction, and what else `metric.describe` finds
    files: Files
    submission: dict[str, Any]  # what is told of the submission, {} where the baseline left none
    value: Any  # what it holds, see `outcome.read`; None where it cannot be read
    file: Path | None = None  # the submission's, None where there is none
    told: dict[str, Any] = field(
        default_factory=dict
    )  # what a reader says of the tables, see `told.layout`; {} for nothing

    @classmethod
    def of(cls, folder: Path, submission: Path, meta: dict[str, Any]) -> "Given":
        """Look at the task in `folder`, described by `meta`, whose baseline left its files in `submission`."""
        text, starter, paths = str(meta.get("text") or ""), str(meta.get("starter") or ""), walk(folder)
        file = outcome.find(submission, paths)
        value = outcome.read(file) if file else None
        submitted = outcome.describe(submission, file, value) if file else {}
        files = Files(paths, starter, leave=str(submitted.get("file", "")))
        return cls(
            text, starter, metric.describe(meta), files, submitted, value, file, dict(meta.get("told") or {})
        )

    @property
    def name(self) -> str:
        """The submission's file as scripts write it."""
        return str(self.submission.get("file") or "")

    @property
    def rows(self) -> int:
        """Rows of the submission, 0 where unknown."""
        return int(self.submission.get("rows") or 0)
