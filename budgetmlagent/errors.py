"""The errors that end a command: each is one clear line and an exit status."""

LONGEST = 500  # characters of a line: what is wrong is told, not all that a file holds


def cut(line: str) -> str:
    """Return the line, or its beginning and its end, where the remedy stands: it may quote what a stranger wrote."""
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 150]} … {line[-140:]}"


class BudgetMLError(Exception):
    """Base of all: `str(error)` says what is wrong, where, and what to do."""

    status = 1

    def __init__(self, words: str) -> None:
        super().__init__("\n".join(map(cut, words.split("\n"))))


class RunFailedError(BudgetMLError):
    """The run cannot go on: the starter fails, the metric script raises."""


class UsageError(BudgetMLError):
    """The call was wrong: an unknown name, a malformed file, a value out of range."""

    status = 2


class UnavailableError(BudgetMLError):
    """The sandbox, a model or the disk is not available."""

    status = 3
