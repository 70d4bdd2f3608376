"""The command line: `budgetml`. Errors are one line and an exit status; `--json` is one object on standard output."""

import gc
import os
import sys

from budgetmlagent import foreign
from budgetmlagent.errors import BudgetMLError, InterruptedCommandError, cut


def main() -> None:
    """Run `budgetml` and exit with its status."""
    sys.exit(call(sys.argv[1:]))


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
    from budgetmlagent.cli.app import app

    try:
        with disk.clear():
            status = app(args=arguments, standalone_mode=False, prog_name="budgetml")
    except BudgetMLError as error:
        return _said(error.typed, error.status)
    except TyperException as error:
        return _said(cut(error.format_message()), 2)
    except BrokenPipeError:
        return 0  # the reader of our output has gone, e.g. `budgetml list | head`
    return status if isinstance(status, int) else 0


def _said(message: str, status: int) -> int:
    for line in f"budgetml: {message}".splitlines():
        print(line, file=sys.stderr)
    return status
