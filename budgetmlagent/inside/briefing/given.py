"""What `__main__` hands to each module of the briefing, its keys read in this one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Given:
    """The task in words, its starter and metric, and what the baseline left as its submission."""

    text: str
    starter: str
    metric: dict[str, Any]  # name ("" where unknown), direction
    submission: dict[str, Any]  # {} where the baseline left none
    folder: Path  # of the submission's files

    @classmethod
    def of(cls, context: dict[str, Any]) -> "Given":
        """Read the context."""
        meta = context["meta"]
        return cls(
            str(meta.get("text") or ""),
            str(meta.get("starter") or ""),
            context["metric"],
            context.get("submission") or {},
            Path(context["submission_folder"]),
        )

    @property
    def file(self) -> Path | None:
        """The submission's file, None where there is none."""
        path = self.folder / str(self.submission.get("file") or "")
        return path if path.is_file() else None

    @property
    def name(self) -> str:
        """The submission's file as scripts write it."""
        return str(self.submission.get("file") or "")

    @property
    def rows(self) -> int:
        """Rows of the submission, 0 where unknown."""
        return int(self.submission.get("rows") or 0)
