"""What leaves a run: the export for somebody without the program, and the traces for a collector. One real, hostile run."""

import csv
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from recorded import REPLAY, SHORT, again

from budgetmlagent.cli import call
from graphs.drawing import picture

KEY = "sk-very-secret-7f3a91"
HOSTILE = (
    "<script>alert(1)</script><img src=http://evil.test/x onerror=alert(1)></pre></details>\"'&\x00\x1b[2J"
)


def team(body: dict) -> Turn:
    """The usual team, whose plans and scripts carry markup."""
    turn = tiny.team(body)
    if "response_format" in body:
        plan = json.loads(turn.text) | {"instruction": f"use the sign {HOSTILE}"}
        return Turn(json.dumps(plan), tokens_in=100, tokens_out=20, model=f"small-7b-2026 {KEY}")
    return Turn(
        turn.text.replace("Here it is:", f"Here it is: {HOSTILE}"), tokens_in=200, tokens_out=90, cached=50
    )


class Collector:
    """A collector on the loopback: keeps the spans that it is sent, and says `status`."""

    def __init__(self, status: int = 200) -> None:
        self.spans, collector = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = ExportTraceServiceRequest.FromString(body)
                collector.spans += [
                    s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans
                ]
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def attributes(span) -> dict:
    def plain(value):
        kind = value.WhichOneof("value")
        return [plain(v) for v in value.array_value.values] if kind == "array_value" else getattr(value, kind)

    return {a.key: plain(a.value) for a in span.attributes}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run with hostile replies, a key and traces: its folder, and the spans that the collector got."""
    folder, collector = tmp_path_factory.mktemp("export"), Collector()
    with pytest.MonkeyPatch.context() as patch, FaultServer(respond=team) as server:
        patch.setenv("TINY_KEY", KEY)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", raising=False)
        models = tiny.models(folder, server.url)
        models.write_text(models.read_text().replace("model: small-7b,", "model: small-7b, key: TINY_KEY,"))
        order = ["run", str(tiny.task(folder)), "--models", str(models), "--turns", "1", "--history", "off"]
        assert call([*order, "--runs-dir", str(folder / "runs"), "--otel"]) == 0
    collector.close()
    return next((folder / "runs").glob("tiny-*")), collector.spans


def export(run: Path, out: Path) -> Path:
    assert call(["export", str(run), "--out", str(out)]) == 0
    return out


class Page(HTMLParser):
    """Keeps what a page would do: its elements, its attributes, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_does_nothing_that_a_reply_says(done, tmp_path, capsys):
    text = (export(done[0], tmp_path / "out") / "index.html").read_text()
    page = Page(text)
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "link", "form", "base"}
    assert not [a for a in page.attributes if a[1].startswith("on") or a[1] in ("src", "srcset", "action")]
    told = "".join(page.text)
    assert "<script>alert(1)</script>" in told and "\x00" not in text and "\x1b" not in text
    assert "default-src 'none'" in text
    assert "prompts, scripts and outputs may quote the task's data" in capsys.readouterr().err


