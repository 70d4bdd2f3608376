"""Replay: a recorded run gives the same replies, faults and sums, and whatever it does not hold fails loudly."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, Turn

from budgetmlagent.errors import RunFailedError, UsageError
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.replay import ReplayModels
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.run.replay import RecordedSandbox, Recording
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here, Models, Reply

WORST = 1_000_000  # nano-dollars; more than any call here may cost


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def ledger(path: Path, cap: int = NANO) -> Ledger:
    book = Ledger(path)
    book.open_run("r", cap)
    return book


def here(step: int, model: str = "small") -> Here:
    return Here(node="coder", model=model, step=step, call=f"task-{step}")


def test_a_script_that_ran_twice_takes_at_each_step_what_it_took_there(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "artifacts")
    record = {
        "script": artifacts.put("print(1)"),
        "exit": 0,
        "output": artifacts.put("1"),
        "files": {},
        "tail": "1",
    }
    ran = {step: artifacts.put_json(record | {"seconds": seconds}) for step, seconds in ((2, 1.5), (6, 9.0))}
    none = {"prompt": None, "reply": None, "usd": 0.0, "node": "executor"}
    events = [json.dumps({"step": step, "execution": name} | none) for step, name in ran.items()]
    (tmp_path / "events.jsonl").write_text("\n".join(events) + "\n")
    sandbox = RecordedSandbox(Recording(tmp_path), Artifacts(tmp_path / "mine"))
    assert [sandbox.run(here(step), "print(1)").seconds for step in (2, 6, 9)] == [1.5, 9.0, 9.0]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def drive(models: Models, asks: list[str]) -> list[tuple[Reply, int]]:
    """Ask one thing a step; return each reply with what was spent after it."""
    return [
        (models.ask(here(step), said(ask), max_tokens=64), models.spent())
        for step, ask in enumerate(asks, start=1)
    ]


def record(folder: Path, server: FaultServer, asks: list[str], cap: int = NANO) -> list[tuple[Reply, int]]:
    """Make a run's folder as a session does: artifacts, and a line a step from the ledger's calls."""
    spec = ModelSpec(name="small", base_url=server.url, model="any-name", price={"input": 1, "output": 10})  # type: ignore[arg-type]
    book = ledger(folder / "ledger.sqlite", cap)
    models = ModelClient({"small": spec}, Account(book, "r"), Artifacts(folder / "artifacts"))
    results = drive(models, asks)
    made = {entry.step: entry for entry in book.calls("r")}
    lines = []
    for step, (reply, _) in enumerate(results, start=1):
        entry = made.get(step)
        usage = {key: getattr(entry, key, 0) for key in ("tokens_in", "tokens_out", "cached")}
        line: dict[str, Any] = {
            "step": step,
            "node": "coder",
            "model": None,
            "usd": 0,
            "prompt": None,
            "reply": None,
        }
        if entry:
            line |= {
                "model": "small",
                "usd": entry.nano / NANO,
                "prompt": entry.prompt,
                "reply": entry.reply or None,
            }
        lines.append(line | usage | {"fault": reply.as_fault() if reply.fault else {}})
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return results


def replay(folder: Path, cap: int = NANO) -> ReplayModels:
    other = folder.parent / "replayed"
    return ReplayModels(
        folder, Account(ledger(other / "ledger.sqlite", cap), "r"), Artifacts(other / "artifacts")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recorded"


def test_replies_faults_and_sums_are_those_of_the_recording(folder: Path, server: FaultServer) -> None:
    server.script = [
        Turn("one"),
        Turn("two", cached=1),
        Turn("abcd" * 90, fault="length"),
        Turn(fault="429", retry_after="0"),
        Turn(fault="500", retry_after="0"),
        Turn("", fault="no_usage"),
        Turn("same prompt, other reply"),
    ]
    recorded = record(folder, server, ["a", "b", "c", "d", "e", "f", "a", "a"])
    sent = len(server.requests)
    models = replay(folder)
    assert drive(models, ["a", "b", "c", "d", "e", "f", "a", "a"]) == recorded
    assert [reply.fault for reply, _ in recorded] == ["", "", "truncated", "busy", "busy", "", "", ""]
    assert {
        models.artifacts.text(entry.reply) for entry in models.account.ledger.calls("r") if entry.reply
    } >= {
        "one",
        "two",
    }
    assert [entry.tokens_in for entry in models.account.ledger.calls("r")][:3] == [1, 1, 1]
    assert len(server.requests) == sent


def test_a_refusal_and_an_unreachable_provider_are_replayed_too(folder: Path, server: FaultServer) -> None:
    server.script = [Turn("dear", tokens_in=10_000), Turn("last")]
    recorded = record(folder, server, ["a", "b"], cap=1_500_000)
    assert [reply.fault for reply, _ in recorded] == ["", "refused"]
    assert drive(replay(folder, cap=2 * 10_000_000), ["a", "b"]) == recorded


def test_a_repeated_step_is_not_a_second_occurrence(folder: Path, server: FaultServer) -> None:
    server.script = [Turn("one"), Turn("two")]
    record(folder, server, ["a", "a"])
    models = replay(folder)
    for _ in range(2):
        assert models.ask(here(1), said("a"), max_tokens=64).text == "one"
    models = replay(folder)  # and a new process goes on where the old one was
    assert models.ask(here(2), said("a"), max_tokens=64).text == "two"
    with pytest.raises(RunFailedError):
        models.ask(here(3), said("a"), max_tokens=64)


@pytest.mark.parametrize(
    ("at", "change"),
    [
        (here(1), {"messages": said("another")}),
        (here(1), {"max_tokens": 65}),
        (here(1), {"temperature": 0.9}),
        (here(1), {"schema": {"type": "object"}}),
        (here(1, model="large"), {}),
    ],
)
def test_a_changed_request_is_a_miss_that_says_where(
    folder: Path, server: FaultServer, at: Here, change: dict[str, Any]
) -> None:
    record(folder, server, ["a"])
    with pytest.raises(
        RunFailedError, match=r"step 1, node 'coder', model '(small|large)': the prompt differs"
    ):
        replay(folder).ask(at, **({"messages": said("a"), "max_tokens": 64} | change))


@pytest.mark.parametrize("which", ["prompt", "reply"])
def test_a_changed_or_missing_artifact_is_one_clear_line(
    folder: Path, server: FaultServer, which: str
) -> None:
    record(folder, server, ["a"])
    path = folder / "artifacts" / json.loads((folder / "events.jsonl").read_text())[which]
    path.write_text("something else")
    with pytest.raises(RunFailedError, match=r"replay: artifact .* was changed"):
        replay(folder).ask(here(1), said("a"), max_tokens=64)
    path.unlink()
    with pytest.raises(RunFailedError, match=r"replay: artifact .*: No such file"):
        replay(folder).ask(here(1), said("a"), max_tokens=64)


def test_a_smaller_budget_refuses_what_the_recording_paid(folder: Path, server: FaultServer) -> None:
    server.script = [Turn("dear", tokens_in=10_000)]
    record(folder, server, ["a"])
    reply = replay(folder, cap=WORST).ask(here(1), said("a"), max_tokens=64)
    assert (reply.fault, reply.text) == ("refused", "")


def test_a_folder_without_a_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"events.jsonl cannot be read"):
        replay(tmp_path / "nothing")
    (tmp_path / "events.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(UsageError, match=r"events.jsonl:1: this is no event"):
        replay(tmp_path)
