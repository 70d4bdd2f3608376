"""The environment of programs that are started outside the sandbox: what they need of the person's, and none of the keys."""

import os

# Where programs, libraries and homes lie, and how text is read; names alone, as no pattern tells what is a key.
NEEDED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "PYTHONPATH", "PYTHONUTF8", "VIRTUAL_ENV", "BUDGETML_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
})  # fmt: skip


def keyless(*more: str) -> dict[str, str]:
    """Return those variables that are set of the `NEEDED` ones, and of those named in `more`."""
    return {name: os.environ[name] for name in (*NEEDED, *more) if name in os.environ}
