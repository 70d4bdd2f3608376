"""Tasks on sequences: language models, tags of tokens, series to be continued."""

from typing import Any

from . import language, series, tagging
from .given import Given


def describe(given: Given) -> dict[str, Any]:
    """The first of `tagging`, `language`, `series` that the files and the submission allow; {} where none does."""
    if given.rows < 1:
        return {}
    for module in (tagging, language, series):
        if found := dict(module.describe(given)):
            return found
    return {}
