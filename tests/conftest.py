"""What holds for every test: what one learns of an endpoint, no other and no person's cache gets to know; examples repeat.

`make test` tries the same examples each time, so that it fails by a change alone; `make soak` looks for new ones.
"""

import gc
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from budgetmlagent.cache import cache

settings.register_profile("repeated", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("repeated")

gc.set_threshold(50_000)  # as a command does: what modules define is no garbage

LEARNED = ("endpoints", "profiles", "shown")  # folders of the cache: what one learned of models
OWN = (*LEARNED, "briefings")


def pytest_collection_finish() -> None:
    """Leave all that is loaded by now out of each later collection of garbage: some tests ask for dozens, a quarter of a second each."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the test session's own, with the person's weights and indexes in it, which are the same for all."""
    folder = tmp_path_factory.mktemp("cache")
    (cache() / "models").mkdir(parents=True, exist_ok=True)
    for kept in cache().iterdir():
        if kept.name not in OWN:
            (folder / kept.name).symlink_to(kept)
    before = os.environ.get("BUDGETML_CACHE")
    os.environ["BUDGETML_CACHE"] = str(folder)
    yield folder
    os.environ.pop("BUDGETML_CACHE") if before is None else os.environ.update(BUDGETML_CACHE=before)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let this process be interrupted: a shell starts its jobs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def nothing_learned(own_cache: Path) -> None:
    """Begin each test with endpoints and models that nothing is known of."""
    for name in LEARNED:
        shutil.rmtree(own_cache / name, ignore_errors=True)
