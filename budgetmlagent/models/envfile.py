"""`.env` in the current folder, in whatever encoding an editor left it."""

import codecs
import io
from pathlib import Path

from dotenv import dotenv_values

from budgetmlagent.errors import UsageError
from memory.files import SMALL, read_plain

# The longer marks first: that of UTF-32 begins with UTF-16's.
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_env(path: Path) -> dict[str, str | None]:
    """Return the variables of a `.env`, {} where there is none. Raises UsageError as `file:line: what`.

    Values are taken as they stand: `${OTHER}` in one would send another variable of the environment.
    What is no UTF-8, as an umlaut of Latin-1 in a comment, does not hide what is: names and keys are ASCII.
    """
    try:
        raw = read_plain(path, SMALL) if path.exists() else b""
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}; make it a file that you can read"
        ) from None
    encoding = next((name for mark, name in MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}:1: is no {encoding.upper()} text, as its first bytes say; save it as UTF-8"
        ) from error
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        raise UsageError(f"{path}:{line}: holds a NUL byte, as UTF-16 without a mark does; save it as UTF-8")
    return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))
