"""Text that strangers wrote, as a terminal may get it: models, providers, scripts, task folders, other people's runs.

A terminal obeys control codes: it sets its title, writes the clipboard, or shows a line in another order than it stands.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast

# Controls (C0 but for newline and tab, DEL, C1), line and paragraph separators, whatever changes the order of letters or is
# not seen at all, and halves of characters, which no terminal's encoding has. The joiners that some scripts need may stay.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a cell begins that a spreadsheet computes


def visible(text: str) -> str:
    r"""Return `text` with its controls as escapes that can be read, as `\x1b`; newlines and tabs stay."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def cell(value: object) -> str:
    """Return a value as a cell of a CSV file that no spreadsheet computes."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


class Visible:
    """A stream of text whose every write is made `visible`; in all else it is the stream."""

    def __init__(self, stream: TextIO) -> None:
        # By this name rich knows where to write, which has escape codes of its own: see `cli/console.py`.
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write what can be seen; return the number of characters given."""
        self.rich_proxied_file.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a stream."""
        return getattr(self.rich_proxied_file, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Make visible all that is printed meanwhile, on standard output and standard error, whatever their encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # "ü" as an escape where there is ASCII alone
    with Path(os.devnull).open("w") as nowhere:  # where a stream is closed, as under some services
        out, err = (cast("TextIO", Visible(stream or nowhere)) for stream in (sys.stdout, sys.stderr))
        with redirect_stdout(out), redirect_stderr(err):
            yield
