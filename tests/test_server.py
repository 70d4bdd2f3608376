"""The embedded server: it serves what an OpenAI client asks for, on loopback, and never outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from budgetmlagent.errors import UnavailableError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.embedded.lent import LENT, Borrowed, Lender, borrowed
from budgetmlagent.models.embedded.server import EmbeddedServer, server_for
from budgetmlagent.models.embedded.weights import verify

SMALL = "qwen2.5-coder-0.5b-instruct"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """The small model, loaded once, by a thread that has ended since."""
    server = EmbeddedServer(verify(SMALL), "small", context=2048)
    starter = threading.Thread(target=lambda: server.base_url)
    starter.start()
    starter.join()
    yield server
    server.close()


def chat(server: EmbeddedServer | Borrowed, text: str, key: str | None = None, **more: Any) -> Any:
    """One request; the front of the prompt is always the same."""
    front = "You are a careful assistant who answers in few words. " * 8
    messages = [{"role": "system", "content": front}, {"role": "user", "content": text}]
    request = urllib.request.Request(
        f"{server.base_url}/chat/completions",
        json.dumps({"model": "small", "messages": messages, "max_tokens": 8, **more}).encode(),
        {"Authorization": f"Bearer {key or server.api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


def said(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


def ends(pid: int, seconds: float) -> bool:
    """Whether the process ends within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_file_that_is_no_model_is_refused_quietly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.gguf"
    path.write_text("<html>")
    server = EmbeddedServer(path, "small")
    with pytest.raises(UnavailableError, match=r"page\.gguf does not start: .*expected 'GGUF'") as refused:
        _ = server.base_url
    assert refused.value.status == 3
    assert "\n" not in str(refused.value)
    assert server.pid is None
    assert capfd.readouterr() == ("", "")


def test_one_server_for_a_file(tmp_path: Path) -> None:
    one = server_for(tmp_path / "a.gguf", "small")
    assert server_for(tmp_path / "x" / ".." / "a.gguf", "other") is one
    assert server_for(tmp_path / "b.gguf", "small") is not one
    assert one.pid is None, "nothing starts before it is needed"


@pytest.mark.live
@pytest.mark.xdist_group("embedded")
class TestLive:
    """With the small model, one server."""

    def test_it_keeps_strangers_out(self, server: EmbeddedServer) -> None:
        assert server.base_url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            chat(server, "Say A.", key="another")
        refused.value.close()

    def test_a_repeated_front_comes_from_the_cache(self, server: EmbeddedServer) -> None:
        chat(server, "Say A.", max_tokens=2)
        usage = chat(server, "Say B.", max_tokens=2)["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] > 0.8 * usage["prompt_tokens"]

    def test_the_parameters_are_honoured(self, server: EmbeddedServer) -> None:
        ask = "Write one odd sentence about the sea."
        # From here on the prompt is cached: how much of it is changes the rounding, and so the words.
        chat(server, ask, max_tokens=1)
        hot = [said(chat(server, ask, seed=seed, temperature=1.5)) for seed in (1, 1, 2)]
        assert hot[0] == hot[1] != hot[2]
        cold = [said(chat(server, ask, seed=seed, temperature=0)) for seed in (1, 2)]
        assert cold[0] == cold[1]
        short = chat(server, ask, max_tokens=3)
        assert short["usage"]["completion_tokens"] == 3
        assert short["choices"][0]["finish_reason"] == "length"

    def test_a_schema_is_enforced(self, server: EmbeddedServer) -> None:
        schema = {
            "type": "object",
            "properties": {"action": {"enum": ["sail", "swim"]}, "why": {"type": "string", "maxLength": 20}},
            "required": ["action", "why"],
            "additionalProperties": False,
        }
        form = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": schema}}
        plan = json.loads(
            said(chat(server, "Tell a tale.", temperature=1.0, max_tokens=48, response_format=form))
        )
        assert set(plan) == {"action", "why"}
        assert plan["action"] in ("sail", "swim")
        assert len(plan["why"]) <= 20

    def test_it_outlives_its_thread_and_is_replaced_when_it_dies(self, server: EmbeddedServer) -> None:
        first = server.pid
        assert first is not None
        assert said(chat(server, "Say A.", max_tokens=2))
        assert server.pid == first
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while server.pid is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert said(chat(server, "Say A.", max_tokens=2))
        assert server.pid not in (None, first)


@pytest.mark.live
@pytest.mark.xdist_group("embedded")
@pytest.mark.parametrize("how", ["killed", "ended"])
def test_the_child_never_outlives_its_parent(how: str) -> None:
    code = (
        "import sys; from pathlib import Path; from budgetmlagent.models.embedded.server import server_for\n"
        f"server = server_for(Path({str(verify(SMALL))!r}), 'small', 512)\n"
        "server.base_url; sys.stdout.write(f'{server.pid}\\n'); sys.stdout.flush()\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        if how == "killed":
            parent.kill()
        else:
            parent.stdin.close()
        assert ends(child, 60)


def test_other_processes_find_a_lent_server_and_the_one_that_takes_its_place(tmp_path, monkeypatch):
    file = tmp_path / "served.json"
    spec = ModelSpec(name="small", base_url="embedded", model=SMALL, price=0, context=2048)
    path = verify(SMALL)
    assert borrowed(path) is None
    monkeypatch.setenv(LENT, str(file))
    with Lender(file, [spec], slots=2) as lender:
        found = borrowed(path)
        assert found and file.stat().st_mode & 0o077 == 0
        answers = [said(chat(found, "Say yes.", temperature=0)) for _ in range(2)]  # in either slot
        (server,) = lender._servers.values()
        os.kill(server.pid, signal.SIGKILL)
        old, until = found.base_url, time.monotonic() + 120
        while found.base_url == old and time.monotonic() < until:
            time.sleep(0.1)
        assert said(chat(found, "Say yes.", temperature=0)) == answers[0] == answers[1]
        pid = server.pid
    assert ends(pid, 60) and not file.exists()
    with pytest.raises(UnavailableError, match="has ended"):
        _ = found.base_url
