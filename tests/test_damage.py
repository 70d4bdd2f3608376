"""Damaged files and disks: every command ends in order, with one clear line and the right status, and never a traceback."""

import contextlib
import gc
import hashlib
import io
import json
import random
import shutil
import sqlite3
import subprocess
import sys
from itertools import product
from pathlib import Path

import forked
import pytest
from recorded import GRAPH, MODELS, REPLAY

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.money.ledger import Answer, Call, Ledger
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.workspace import remove
from budgetmlagent.upkeep import clean
from budgetmlagent.upkeep.references import by_state
from memory.merge import unmark
from memory.store import Store

COMMANDS = (["show"], ["why"], ["cost"], ["list"], ["doctor"], ["export", "--out", "out.zip"], ["resume"])
LIMITED = """
import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from budgetmlagent.cli import call
sys.stdout = open(os.devnull, "w")
status = call(sys.argv[2:])
sys.stderr.flush()
os._exit(status)
"""
EACH = """
import sys
from budgetmlagent.cli import call
for command in sys.argv[2:]:
    print(command, call([command, sys.argv[1]]))
"""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    """The runs' folder of a replayed run that stands two steps before its end, with a memory of its own."""
    runs = tmp_path_factory.mktemp("stopped")
    session = Session("digits", GRAPH, MODELS, turns=8, history="run", runs_dir=runs)
    session.run(until=33)
    item = {"kind": "attempt", "run": session.run_id, "task": "digits", "step": 6, "text": "trees"}
    with Store(session.folder.history) as store:
        session.artifacts.put_json(item)
        store.upsert([item])
    unmark(session.folder.history)
    for path in (session.folder.checkpoints, session.folder.ledger):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # as a process leaves it that has ended
    return runs


@pytest.fixture
def runs(stopped, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(stopped, tmp_path / "runs", ignore=shutil.ignore_patterns("*-wal", "*-shm")))


def only(runs: Path) -> Path:
    return next(p for p in runs.iterdir() if p.name.startswith("digits-"))


def said(command: list[str], runs: Path) -> tuple[int, str, list[str]]:
    """Run a command on the one run: status, output, and the lines that `budgetml` says on standard error."""
    out, err = io.StringIO(), io.StringIO()
    run = [] if command[0] == "list" else [only(runs).name]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = call([command[0], *run, *command[1:], "--runs-dir", str(runs)])
    return (
        status,
        out.getvalue(),
        [line for line in err.getvalue().splitlines() if line.startswith("budgetml:")],
    )


