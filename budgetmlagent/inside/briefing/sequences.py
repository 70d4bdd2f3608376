"""Tasks on sequences: language models, tags of tokens, series to be continued."""

from pathlib import Path
from typing import Any

from . import language, series, tagging
from .given import Given


def describe(folder: Path, context: dict[str, Any]) -> dict[str, Any]:
    """The first of `tagging`, `language`, `series` that the files and the submission allow; {} where none does."""
    given = Given.of(context)
    if given.rows < 1:
        return {}
    for module in (tagging, language, series):
        found: dict[str, Any] = module.describe(folder, given)
        if found:
            return found
    return {}
