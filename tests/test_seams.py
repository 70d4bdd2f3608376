"""A run survives SIGKILL at every seam and at any moment: nothing is lost, paid twice, or other than undisturbed."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import killed
import pytest
import tiny
from fault_server import FaultServer
from test_detached import eventually, left

from budgetmlagent import Session
from budgetmlagent.records.events import Event
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.scratch import end_orphans
from budgetmlagent.upkeep.doctor import of_run
from memory.artifacts import Artifacts
from memory.state import NANO
from memory.store import Store

RATES = {"small-7b": (1, 2), "large-14b": (10, 30)}  # micro-dollars a token
OPEN = ("reserved", "sent", "reply stored")  # where a kill leaves a call of unknown outcome
# Every seam in an order in which one run passes them; of those that are passed at once, the second time.
IN_TURN = (
    "checkpoint", "writes", "reserved", "sent", "reply stored", "settled", "executed", "remembered", "ended", "final scores",
)  # fmt: skip
FIRST = ("checkpoint", "writes")
assert {"sent", *killed.SEAMS} == set(IN_TURN)
# Of an execution, and of the step that it was in: a clock's and a scheduler's values are never twice the same. (Ids of
# what holds them differ with them; in their place their contents are compared.)
MEASURED = {
    "seconds",
    "alone",
    "memory_mb",
    "noise",
    "private_noise",
}  # as many resamples as there is time for
NAMED = {
    "run",
    "run_id",
    "model",
}  # each run has a name of its own, and a server, by which an attempt knows its model
MONEY = {
    "spent",
    "cost",
    "prices",
    "left",
}  # a call of unknown outcome stays in the sum; without one the sums must be equal
SHA = re.compile("[0-9a-f]{64}")
# A metric that never says the same twice.
UNSTEADY = tiny.EVAL.replace("/ len(truth)", "/ len(truth) - int.from_bytes(os.urandom(6)) * 1e-18")


class Team:
    """The scripted team behind its server, which can kill whoever asks for the n-th time."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.victim, self.passing = server, None, 0
        server.respond = self.respond

    def respond(self, body: dict[str, Any]) -> tiny.Turn:
        self.passing -= 1
        if self.victim is not None and self.passing == 0:
            os.kill(self.victim, signal.SIGKILL)
        return tiny.team(body)

    def resume(self, folder: Path, seam: str, passing: int) -> int:
        """Go on with a run in a process that dies at a seam; return its exit status."""
        if seam == "sent":
            self.passing = passing
            process = killed.start(folder)
            self.victim = process.pid
        else:
            process = killed.start(folder, seam, passing)
        process.join()
        self.victim = None
        return process.exitcode


@contextmanager
def run_of(folder: Path, turns: int = 1, **task: Any) -> Iterator[tuple[Session, Team]]:
    """A new run of the tiny task on its own server."""
    folder.mkdir(exist_ok=True)
    with FaultServer() as server:
        models = tiny.models(folder, server.url)
        options = {"budget": 1.0, "turns": turns, "history": "off", "runs_dir": folder / "runs"}
        yield Session(str(tiny.task(folder, **task)), models=models, **options), Team(server)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Callable[[int], dict[str, Any]]:
    """What the same run is where nobody kills it, by its turns."""
    known: dict[int, dict[str, Any]] = {}

    def found(turns: int) -> dict[str, Any]:
        if turns not in known:
            with run_of(tmp_path_factory.mktemp("undisturbed"), turns) as (session, team):
                began = time.monotonic()
                finish(session)
                known[turns] = essence(session, team, set()) | {"took": time.monotonic() - began}
        return known[turns]

    return found


def finish(session: Session) -> None:
    """Go on to the end from cold; each step that was still to come is told once, as it is told ever after."""
    run, told = Session.open(session.folder.root), list[Event]()
    before = run.timeline
    run.run(on_step=told.append)
    lines = (run.folder.root / "events.jsonl").read_text().splitlines()
    assert [*before, *told] == run.timeline == [json.loads(line) for line in lines]


# -- what must be so in the end