def test_the_page_says_what_the_run_did(done, tmp_path):
    out = export(done[0], tmp_path / "out")
    told = "".join(Page((out / "index.html").read_text()).text)
    summary = json.loads((out / "run.json").read_text())
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert "Tell whether x is positive." in told and f"{summary['gain_pct']:+.1f}%" in told
    assert all(event["route"]["rule"] in told for event in events)
    assert "In order: of" in told and "small-7b" in told
    asked = [event for event in events if event["prompt"]]
    assert asked
    for event in asked:
        said = (out / "replies" / f"{event['step']:03d}-{event['node']}.txt").read_text()
        assert said and said.replace("\x00", r"\x00").replace("\x1b", r"\x1b") in told
    assert (out / "best" / "train.py").read_bytes() == (done[0] / "best" / "train.py").read_bytes()
    with (out / "money.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    nano = sum(round(float(line["usd"]) * 1e9) for line in lines)
    assert nano == round(summary["usd"] * 1e9) > 0 and f"${nano // 10**9}.{nano % 10**9:09d}" in told


def test_every_file_has_its_hash_and_none_a_key_or_a_path_of_this_machine(done, tmp_path):
    out = export(done[0], tmp_path / "out")
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert not [name for name, content in files.items() if KEY.encode() in content]
    assert str(done[0]).encode() not in files["run.json"] + files["index.html"] + files["README.md"]


def test_twice_gives_the_same_bytes(done, tmp_path):
    first = export(done[0], tmp_path / "a.zip").read_bytes()
    picture._drawn.cache_clear()  # a picture is drawn by chance unless that is seeded
    assert export(done[0], tmp_path / "b.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert all(name.startswith(f"{done[0].name}/") for name in archive.namelist())


def test_a_folder_that_is_not_empty_is_left_alone(done, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert call(["export", str(done[0]), "--out", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == [
        "mine.txt"
    ]


# Traces.


def test_the_traces_are_the_run_its_steps_and_its_requests(done):
    run, spans = done
    summary = json.loads((run / "run.json").read_text())
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    (root,) = [s for s in spans if not s.parent_span_id]
    steps = [s for s in spans if s.parent_span_id == root.span_id]
    chats = [s for s in spans if s.parent_span_id in {step.span_id for step in steps}]
    assert len(spans) == 1 + len(steps) + len(chats) and len({s.trace_id for s in spans}) == 1
    assert (
        attributes(root)["budgetml.usd"] == summary["usd"]
        and attributes(root)["budgetml.status"] == "finished"
    )
    assert [s.name for s in steps] == [f"invoke_agent {event['node']}" for event in events]
    assert [attributes(s)["budgetml.rule"] for s in steps] == [event["route"]["rule"] for event in events]
    assert len(chats) == summary["calls"] > 0
    told = [attributes(s) for s in chats]
    assert sum(a["budgetml.usd"] for a in told) == pytest.approx(summary["usd"])
    assert sum(a["gen_ai.usage.input_tokens"] for a in told) == summary["tokens_in"]
    for span, a in zip(chats, told, strict=True):
        assert (
            span.name == f"chat {a['gen_ai.request.model']}"
            and span.end_time_unix_nano >= span.start_time_unix_nano
        )
        assert a["gen_ai.operation.name"] == "chat" and a["gen_ai.response.finish_reasons"] == ["stop"]
        assert a["gen_ai.provider.name"] == "127.0.0.1"
    assert {a["gen_ai.response.model"] for a in told} == {"small-7b", "small-7b-2026 ***"}
    assert KEY.encode() not in b"".join(span.SerializeToString() for span in spans)
    assert not [a for s in spans for a in attributes(s) if a.endswith(".messages")]


@pytest.mark.parametrize("status", [200, 400])
def test_prompts_only_where_asked_for_and_a_refusing_collector_is_one_line(
    tmp_path, monkeypatch, capsys, status
):
    collector = Collector(status)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    assert call([*REPLAY, "--history", "run", "--runs-dir", str(tmp_path), "--otel"]) == 0
    collector.close()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("budgetml:")]
    assert len(lines) == (status != 200)
    said = [
        attributes(s).get("gen_ai.output.messages") for s in collector.spans if s.name.startswith("chat ")
    ]
    assert said and all(json.loads(text)[0]["parts"][0]["content"] for text in said)


def test_an_unreachable_collector_harms_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert call([*again(SHORT), "--history", "run", "--runs-dir", str(tmp_path), "--otel"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("budgetml:")]
    assert len(lines) == 1 and "http://127.0.0.1:9 does not take the traces" in lines[0]


def test_without_the_extra_it_is_a_clear_line(tmp_path):
    """The library is hidden from a process of its own."""
    code = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http'] = None\n"
        "from budgetmlagent.cli import call; sys.exit(call(sys.argv[1:]))"
    )
    order = [sys.executable, "-c", code, *again(SHORT), "--runs-dir", str(tmp_path / "runs"), "--otel"]
    done = subprocess.run(
        order, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"}
    )
    assert done.returncode == 2 and "pip install 'budgetmlagent[otel]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "runs").exists()
