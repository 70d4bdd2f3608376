"""A runs folder with a recorded run of two turns, which stands after its second plan, and a fork of it by hand."""

import shutil
from pathlib import Path

import pytest
from two_runs import INSTRUCTION, begin, opened

from budgetmlagent import Session


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it was made, once for all tests; nobody changes it."""
    folder = tmp_path_factory.mktemp("side") / "runs"
    session = begin(folder)
    session.run(until=lambda event: event.node == "planner" and event.turn == 2)
    session.fork(plan={"instruction": INSTRUCTION})
    return folder


@pytest.fixture(scope="module")
def folder(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it."""
    return shutil.copytree(made, tmp_path_factory.mktemp("copy") / "runs")


@pytest.fixture
def session(folder: Path) -> Session:
    return next(run for run in opened(folder) if not run.config.fork)


@pytest.fixture
def fork(folder: Path) -> Session:
    return next(run for run in opened(folder) if run.state.plan.get("instruction") == INSTRUCTION)
