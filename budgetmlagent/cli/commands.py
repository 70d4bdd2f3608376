"""A group of commands as it is typed: without one it shows its help, and an interrupt of one is told like an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer import Exit
from typer.core import TyperGroup

from budgetmlagent.errors import InterruptedCommandError


class Commands(TyperGroup):
    """The commands of the program, or of a family."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was typed; of nothing Typer would make an error, which is one line."""
        with as_far_as_it_is_read():  # help is printed here
            return super().parse_args(ctx, args or ([] if ctx.resilient_parsing else ["--help"]))

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed. Typer has only the status for an interrupt. Raises InterruptedCommandError."""
        try:
            with as_far_as_it_is_read():
                return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise InterruptedCommandError(getattr(interrupt, "typed", "interrupted")) from None


@contextmanager
def as_far_as_it_is_read() -> Iterator[None]:
    """End the command where the reader of what is printed has seen enough, as in `budgetml list | head`: that is no error."""
    try:
        yield
    except BrokenPipeError:
        raise Exit from None
