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

    @property
    def typed(self) -> str:
        """The same for who typed a command: options by their names there."""
        return str(self)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the words alone, as no line of the program is at fault."""
        return [f"{type(self).__name__}: {self}"]


class RunFailedError(BudgetMLError):
    """The run cannot go on: the starter fails, the metric script raises."""


class UsageError(BudgetMLError):
    """The call was wrong: an unknown name, a malformed file, a value out of range."""

    status = 2


class OptionError(UsageError):
    """A value that an option cannot have: `turns=0: …` in Python, `--turns 0: …` at the command line."""

    def __init__(self, option: str, value: object, need: str) -> None:
        super().__init__(f"{option}={value!r}: {need}")
        self._typed = cut(f"--{option.replace('_', '-')} {value}: {need}")

    @property
    def typed(self) -> str:
        """As the option is typed."""
        return self._typed


class UnavailableError(BudgetMLError):
    """The sandbox, a model or the disk is not available."""

    status = 3


class InterruptedCommandError(BudgetMLError):
    """A person's interrupt of a command."""

    status = 130


class InterruptedRunError(KeyboardInterrupt):
    """A person's interrupt, after the run was left so that it can be gone on with: where it stopped, and how to go on.

    `opened` is how it is opened in Python, `resume` the command that goes on with it.
    """

    def __init__(self, stopped: str, *, opened: str, resume: str) -> None:
        super().__init__(f"{stopped}: interrupted; run() goes on, another day {opened}.run()")
        self.typed = f"{stopped}: interrupted; `{resume}` goes on"

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
