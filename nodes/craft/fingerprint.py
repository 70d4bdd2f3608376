"""What failed, read from the tail of a script's output: the error's identity, its line, its place."""

import hashlib
import re
from dataclasses import dataclass

DETAIL = 20  # lines of a message after its first
LIMIT = 300  # characters of an error that a prompt or a report shows
FRAME = re.compile(r'^\s*File "([^"\n]+)", line (\d+)(?:, in (.+))?$')
# The names of exceptions in use: those of Python and the libraries end so; a bare word is no error.
ERROR = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit|StopIteration))(?:: ?(.*))?$")
LIBRARY = re.compile(r"site-packages|dist-packages|/lib/python\d|^<frozen")
DATA = re.compile("(?i)could not convert|invalid literal|unseen labels|unknown categor|time data|label type")


@dataclass(frozen=True)
class Failure:
    """The error that ended a script."""

    kind: str  # the exception's name without its module
    message: str  # its first line with any text; host paths are left out
    line: int = 0  # of the last frame in the script itself; 0 where there is none
    function: str = ""
    code: str = ""  # the text of that line
    detail: str = ""  # what follows the message's first line


def failure(tail: str) -> Failure | None:
    """Return the last error in `tail`, or None where there is none.

    Output that was buffered may follow the traceback, so the error is looked for after the last frame only.
    """
    lines = tail.split("\n")
    frames = [(i, m) for i, line in enumerate(lines) if (m := FRAME.match(line))]
    start = frames[-1][0] + 1 if frames else 0
    found = next(((i, m) for i in range(start, len(lines)) if (m := ERROR.match(lines[i]))), None)
    if found is None or not (frames or "Traceback (most recent call last)" in tail):
        return None
    at, match = found
    message = match[2] or next((line for line in lines[at + 1 : at + 4] if line.strip()), "")
    detail = "\n".join(lines[at + 1 : at + 1 + DETAIL])
    kind = match[1].rpartition(".")[2]
    first = max((i for i, line in enumerate(lines[:at]) if line.startswith("Traceback (most")), default=-1)
    own = [(i, m) for i, m in frames if i > first and not LIBRARY.search(m[1])]
    if not own:
        return Failure(kind, without_paths(message.strip()), detail=detail)
    where, frame = own[-1]
    code = lines[where + 1].strip() if where + 1 < at else ""
    return Failure(kind, without_paths(message.strip()), int(frame[2]), frame[3] or "", code, detail)


def frames(tail: str) -> list[tuple[int, str, str]]:
    """Return the frames in `tail` that are no library's, in their order: line, function, and that line's text."""
    lines = tail.split("\n")
    found = ((i, m) for i, line in enumerate(lines) if (m := FRAME.match(line)) and not LIBRARY.search(m[1]))
    codes = ((m, lines[i + 1].strip() if i + 1 < len(lines) else "") for i, m in found)
    return [(int(m[2][:9]), m[3] or "", code) for m, code in codes]


def fingerprint(tail: str) -> str:
    """Return a short stable id of the error in `tail`, "" where there is none.

    Equal for the same kind of error at the same line of code, whatever the data's values, sizes and paths.
    """
    error = failure(tail)
    if error is None:
        return ""
    text = "\n".join([error.kind, _normal(error.message), error.function, " ".join(error.code.split())])
    return f"{error.kind}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}"


def error_line(tail: str) -> str:
    """Return the last exception in one line of at most 300 characters without host paths; "" for none."""
    error = failure(tail)
    if error is None:
        return ""
    text = f"{error.kind}: {error.message}" if error.message else error.kind
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def without_paths(text: str) -> str:
    """Shorten each absolute path in `text` to its last part."""
    text = re.sub(r"""(['"])(?:file:/*)?/[^'"\n]*/""", r"\1", text)
    text = re.sub(r"\bfile:/+", "/", text)
    return re.sub(r"""(?<![\w.:/])/(?:[^\s'"/:<>|,()]+/)+""", "", text)


def _normal(message: str) -> str:
    if DATA.search(message):
        message = re.sub(r"""'[^']*'|"[^"]*"|\[[^\]]*\]|: .*""", "*", message)
    message = re.sub(r"\{[^}]*\}", "{}", message)  # a printed set has another order in each process
    message = re.sub(r"""(['"])(?![\w.]+\1)[^'"]*\1""", "*", message)  # what is quoted and no name is data
    return re.sub(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", "N", message)
