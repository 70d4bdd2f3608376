"""Who the studio hears: its own page with the token, on this machine; and where it writes: below its folder."""

import os

import pytest
from starlette.testclient import TestClient

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.studio import bundle, host
from budgetmlagent.studio.answers import Answers
from budgetmlagent.studio.place import Place
from graphs.files import SHIPPED

TOKEN = "the-token"
FILES = {"index.html": b"<!doctype html>", "app.js": b"", "app.css": b""}
GRAPH = "name: g\nstart: executor\nnodes:\n  executor: {run: executor}   # no model\nrules:\n  executor:\n    - {to: END}\n"


@pytest.fixture
def client(tmp_path):
    (tmp_path / "work").mkdir()
    place = Place((tmp_path / "work").resolve(), (tmp_path / "work" / "runs").resolve())
    app = host.application(Answers(place), TOKEN, FILES)
    return TestClient(app, base_url="http://127.0.0.1:8123", headers={"x-studio-token": TOKEN})


def ask(client, name, **body):
    reply = client.post(f"/api/{name}", json=body)
    return reply.status_code, reply.json()


def test_the_page_is_served_to_all_and_bound_by_headers(client):
    for path in host.FILES:
        reply = client.get(path, headers={"x-studio-token": ""})
        assert reply.status_code == 200
        csp = reply.headers["content-security-policy"]
        assert "default-src 'none'" in csp and "unsafe" not in csp and "frame-ancestors 'none'" in csp
        assert reply.headers["cache-control"] == "no-store" and "set-cookie" not in reply.headers
    assert client.get("/../pyproject.toml").status_code == 404


@pytest.mark.parametrize("token", ["", "another", TOKEN + "x", TOKEN[:-1], "töken".encode()])
def test_without_the_token_nothing_is_answered(client, token):
    for reply in (
        client.post("/api/runs", json={}, headers={"x-studio-token": token}),
        client.get("/api/changes?wait=0", headers={"x-studio-token": token}),
        client.post("/api/runs", json={}, params={"token": TOKEN}, headers={"x-studio-token": token}),
        client.post(
            "/api/runs", json={}, headers={"x-studio-token": token, "cookie": f"x-studio-token={TOKEN}"}
        ),
    ):
        assert reply.status_code == 401 and "token" in reply.json()["error"]
    assert ask(client, "runs") == (200, {"runs": []})


FOREIGN = ["evil.example", "evil.example:8123", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1@evil.example"]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_host_is_refused_for_the_page_too(client, name):
    for path in ("/", "/api/changes?wait=0"):
        assert client.get(path, headers={"host": name}).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1:8123", "http://localhost:8123"],
)
def test_a_foreign_origin_is_refused_with_the_token_too(client, origin):
    assert client.post("/api/runs", json={}, headers={"origin": origin}).status_code == 403
    assert client.post("/api/runs", json={}, headers={"origin": "http://127.0.0.1:8123"}).status_code == 200


def test_a_preflight_and_a_form_are_refused(client):
    asks = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for headers in (asks, {"access-control-request-headers": "x-studio-token"}):
        reply = client.options("/api/start", headers=headers)
        assert reply.status_code == 403 and not any("access-control" in name for name in reply.headers)
    assert client.post("/api/runs", content="{}", headers={"content-type": "text/plain"}).status_code == 403
    assert client.post("/api/runs", data={"a": "b"}).status_code == 403
    for site in ("cross-site", "same-site"):
        assert client.post("/api/runs", json={}, headers={"sec-fetch-site": site}).status_code == 403


def test_a_request_that_is_too_long_or_of_no_length_is_refused(client):
    assert (
        client.post(
            "/api/runs", content=b" " * (7 << 20), headers={"content-type": "application/json"}
        ).status_code
        == 413
    )

    def endless():
        yield b"{}"

    assert (
        client.post("/api/runs", content=endless(), headers={"content-type": "application/json"}).status_code
        == 413
    )


@pytest.mark.parametrize(
    "name, body, says",
    [
        ("nothing", {}, "no request"),
        ("run", {}, "run: run: field required"),
        ("run", {"run": "x", "more": 1}, "extra inputs"),
        ("run", {"run": "../x"}, "no run's id"),
        ("run", {"run": "a/b"}, "no run's id"),
        ("run", {"run": "x"}, "unknown run"),
        ("drive", {"run": "x", "action": "extend", "budget": "1,5"}, "'1,5'"),
        ("drive", {"run": "x", "action": "burn"}, "action"),
        ("graph", {"graph": "/etc/passwd"}, "ends in .yaml"),
        ("graph", {"graph": "gone.yaml"}, "No such file"),
        ("graph", {"graph": "\0.yaml"}, "no path"),
        ("prompt", {"prompt": "../../../etc/x.md"}, "lies outside"),
        ("start", {"task": "nowhere", "budget": "1,5"}, "budget"),
        ("price", {"start": {"task": "nowhere"}}, "nowhere"),
    ],
)
def test_bad_input_gets_one_line(client, name, body, says):
    status, reply = ask(client, name, **body)
    assert status in (400, 404) and says in reply["error"] and "\n" not in reply["error"], reply


