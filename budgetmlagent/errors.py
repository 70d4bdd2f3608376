"""The errors that end a command: each is one clear line and an exit status."""


class BudgetMLError(Exception):
    """Base of all: `str(error)` says what is wrong, where, and what to do."""

    status = 1


class RunFailedError(BudgetMLError):
    """The run cannot go on: the starter fails, the metric script raises."""


class UsageError(BudgetMLError):
    """The call was wrong: an unknown name, a malformed file, a value out of range."""

    status = 2


class UnavailableError(BudgetMLError):
    """The sandbox, a model or the disk is not available."""

    status = 3
