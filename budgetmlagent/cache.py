"""Where is kept what can be fetched or made again, as weights and indexes; and what a person has decided on this machine."""

import os
from pathlib import Path


def cache() -> Path:
    """Return the folder: BUDGETML_CACHE, else the system's place for caches, ~/.cache/budgetmlagent on Linux."""
    if own := _own():
        return own
    from platformdirs import user_cache_path

    return user_cache_path("budgetmlagent")


def state() -> Path:
    """Return the folder of what is this person's alone: BUDGETML_CACHE, else ~/.local/state/budgetmlagent on Linux.

    It is no cache: without it runs that were begun here are not known any more, and programs are asked for again.
    """
    if own := _own():
        return own
    from platformdirs import user_state_path

    return user_state_path("budgetmlagent")


def _own() -> Path | None:
    given = os.environ.get("BUDGETML_CACHE")
    return Path(given).expanduser() if given else None
