"""The errors that end a command: each is one clear line and an exit status."""

LONGEST = 500  # characters of a line: what is wrong is told, not all that a file holds


def one_line(text: str) -> str:
    """Return a text without its line breaks: a name that somebody else chose may hold some, and then says lines of ours."""
    return " ".join(text.splitlines())


def cut(text: str) -> str:
    """Return one line of the text, or its beginning and its end, where the remedy stands: it may quote what a stranger wrote."""
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 150]} … {line[-140:]}"


class BudgetMLError(Exception):
    """Base of all: `str(error)` says what is wrong, where, and what to do; in more lines than one where several are given."""

    status = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(cut, lines)))


class RunFailedError(BudgetMLError):
    """The run cannot go on: the starter fails, the metric script raises."""


class UsageError(BudgetMLError):
    """The call was wrong: an unknown name, a malformed file, a value out of range."""

    status = 2


class UnavailableError(BudgetMLError):
    """The sandbox, a model or the disk is not available."""

    status = 3
