"""The command line: `budgetml`. Errors are one line and an exit status; `--json` is one object on standard output."""

import gc
import os
import re
import sys

from budgetmlagent import foreign
from budgetmlagent.errors import BudgetMLError, InterruptedCommandError, cut

# What Typer says of a word where a number should be, and what we do.
NO_NUMBER = re.compile(r"Invalid value for '(\S+)': Input should be a valid (integer|number).*")
NUMBER = {"integer": "a whole number", "number": "a number"}


def main() -> None:
    """Run `budgetml` and exit with its status."""
    try:
        sys.exit(call(sys.argv[1:]))
    finally:
        _drop_the_rest()


def _drop_the_rest() -> None:
    """Forget what nobody takes: at its end Python would try again to write it, and complain."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:  # the reader has gone, or the disk is full
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def call(arguments: list[str]) -> int:
    """Run one command line and return its exit status. Nothing that it prints can command a terminal."""
    with foreign.guarded():
        try:
            return _call(arguments)
        except KeyboardInterrupt:  # while its modules are still read
            return _said("interrupted", InterruptedCommandError.status)


def _call(arguments: list[str]) -> int:
    # Both are off unless the user turns them on: nothing leaves the machine but requests to the models named.
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "false")
    # What modules define is no garbage: looking for some took a tenth of a short command.
    gc.set_threshold(50_000)
    from typer.exceptions import TyperException

    from budgetmlagent import disk
    from budgetmlagent.cli.app import budgetml

    if "COMP_WORDS" in os.environ:
        _without_equals_signs()
    try:
        with disk.clear():
            status = budgetml(args=arguments, standalone_mode=False, prog_name="budgetml")
            sys.stdout.flush()
    except BudgetMLError as error:
        return _said(error.typed, error.status)
    except TyperException as error:
        told = NO_NUMBER.sub(lambda said: f"{said[1]}: {NUMBER[said[2]]} is needed", error.format_message())
        return _said(cut(told), 2)
    except BrokenPipeError:
        return 0  # as in `commands.as_far_as_it_is_read`
    return status if isinstance(status, int) else 0


def _without_equals_signs() -> None:
    """Leave out the "=" of `--graph=pa` where a bash completes: it gives that as a word, which Typer takes for the value."""
    words, at = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
    before = [word for word in words[:at] if word != "="]
    os.environ |= {"COMP_WORDS": "\n".join(before + words[at:]), "COMP_CWORD": str(len(before))}


def _said(message: str, status: int) -> int:
    for line in f"budgetml: {message}".splitlines():
        print(line, file=sys.stderr)
    return status
