"""`langgraph dev` opens the graph and runs it: the real server, in a child that goes nowhere but to loopback."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import forked
import pytest
import tiny
from fault_server import FaultServer

pytestmark = pytest.mark.xdist_group("langgraph_dev")  # one server for all
ROOT = Path(__file__).parents[1]
QUIET = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "1", "LANGSMITH_TRACING": "false"}
FIVE = {"planner", "coder", "executor", "evaluator", "expert"}


GUARD = """\
import os, sys

def guard(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        where = args[1] if event == "socket.connect" else args[0]
        host = where[0] if isinstance(where, tuple) else where
        if host not in (None, "", "127.0.0.1", "localhost", "::1") and not str(host).startswith("/"):
            with open(os.environ["GUARD_NOTES"], "a") as file:
                file.write(f"{host}\\n")
            raise ConnectionRefusedError(f"{host} is outside")

sys.addaudithook(guard)
"""


def guarded(folder: Path) -> dict[str, str]:
    """Return an environment in which Python goes nowhere but to loopback, and says where it wanted to."""
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(folder / "guard"), str(ROOT)])  # our code, wherever else it is installed
    return {"PYTHONPATH": path, "GUARD_NOTES": str(folder / "outside")}


def outside(folder: Path) -> list[str]:
    notes = folder / "outside"
    return notes.read_text().splitlines() if notes.exists() else []


class Client:
    """The server's HTTP API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def text(self, path: str, body=None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with self.opener.open(request, timeout=300) as answer:
            return answer.read().decode()

    def __call__(self, path: str, body=None):
        return json.loads(self.text(path, body))

    def run(self, thread: str, how: str = "wait", **more):
        body = {"assistant_id": "budgetml", "input": {}} | more
        return (self if how == "wait" else self.text)(f"/threads/{thread}/runs/{how}", body)

    def thread(self) -> str:
        return self("/threads", {})["thread_id"]


@contextmanager
def langgraph_dev(folder: Path, environment: dict[str, str]):
    """Start `langgraph dev` in `folder` on the repository's langgraph.json; it ends with the block."""
    config = json.loads((ROOT / "langgraph.json").read_text())
    config["dependencies"] = [str(ROOT / name) for name in config["dependencies"]]
    for graph in config["graphs"].values():
        graph["path"] = str(ROOT / graph["path"])
    (folder / "langgraph.json").write_text(json.dumps(config))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "langgraph_cli",
        "dev",
        "--no-browser",
        "--no-reload",
        "--port",
        str(port),
    ]
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_"))
    }
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(
            command, cwd=folder, env=inherited | environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield waited_for(Client(port), child, folder / "log")
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def waited_for(client: Client, child: subprocess.Popen, log: Path) -> Client:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and child.poll() is None:
        try:
            client("/ok")
            return client
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])


def chosen(folder: Path, url: str) -> dict[str, str]:
    return {
        "BUDGETML_TASK": str(tiny.task(folder)),
        "BUDGETML_MODELS": str(tiny.models(folder, url)),
        "BUDGETML_TURNS": "2",
        "BUDGETML_HISTORY": "off",  # with it memory alone solves the task, and no model is asked
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dev")
    with FaultServer(respond=tiny.team) as models:
        scratch = folder / "scratch"
        scratch.mkdir()
        environment = QUIET | guarded(folder) | chosen(folder, models.url) | {"TMPDIR": str(scratch)}
        with langgraph_dev(folder, environment) as client:
            yield client, folder
        assert outside(folder) == []
        # The server's own report goes past Python's sockets; without a key of LangSmith's it makes none.
        assert "skipping metadata loop" in (folder / "log").read_text()
        assert list(scratch.glob("budgetml-run-*")) == []  # each run was closed


def runs(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("runs/*/config.json"))


def test_it_is_drawn_and_described_and_that_begins_no_run(served):
    client, folder = served
    before = runs(folder)
    assistant = client("/assistants/search", {})[0]
    assert assistant["graph_id"] == "budgetml"
    graph = client(f"/assistants/{assistant['assistant_id']}/graph")
    assert {node["id"] for node in graph["nodes"]} == FIVE | {"__start__", "__end__"}
    schemas = client(f"/assistants/{assistant['assistant_id']}/schemas")
    for schema in ("input_schema", "output_schema", "state_schema"):
        assert {"task", "plan", "route"} <= schemas[schema]["properties"].keys(), schema
    assert runs(folder) == before


def test_a_run_by_its_api_is_one_of_ours(served):
    client, folder = served
    thread = client.thread()
    end = client.run(thread)
    assert end["best"]["score"] == 1.0 and end["turn"] == 2 and end["spent"] > 0
    history = client(f"/threads/{thread}/history", {"limit": 50})[::-1]
    ran = [point["next"][0] for point in history if point["next"] and point["next"] != ["__start__"]]
    assert ran[:3] == ["executor", "evaluator", "planner"] and {"planner", "coder"} <= set(ran)
    assert f"tiny-{thread}" in runs(folder)
    assert (folder / "runs" / f"tiny-{thread}" / "artifacts" / end["script"]).is_file()
    # Going back and on again stays in the thread's run: what the state names lies there.
    coder = next(point for point in history if point["next"] == ["coder"])
    before = runs(folder)
    again = client.run(thread, input=None, checkpoint_id=coder["checkpoint"]["checkpoint_id"])
    assert again["best"]["score"] == 1.0 and runs(folder) == before


def test_it_streams_node_after_node(served):
    client, folder = served
    thread = client.thread()
    told = client.run(thread, "stream", stream_mode=["updates", "tasks"])
    data = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    updates = [next(iter(item)) for item in data if isinstance(item, dict) and set(item) <= FIVE and item]
    assert updates[:3] == ["executor", "evaluator", "planner"] and "coder" in updates
    assert f"tiny-{thread}" in runs(folder)
    assert "event: error" not in told


def test_without_a_server_it_is_a_graph_to_invoke(tmp_path):
    with FaultServer(respond=tiny.team) as models:
        code = "from budgetmlagent.dev import make_graph; print(make_graph().invoke({})['best']['score'])"
        status, output = forked.run(code, tmp_path, **chosen(tmp_path, models.url))
    assert status == 0 and output.splitlines()[-1] == "1.0", output
    assert len(runs(tmp_path)) == 1


def test_the_docs_name_what_keeps_the_server_at_home():
    assert all(name in (ROOT / "docs" / "langgraph.md").read_text() for name in QUIET)


def test_the_guard_stops_and_notes_what_goes_out(tmp_path):
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    environment = os.environ | guarded(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True)
    assert done.returncode != 0 and "192.0.2.1" in outside(tmp_path)