def essence(session: Session, team: Team, without: set[str]) -> dict[str, Any]:
    """All of a run's end but what a clock or a run's name decides, and but the fields `without`."""
    run = Session.open(session.folder.root)
    told, items = Artifacts(run.folder.artifacts), Store(run.folder.history)
    steps = [
        [e.step, e.node, e.prompt, e.reply, e.model, e.score, e.fault, e.route, e.plan] for e in run.timeline
    ]
    bodies = [json.dumps(request.body, sort_keys=True) for request in team.server.requests]
    final = json.loads((run.folder.root / "final.json").read_text())
    whole = {
        "state": asdict(run.state),
        "steps": steps,
        "history": [item for _, item in items.iterate()],
        "final": final,
        "best": (run.folder.root / "best" / "train.py").read_text(),
    }
    plain = spelled(whole, told, MEASURED | NAMED | without)
    plain["history"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    return plain | {"asked": list(dict.fromkeys(bodies))}


def spelled(value: Any, artifacts: Artifacts, without: set[str]) -> Any:
    """The value with the JSON objects that it names in place of their ids, and without some fields."""
    if isinstance(value, dict):
        return {k: spelled(v, artifacts, without) for k, v in value.items() if k not in without}
    if isinstance(value, list | tuple):
        return [spelled(v, artifacts, without) for v in value]
    named = isinstance(value, str) and SHA.fullmatch(value) and (artifacts.folder / value).exists()
    if named and artifacts.text(value).startswith("{"):
        return spelled(artifacts.json(value), artifacts, without)
    return value


def check(session: Session, team: Team, expected: dict[str, Any]) -> None:
    """The run has come to the undisturbed end, its money is the server's, and nothing is left over."""
    run = Session.open(session.folder.root)
    unknown = [entry for entry in run.ledger.calls(run.run_id) if entry.state == "reserved"]
    without = MONEY if unknown else set()
    found = essence(run, team, without)
    wanted = {k: v for k, v in expected.items() if k != "took"}
    assert found == spelled(wanted, run.artifacts, without)
    assert run.state.spent == run.ledger.spent(run.run_id)
    attempts = [item for _, item in Store(run.folder.history).iterate("attempt")]
    results = (run.folder.root / "results.tsv").read_text().splitlines()
    assert len(attempts) == len(results) - 2  # the heading and the baseline
    paid_once(run, team)
    assert [row for row in of_run(run.run_id, run.folder.root.parent, rebuild=False) if not row["ok"]] == []
    assert not left(str(run.folder.root)) and not run.folder.work.exists()


def paid_once(run: Session, team: Team) -> None:
    """Each request has its entry: one is settled at what the server billed, the others stay reserved as unknown."""
    asked, entered = defaultdict(list), defaultdict(list)
    for request in team.server.requests:
        asked[json.dumps(request.body["messages"])].append(request)
    for entry in run.ledger.calls(run.run_id):
        entered[json.dumps(run.artifacts.json(entry.prompt)["messages"])].append(entry)
    assert asked.keys() == entered.keys()
    for messages, entries in entered.items():
        prices = Counter(nano(request) for request in asked[messages])
        assert len(prices) == 1  # the team says the same to the same request
        (settled,) = [entry.settled for entry in entries if entry.state == "settled"]
        assert settled in prices
        assert all(entry.nano == entry.reserved >= settled for entry in entries if entry.state == "reserved")
        assert len(asked[messages]) <= len(entries)  # killed before it was sent: reserved all the same


def nano(request: Any) -> int:
    tokens_in, _, tokens_out = request.billed
    rate_in, rate_out = RATES[request.body["model"]]
    return (tokens_in * rate_in + tokens_out * rate_out) * NANO // 10**6


# -- kills


@pytest.mark.parametrize("seams", [IN_TURN[:5], IN_TURN[5:]], ids=["before it is paid", "afterwards"])
def test_killed_at_each_seam_in_turn_it_comes_to_the_same_end(tmp_path, undisturbed, seams):
    left_open = [seam for seam in seams if seam in OPEN]
    with run_of(tmp_path / "here") as (session, team):
        for seam in seams:
            assert team.resume(session.folder.root, seam, 2 if seam in FIRST else 1) == -signal.SIGKILL, seam
            states = Counter(entry.state for entry in session.ledger.calls(session.run_id))
            assert states["reserved"] == sum(seams.index(each) <= seams.index(seam) for each in left_open)
        finish(session)
        assert len(session.ledger.calls(session.run_id)) == 2 + len(left_open)
        assert len(team.server.requests) == 2 + len({"sent", "reply stored"} & set(seams))
        check(session, team, undisturbed(1))


@pytest.mark.soak
@pytest.mark.parametrize("seam", ["sent", *killed.SEAMS])
def test_killed_at_each_passing_of_a_seam_it_comes_to_the_same_end(tmp_path, undisturbed, seam):
    passing, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        passing += 1
        with run_of(tmp_path / str(passing), turns=2) as (session, team):
            status = team.resume(session.folder.root, seam, passing)
            finish(session)
            check(session, team, undisturbed(2))
    assert status == 0 and passing > 1
    print(f"\n{seam}: killed at each of its {passing - 1} passings")


@pytest.mark.soak
def test_killed_at_random_moments_it_comes_to_the_same_end(tmp_path, undisturbed):
    chance, kills, runs = random.Random(100), 0, 0
    while kills < 100:
        runs += 1
        with run_of(tmp_path / str(runs), turns=2) as (session, team):
            for _ in range(5):
                process = killed.start(session.folder.root)
                process.join(chance.uniform(0, undisturbed(2)["took"]))
                process.kill()
                process.join()
                kills += process.exitcode == -signal.SIGKILL
            finish(session)
            check(session, team, undisturbed(2))
    print(f"\n{kills} kills of {runs} runs")


def test_a_step_whose_writes_were_saved_is_one_step(tmp_path):
    """LangGraph tells of such a step before it makes its checkpoint."""
    with run_of(tmp_path / "here") as (session, team):
        assert team.resume(session.folder.root, "writes", 2) == -signal.SIGKILL
        for step, node in enumerate(["executor", "evaluator"], 1):
            run = Session.open(session.folder.root)
            assert run.step() == run.why(step) and run.why().node == node


def test_a_step_concludes_a_run_that_was_killed_at_its_end(tmp_path):
    """One that had ended before, and was given more turns: its earlier end is not taken for this one."""
    with run_of(tmp_path / "here") as (session, team):
        session.run()
        session.extend(turns=2)
        assert team.resume(session.folder.root, "ended", 1) == -signal.SIGKILL
        run = Session.open(session.folder.root)
        assert (run.done, run.summary["status"], run.summary["turns"]) == (True, "stopped", 2)
        assert run.step() is None
        told = json.loads(run.folder.summary.read_text())
        assert (told["status"], told["turns"], told["private_best"]) == ("finished", 2, 1.0)


def test_the_private_answers_are_opened_once(tmp_path):
    with run_of(tmp_path / "here", metric=UNSTEADY) as (session, team):
        assert team.resume(session.folder.root, "final scores", 1) == -signal.SIGKILL
        final = (session.folder.root / "final.json").read_bytes()
        finish(session)
        assert (session.folder.root / "final.json").read_bytes() == final


def test_a_step_that_is_repeated_scores_no_second_time(tmp_path):
    """A second score would be a second attempt in the history."""
    with run_of(tmp_path / "here", metric=UNSTEADY) as (session, team):
        assert team.resume(session.folder.root, "remembered", 1) == -signal.SIGKILL
        finish(session)
        run = Session.open(session.folder.root)
        (attempt,) = [item for _, item in Store(run.folder.history).iterate("attempt")]
        assert attempt["score"] == run.state.best["score"] != 1.0


def test_a_sandbox_whose_owner_was_killed_before_it_began_is_ended(tmp_path):
    """Bubblewrap is held at that very point: its inner process is there, and waits for a word of the outer one."""
    cage, work, mark = probe(), tmp_path / "work", str(tmp_path)
    if cage.binary is None:
        pytest.skip("only bubblewrap has an inner process")
    (work / "execution").mkdir(parents=True)
    read, write = os.pipe()
    held = ["--unshare-user", "--userns-block-fd", str(read), "--info-fd", "2", "--die-with-parent"]
    bound = ["--ro-bind", "/", "/", "--bind", str(work / "execution"), "/tmp"]
    with subprocess.Popen([cage.binary, *held, *bound, "/bin/true"], pass_fds=[read]) as outer:
        eventually(lambda: len(left(mark)) == 2)
        end_orphans(tmp_path / "other")
        outer.kill()
    assert len(left(mark)) == 1
    end_orphans(work)
    eventually(lambda: not left(mark))
    os.close(read)
    os.close(write)


WRITER = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript("PRAGMA cache_size = 1; BEGIN; CREATE TABLE big (x)")
db.executemany("INSERT INTO big VALUES (zeroblob(9000))", [()] * 99)  # more than the cache: it is in the file
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("items", [0, 1])
def test_a_memory_whose_writer_was_killed_in_the_middle_is_open_to_the_next(tmp_path, items):
    index = tmp_path / "index" / "chroma.sqlite3"
    index.parent.mkdir()
    if items:
        with Store(tmp_path) as store:
            store.upsert([{"kind": "attempt", "text": "first"}])
    assert (
        subprocess.run([sys.executable, "-c", WRITER, str(index)], check=False).returncode == -signal.SIGKILL
    )
    assert index.with_name("chroma.sqlite3-journal").stat().st_size
    with Store(tmp_path) as store:
        store.upsert([{"kind": "attempt", "text": "second"}])
        assert store.count() == len(store.ids()) == items + 1
