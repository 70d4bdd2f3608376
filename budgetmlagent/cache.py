"""Where is kept what can be fetched or made again: weights of models, indexes of libraries."""

import os
from pathlib import Path


def cache() -> Path:
    """Return the folder: BUDGETML_CACHE, else the system's place for caches, ~/.cache/budgetmlagent on Linux."""
    if own := os.environ.get("BUDGETML_CACHE"):
        return Path(own).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("budgetmlagent")
