"""What the tests in a real browser share: the browser, a JupyterLab, a studio with a replayed run, a paid one, a graph of one's own."""

import labs
import pytest
import tiny
from chromium import chromium
from fault_server import FaultServer
from studio_page import GRAPH, RECORDINGS, Looked, studio

from budgetmlagent import Session


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A studio's address and folder, with a replayed run, a paid one, and one that waits for a word."""
    folder = tmp_path_factory.mktemp("studio")
    runs = folder / "runs"
    with FaultServer(respond=tiny.team) as server:
        replayed = Session(
            "digits", models=f"replay:{RECORDINGS / 'digits'}", budget=0.25, turns=8, runs_dir=runs
        )
        replayed.run()
        paid = tiny.session(folder, server.url, budget=1.0, turns=2)
        paid.run()
        (folder / "own.yaml").write_text(GRAPH)
        with studio(folder) as address:
            yield (
                {"address": address, "folder": folder, "replayed": replayed.run_id, "paid": paid.run_id},
                server,
            )


@pytest.fixture(scope="session")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with labs.started(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture
def looked(world, browser):
    """Open a place in the page; at the end all that was opened has to be clean."""
    opened = []

    def look(*path, dark=False):
        opened.append(Looked(browser, world[0]["address"], *path, dark=dark))
        return opened[-1]

    yield look
    for each in opened:
        each.clean()