def test_what_is_no_json_gets_one_line(client):
    for content in (b"{", b"[]", b"\xff", b"1", b"{" * 100_000):
        reply = client.post("/api/runs", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 400 and "\n" not in reply.json()["error"]


def test_it_saves_below_its_folder_alone(client, tmp_path):
    work, other = tmp_path / "work", tmp_path / "other"
    other.mkdir()
    (work / "link").symlink_to(other)
    (work / "linked.yaml").symlink_to(other / "linked.yaml")
    outside = [
        "../x.yaml",
        "/tmp/x.yaml",
        "link/x.yaml",
        "linked.yaml",
        "a/../../x.yaml",
        str(SHIPPED / "budgetml.yaml"),
    ]
    for path in [*outside, "runs/r/graph.yaml", "x.py", "x", ".yaml/../x.sh"]:
        status, reply = ask(client, "save", path=path, text=GRAPH)
        assert status == 400, path
        assert "\n" not in reply["error"]
    assert not list(other.iterdir()) and not list(tmp_path.glob("*.yaml")) and not (work / "runs").exists()
    assert ask(client, "save", path="deep/x.yaml", text=GRAPH)[0] == 200
    assert (work / "deep" / "x.yaml").read_text() == GRAPH


def test_shipped_graphs_are_read_only_in_their_own_folder_too(tmp_path):
    place = Place(SHIPPED.parent.resolve(), (tmp_path / "runs").resolve())
    before = (SHIPPED / "paper.yaml").read_text()
    with pytest.raises(UsageError, match="not to be changed here"):
        place.write(SHIPPED / "paper.yaml", GRAPH, "")
    assert (SHIPPED / "paper.yaml").read_text() == before


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(client, tmp_path):
    file = tmp_path / "work" / "g.yaml"
    status, saved = ask(client, "save", path="g.yaml", text=GRAPH)
    file.write_text(GRAPH.replace("no model", "none"))
    status, reply = ask(
        client, "save", path="g.yaml", text=GRAPH.replace("name: g", "name: h"), hash=saved["hash"]
    )
    assert status == 409 and "changed on disk" in reply["error"]
    assert "+name: h" in reply["diff"] and "none" in file.read_text()
    status, reply = ask(client, "save", path="g.yaml", text=GRAPH)
    assert status == 409 and "is there already" in reply["error"]
    file.unlink()
    status, reply = ask(client, "save", path="g.yaml", text=GRAPH, hash=saved["hash"])
    assert status == 409 and "is gone" in reply["error"]
    status, reply = ask(client, "save", path="g.yaml", text="name: [", hash="")
    assert status == 400 and "not YAML" in reply["error"] and not file.exists()


def test_a_graph_that_is_no_yaml_is_told_with_line_and_column(client, tmp_path):
    (tmp_path / "work" / "g.yaml").write_text("name: g\n  start: [\n")
    status, reply = ask(client, "graph", graph="g.yaml")
    assert status == 200 and reply["view"] is None
    assert reply["findings"][0]["line"] == 2 and reply["findings"][0]["kind"] == "yaml"


def test_a_pipe_and_a_large_file_are_refused(client, tmp_path):
    work = tmp_path / "work"
    os.mkfifo(work / "pipe.yaml")
    (work / "large.yaml").write_text("#" * (2 << 20))
    for name in ("pipe.yaml", "large.yaml"):
        status, reply = ask(client, "graph", graph=name)
        assert status == 400 and name in reply["error"]


def test_a_missing_page_and_a_taken_port_are_one_line(tmp_path, monkeypatch, capsys):
    with pytest.raises(UnavailableError, match=r"app\.js is missing.*make ui"):
        (tmp_path / "index.html").write_text("")
        bundle.bundle(tmp_path)
    with host.bound(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}: cannot be used: Address already in use"):
            host.bound(port)
    with pytest.raises(UsageError, match="0 to 65535"):
        host.bound(99999)


def test_the_folder_of_layouts_is_beside_the_graph(client, tmp_path):
    work = tmp_path / "work"
    (work / "g.yaml").write_text(GRAPH)
    assert ask(client, "layout", graph="g.yaml", positions={"executor": [1, 2.5]}) == (200, {"kept": True})
    assert (work / "g.layout.json").is_file() and (work / "g.yaml").read_text() == GRAPH
    assert ask(client, "graph", graph="g.yaml")[1]["view"]["positions"] == {"executor": [1.0, 2.5]}
    assert ask(client, "layout", graph="budgetml", positions={})[1] == {"kept": False}
    (work / "g.layout.json").write_text('{"positions": {"executor": "here"}}')
    assert ask(client, "graph", graph="g.yaml")[1]["view"]["positions"] == {}


def test_other_commands_do_not_wait_for_the_studio():
    import subprocess
    import sys

    code = "import sys, budgetmlagent.cli.app; print([m for m in ('starlette', 'uvicorn', 'budgetmlagent.studio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert call(["studio", "--help"]) == 0
    assert bundle.STATIC.name == "static"
