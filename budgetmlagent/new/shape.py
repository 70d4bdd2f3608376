"""What a person says of a text file's shape that would be judged otherwise: separator, encoding, where its names stand."""

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from budgetmlagent.errors import UsageError

SAID = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "blank": " ", "space": " "}
OTHERS = (
    "^",
    "~",
    "\x01",
    "::",
    "||",
    "¦",
    "\x1f",
)  # marks between cells that are found where no usual one is
ASCII = re.compile(r"[\x00-\x7f]+")  # where escapes stand; other letters are themselves
STAND_IN = "\x1f"  # for a mark of several letters, since a reader knows marks of one


@dataclass(frozen=True)
class Shape:
    """`sep` stands between cells, "" where it is judged; `header` is the line that names the columns, 0 where none does."""

    sep: str = ""
    encoding: str = ""
    header: int | None = None

    def check(self, where: str) -> None:
        """Raise UsageError where something is said, of a source that is no text file."""
        said = (("--sep", self.sep), ("--encoding", self.encoding), ("--header", self.header is not None))
        for option, value in said:
            if value:
                raise UsageError(f"{option}: is of text files, and {where} is none; leave the option out")


JUDGED = Shape()


def said(sep: str, encoding: str, header: int | None) -> Shape:
    """A shape as it is typed: a separator is itself, a word for it, or written with a backslash. Raises UsageError."""
    mark = SAID.get(sep.lower(), sep)
    if "\\" in mark and len(mark) > 1:
        try:
            mark = ASCII.sub(lambda found: codecs.decode(found[0], "unicode_escape"), mark)
        except UnicodeDecodeError:
            raise UsageError(
                f"--sep {sep!r}: is no letter; write tab, \\t, \\x01 or the mark itself"
            ) from None
    if any(letter in '\r\n"' for letter in mark):
        raise UsageError(
            f"--sep {sep!r}: stands between rows or around cells; give what is between two cells"
        )
    if encoding:
        try:
            "x".encode(encoding)  # "rot13" and its like are known, and are no encodings of text
        except (LookupError, ValueError):  # "undefined" takes nothing, and a name with a NUL is none
            raise UsageError(
                f"--encoding {encoding!r}: is not known; write utf-8, cp1252, cp1250, iso8859-2, cp437 or another name that Python knows"
            ) from None
    if header is not None and header < 0:
        raise UsageError(
            f"--header {header}: is no line; the first one is 1, and 0 says that no line has names"
        )
    return Shape(mark, encoding, header)


def marked(text: str, sep: str) -> tuple[str, str]:
    """The text and the one letter between its cells, where `sep` was said. Raises UsageError, as `records` does."""
    line = next((place for place, line in enumerate(text.split("\n"), 1) if sep in line), 0)
    if not line:
        raise UsageError(f" --sep {sep!r}: stands nowhere in the file; give what is between its cells")
    return (text, sep) if len(sep) == 1 else (text.replace(sep, STAND_IN), STAND_IN)


def unusual(lines: Sequence[str]) -> str:
    """The unusual mark that cuts all lines into as many cells, "" where there is none."""
    for mark in OTHERS:
        if len({line.count(mark) for line in lines}) == 1 and len(lines) > 1 and mark in lines[0]:
            return mark
    return ""


def even(lines: Sequence[str], mark: str) -> bool:
    """Whether a mark cuts all lines into as many cells, more than one."""
    widths = {len(row) for row in csv.reader(lines, delimiter=mark) if row}
    return len(widths) == 1 and widths != {1}


def below(text: str, header: int) -> str:
    """The text from the line on that names the columns. Raises UsageError, as `records` does."""
    lines = text.split("\n")
    if header >= len(lines):
        raise UsageError(
            f" --header {header}: the file has {len(lines)} lines; give the one that names the columns"
        )
    return "\n".join(lines[header - 1 :])