def half(raw: bytes) -> bytes:
    """Keep the end alone: of a database's beginning, SQLite may still read what it is asked for."""
    return raw[len(raw) // 2 :]


def nothing(raw: bytes) -> bytes:
    return b""


def flipped(raw: bytes, seed: int, every: int) -> bytes:
    """Change a bit in every `every` bytes, and at least one."""
    chance, out = random.Random(seed), bytearray(raw)
    for _ in range(max(1, len(raw) // every)):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def find(runs: Path, name: str) -> Path:
    run = only(runs)
    if name == "artifact":
        return run / "artifacts" / hashlib.sha256((run / "best" / "train.py").read_bytes()).hexdigest()
    if name == "item":
        return next((run / "history" / "items").iterdir())
    path = {"ledger.sqlite": runs / "ledger.sqlite"}.get(name, run / name)
    if path.suffix == ".sqlite":  # else all that is in it may lie in its log, whatever becomes of the file
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


NAMES = (
    "checkpoints.sqlite", "ledger.sqlite", "artifact", "item", "config.json", "graph.yaml", "run.json", "ended.json",
    "history/index/chroma.sqlite3",
)  # fmt: skip
# What each command must say of a store that cannot be read at all; of the others it may, or need not, take notice.
UNREADABLE = {
    "checkpoints.sqlite": ("show", "why", "resume", "export"),
    "ledger.sqlite": ("show", "why", "cost", "resume", "export"),
    "config.json": ("show", "why", "resume", "doctor", "export"),
    "graph.yaml": ("show", "why", "resume", "export"),
    "run.json": ("list",),
}


# The others are read by the same few functions, and fuzzed (tests/test_strange.py).
STORES = [name for name in NAMES if name in UNREADABLE or "history" in name]


@pytest.mark.parametrize(
    ("name", "damage"),
    [(name, half) for name in STORES] + [(name, nothing) for name in STORES if name.endswith("sqlite")]
    + [pytest.param(name, how, marks=pytest.mark.soak) for name, how in product(NAMES, (half, nothing))],
)  # fmt: skip
def test_every_command_ends_in_order_on_a_damaged_file(runs, name, damage):
    path, told = find(runs, name), {}
    raw = damage(path.read_bytes())
    for command in (
        COMMANDS if name in UNREADABLE else COMMANDS[:-1]
    ):  # where it goes on, `resume` takes a second
        gc.collect()  # a connection of the command before would keep its lock
        path.write_bytes(raw)  # a command may have made it again
        status, _, lines = said(command, runs)
        assert status in (0, 1, 2, 3), (command, lines)
        assert len(lines) == (1 if status else command[0] == "export"), (command, status, lines)
        told[command[0]] = status
    heals = name.startswith(
        "history/index"
    )  # an index that was not left so here is made again as it is opened
    assert told["doctor"] in ((0,) if heals else (1, 3))
    free = (
        damage is nothing and name == "ledger.sqlite"
    )  # its calls cost nothing: no sum says that there were any
    for command in () if free else UNREADABLE.get(name, ()):
        assert told[command] == 3, (command, told)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_anywhere_end_in_order(runs, name, seed):
    """Such a bit may lie where nobody looks, or make another valid value: then all goes on."""
    path = find(runs, name)
    raw = flipped(path.read_bytes(), seed, every=1_000_000 if seed % 2 else 500)
    for command in COMMANDS:
        path.write_bytes(raw)
        status, _, lines = said(command, runs)
        assert status in (0, 1, 2, 3) and len(lines) <= 1, (command, status, lines)


def test_a_graph_whose_rule_was_mistyped_is_one_line_before_anything_is_decided_by_it(runs):
    path = find(runs, "graph.yaml")
    path.write_text(path.read_text().replace("times:", "timse:"))
    status, _, (line,) = said(["resume"], runs)
    assert status == 2 and "timse" in line


# What the doctor finds.


def test_all_that_a_plan_and_a_fault_name_is_looked_for():
    state = {"plan": {"case": "a", "idea": "b", "sketch": "c"}, "fault": {"reply": "d"}}
    assert {"a", "b", "c", "d"} <= {name.id for name in by_state(state, 3)}


def rows(runs: Path, *options: str) -> tuple[int, dict[str, list[dict]]]:
    status, out, _ = said(["doctor", *options, "--json"], runs)
    found: dict[str, list[dict]] = {}
    for row in json.loads(out):
        found.setdefault(row["what"], []).append(row)
    return status, found


def test_a_whole_run_is_well(runs):
    status, found = rows(runs)
    assert status == 0 and all(row["ok"] for some in found.values() for row in some)
    assert {
        "artifacts",
        "checkpoints",
        "ledger",
        "named",
        "steps",
        "money",
        "projections",
        "memory",
        "merged",
    } <= set(found)


def test_a_run_that_an_older_version_made_is_well(runs):
    """Its run.json does not say what is held."""
    path = only(runs) / "run.json"
    older = json.loads(path.read_text())
    del older["usd_held"]
    path.write_text(json.dumps(older))
    status, found = rows(runs)
    assert status == 0 and all(row["ok"] for row in found["projections"])


def test_a_missing_artifact_is_named_with_what_names_it(runs):
    path = find(runs, "artifact")
    path.unlink()
    status, found = rows(runs)
    assert status == 1
    (lost,) = found["named"]
    assert path.name in lost["detail"] and "is missing" in lost["detail"] and "(script)" in lost["detail"]


def test_a_step_without_its_call_and_a_call_without_its_step_are_told(runs):
    with contextlib.closing(sqlite3.connect(runs / "ledger.sqlite")) as db, db:
        db.execute("DELETE FROM calls WHERE step = 28")
    ledger, run = Ledger(runs / "ledger.sqlite"), only(runs).name
    told = {"run": run, "step": 34, "node": "planner", "model": "small", "served": "m", "price": "p"}
    ledger.reserve(Call(key=f"{run}/one/planner", **told), 1_500_000)
    left = ledger.reserve(Call(key=f"{run}/two/planner", **told), 2_000_000)
    ledger.settle(left.id, 700_000, Answer(text="said"))
    status, found = rows(runs)
    assert status == 1
    assert [row["detail"].split(",")[0] for row in found["steps"]] == ["step 28"]
    assert "$0.001500 stays counted" in found["open call"][0]["detail"] and found["open call"][0]["ok"]
    assert (
        "$0.000700" in found["loose call"][0]["detail"] and f"{run}/two/" in found["loose call"][0]["detail"]
    )
    (money,) = [row for row in found["projections"] if "run.json" in row["detail"]]
    assert "it says $0.0, the ledger $0.002200" in money["detail"]


def test_rebuild_makes_all_that_is_derived_again(runs):
    run = only(runs)
    derived = (
        "run.json",
        "events.jsonl",
        "results.tsv",
        "best/train.py",
        "best/submission.csv",
        "graph.yaml",
    )
    before = {name: (run / name).read_bytes() for name in derived}
    for name in derived:
        (run / name).write_bytes(half(before[name]) if name != "best/train.py" else b"other")
    (run / "best" / "stray.csv").write_text("of nobody")
    (run / "artifacts" / ".part-killed").write_text("half")
    item = next((run / "history" / "items").iterdir())
    content = item.read_bytes()
    item.write_bytes(b"{}")
    find(runs, "history/index/chroma.sqlite3").write_bytes(b"no database")
    assert rows(runs)[0] == 1
    status, found = rows(runs, "--rebuild")
    assert status == 0, [row for some in found.values() for row in some if not row["ok"]]
    after = json.loads((run / "run.json").read_bytes()) | {"run_dir": ""}
    assert after == json.loads(before.pop("run.json")) | {"run_dir": ""}
    assert {name: (run / name).read_bytes() for name in before} == before
    assert item.read_bytes() == content and not (run / "best" / "stray.csv").exists()
    assert not list((run / "artifacts").glob(".part-*"))
    assert rows(runs)[0] == 0


def test_a_memory_marked_as_merged_that_is_not_is_merged_again(runs):
    run = only(runs)
    (run / "history" / "merged").touch()
    status, found = rows(runs)
    assert status == 1 and "lacks 1 items" in found["merged"][0]["detail"]
    assert rows(runs, "--rebuild")[0] == 0
    assert len(Store(runs / "history").ids()) == 1


# Disks.


@pytest.mark.parametrize("size", [30_000, 150_000])
def test_a_full_disk_stops_the_run_and_with_room_it_goes_on(tmp_path, size):
    """No file may grow beyond `size` bytes: at first the ledger cannot be made, then the checkpoints stop growing."""
    runs = tmp_path / "runs"
    status, output = forked.run(LIMITED, tmp_path, size, *REPLAY, "--runs-dir", runs)
    assert status == 3 and "Traceback" not in output
    line = output.splitlines()[-1]
    assert line.startswith("budgetml: ") and "make room" in line
    status, out, lines = said(["resume"], runs)
    assert (status, lines) == (0, []) and "finished" in out
    assert rows(runs)[0] == 0


def test_a_folder_that_may_not_be_written_is_one_line(runs):
    """Bound read-only by bubblewrap: a file's mode stops nobody who is root."""
    within = [str(probe().binary), "--dev-bind", "/", "/", "--ro-bind", str(runs), str(runs)]
    ours = [sys.executable, "-c", EACH, str(only(runs)), "show", "resume", "doctor"]
    done = subprocess.run([*within, *ours], capture_output=True, text=True, check=False)
    assert done.stdout == "show 3\nresume 3\ndoctor 3\n", done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 3 and all("Read-only file system" in line for line in lines)


@pytest.mark.parametrize(
    "name",
    ["work", "best", "history", "artifacts", "lock", "run.json", "graph.yaml", "best/train.py", "../history"],
)
def test_no_command_writes_through_a_link_in_a_run(runs: Path, tmp_path: Path, name: str) -> None:
    run, elsewhere = only(runs), tmp_path / "home"
    elsewhere.mkdir()
    theirs, link = elsewhere / Path(name).name, run / name
    if link.exists() and name != "work":
        link.rename(theirs)
    elif name != "lock":
        theirs.mkdir(mode=0o755)
        (theirs / "kept").write_text("mine")
    else:
        theirs.write_text("mine")
    shutil.rmtree(link, ignore_errors=True)
    link.symlink_to(theirs)

    def told() -> dict[str, tuple[int, bytes]]:
        found = {
            str(p): (p.stat().st_mode, p.read_bytes() if p.is_file() else b"") for p in elsewhere.rglob("*")
        }
        return found | {"": (elsewhere.stat().st_mode, b"")}

    before = told()
    for command in (*COMMANDS, ["doctor", "--rebuild"], ["clean", "--yes"]):
        status, _, lines = said(command, runs)
        assert told() == before
        if command[0] not in ("cost", "list"):
            assert status in (2, 3) and len(lines) == 1 and "is a symbolic link" in lines[0], command
    swept = clean.sweep(runs)
    assert "is a symbolic link" in swept.left[run.name] and told() == before


def test_what_is_written_into_a_linked_folder_goes_elsewhere(runs: Path, tmp_path: Path) -> None:
    """The positive control: that is why such a run is not opened."""
    run = RunDir(only(runs))
    (run.root / "best").rename(tmp_path / "home")
    (run.root / "best").symlink_to(tmp_path / "home")
    run.write_bytes("best/planted", b"x")
    assert (tmp_path / "home" / "planted").read_bytes() == b"x"


def test_links_that_scripts_left_where_they_work_are_no_harm(runs: Path) -> None:
    place = only(runs) / "work" / "execution" / "workspace"
    place.mkdir(parents=True)
    (place / "link").symlink_to("/")
    assert said(["show"], runs)[0] == 0


def test_removing_never_crosses_a_link(tmp_path: Path) -> None:
    theirs = tmp_path / "home"
    theirs.mkdir(mode=0o755)
    (theirs / "kept").write_text("mine")
    (tmp_path / "work").mkdir()
    for link in (tmp_path / "work" / "inner", tmp_path / "top"):
        link.symlink_to(theirs)
    for folder in ("work", "top"):
        remove(tmp_path / folder)
        assert not (tmp_path / folder).exists() and not (tmp_path / folder).is_symlink()
    assert (theirs / "kept").read_text() == "mine" and theirs.stat().st_mode & 0o777 == 0o755
