"""`budgetml.toml`, beside the runs' folder: a project's settings. So far there is one, `memory`, and a variable that wins over it.

memory = "http://127.0.0.1:8000"     a Chroma server for what several machines learn; without it a folder beside the runs
"""

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from budgetmlagent.errors import UsageError
from memory.files import read_plain
from memory.merge import SHARED
from memory.server import address
from memory.shared import Place

NAME = "budgetml.toml"
VARIABLE = "BUDGETML_MEMORY"
MOST = 1 << 20  # bytes of the file


def shared_memory(runs_dir: Path) -> Place:
    """Return where the runs of a folder share their memory. Raises UsageError for a setting that is none."""
    path = runs_dir.absolute().parent / NAME
    chosen = os.environ.get(VARIABLE) or _read(path)
    if not chosen:
        return Place(runs_dir / SHARED)
    try:
        address(chosen)
    except ValueError as error:
        where = f"${VARIABLE}" if os.environ.get(VARIABLE) else f"{path}: memory"
        raise UsageError(f"{where}: {error}, or leave it out for the folder {runs_dir / SHARED}") from None
    return Place(runs_dir / SHARED, chosen)


def memory_hosts(runs_dir: Path) -> list[str]:
    """Return the host, with its port, that the runs of a folder send to what they learn; none where it stays beside them."""
    server = shared_memory(runs_dir).server
    return [urlsplit(server).netloc] if server else []


def _read(path: Path) -> str:
    """Return the file's `memory`, "" where there is neither."""
    try:
        values = tomllib.loads(read_plain(path, MOST).decode("utf-8"))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no TOML ({' '.join(str(error).split())[:200]})") from None
    if unknown := sorted(values.keys() - {"memory"}):
        raise UsageError(f"{path}: there is no setting {unknown[0]!r}; the only one is memory")
    if not isinstance(values.get("memory", ""), str):
        raise UsageError(f"{path}: memory: a text is needed, such as http://127.0.0.1:8000")
    return str(values.get("memory", ""))
