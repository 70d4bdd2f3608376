"""Every file that is read from a stranger, made wrong: one line and a status, never code, never a path outside, never a hang."""

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import mutated
import pytest
import strange
import watched
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.records.checkpoints import Checkpoints
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Attempt
from memory.files import DEEPEST, parsed, read_plain
from memory.tables import only_tables

DEEP = "- " * 3000


@pytest.mark.parametrize(("examples", "most"), [(2, 1), pytest.param(500, 4, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", strange.FORMATS)
def test_a_file_made_wrong_is_one_line_and_a_status(kind: str, examples: int, most: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=timedelta(minutes=2),
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.integers(0, 2**32))
    def once(seed: int) -> None:
        found, told = strange.example(kind, Random(seed), most)
        assert not found, told

    once()


@pytest.fixture
def stood() -> Iterator[tuple[Path, Path]]:
    with strange.place() as places:
        yield places


def refused(command: list[str], folder: Path, outside: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says in the one line that it ends with."""
    assert watched.faults(command, folder, outside) == []
    with watched.limited():
        assert call(command) in (1, 2, 3)
    (line,) = capsys.readouterr().err.splitlines()
    return line


# -- the fuzzer sees what it is for


def leaves(_: list[str]) -> int:
    Path("../left").write_text("x")
    return 0


def looks(_: list[str]) -> int:
    next(Path.cwd().parents[2].glob("outside/*")).read_text()
    return 0


def raises(_: list[str]) -> int:
    return int({}["missing"])


def hangs(_: list[str]) -> int:
    while True:
        time.sleep(0.01)


def runs(_: list[str]) -> int:
    exec(compile("1", str(Path("tripwire.py").resolve()), "exec"))
    return 0


def starts(_: list[str]) -> int:
    return os.system("true")


def prints(_: list[str]) -> int:
    sys.stderr.write("one\ntwo\n")
    return 2


def shouts(_: list[str]) -> int:
    sys.stderr.write("x" * 5000)
    return 2


def names(_: list[str]) -> int:
    sys.stderr.write("budgetml: KeyError: 'a'\n")
    return 2


@pytest.mark.parametrize(
    ("toy", "sentence"),
    [(leaves, "open writes"), (looks, "open outside: secret.txt"), (raises, "traceback: KeyError"), (hangs, "hang"), (runs, "ran "),
     (starts, "os.system"), (prints, "2 lines"), (shouts, "a line of 5000"), (names, "an exception's name")],
)  # fmt: skip
def test_a_planted_fault_is_found(
    stood: tuple[Path, Path], toy: Callable[[list[str]], int], sentence: str
) -> None:
    found = watched.faults(["toy"], *stood, run=toy, seconds=0.3)
    assert any(sentence in fault for fault in found), found


# -- what it has found


@pytest.mark.parametrize("content", [DEEP, "{a: " * 3000, "a: !!int x", "a: !!timestamp 9"])
def test_yaml_that_is_too_deep_or_malformed_is_one_line(
    stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str], content: str
) -> None:
    folder, outside = stood
    strange.own_task(folder)
    for path in (folder / "tiny" / "task.yaml", folder / "graph.yaml", folder / "models.yaml"):
        path.write_text(content)
    reads = [
        *strange.task_commands(folder),
        ["graph", "show", "graph.yaml"],
        ["models", "list", "--models", "models.yaml"],
    ]
    assert all("YAML" in refused(command, folder, outside, capsys) for command in reads)


def test_a_pipe_a_device_and_a_link_to_itself_are_one_line(
    stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outside = stood
    strange.own_task(folder)
    os.mkfifo(folder / "graph.yaml")
    (folder / "models.yaml").unlink()
    (folder / "models.yaml").symlink_to("/dev/zero")
    assert "no such file" in refused(["graph", "show", "graph.yaml"], folder, outside, capsys)
    with watched.limited(), pytest.raises(OSError, match="is no plain file"):
        read_plain(folder / "models.yaml")
    assert call(["models", "list", "--models", "models.yaml"]) == 2
    assert "is no plain file" in capsys.readouterr().err
    for path, put in (
        (folder / "tiny" / "task.yaml", os.mkfifo),
        (folder / "tiny" / "env" / "test.csv", lambda p: p.symlink_to(p.name)),
    ):
        path.unlink()
        put(path)
        said = refused(*strange.task_commands(folder), folder, outside, capsys)
        assert "test.csv" in said or "is no plain file" in said


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet"])
def test_a_pipe_is_no_table(stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str], name: str) -> None:
    os.mkfifo(stood[0] / name)
    command = ["new", "task", "--data", name, "--target", "label", "--out", "made"]
    with watched.limited(20):
        assert call(command) == 2
    assert f"{name}: " in (said := capsys.readouterr().err) and "is no plain file" in said


def test_a_key_that_holds_line_breaks_says_no_line_of_its_own(
    stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, forged = stood[0], "budgetml: all is well"
    strange.own_task(folder)
    strange.graph_files(folder)
    strange.run_files(folder)
    config, breaks = strange.run_of(folder) / "config.json", ("\n", "\x0b", "\u2028", "\x85")
    task, graph, models = folder / "tiny" / "task.yaml", folder / "paper.yaml", folder / "models.yaml"
    commands = [
        *strange.task_commands(folder),
        ["graph", "lint", str(graph)],
        ["models", "list", "--models", str(models)],
        ["doctor", config.parent.name],
    ]
    for path, command in zip((task, graph, models, config), commands, strict=True):
        whole = path.read_bytes()
        tree = json.loads(whole) if path == config else YAML(typ="safe").load(whole.decode())
        for mark in breaks:
            inner = tree["models"]["small"] if path == models else tree
            inner[f"a{mark}{forged}"] = 1
            path.write_bytes(mutated.text_of(tree))
            assert call(command) in (1, 2, 3)
            out, err = capsys.readouterr()
            assert forged in out + err and not any(
                line.startswith(forged) for line in (out + err).splitlines()
            ), command
            del inner[f"a{mark}{forged}"]
        path.write_bytes(whole)


def test_a_value_that_is_quoted_is_cut(stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    strange.own_task(stood[0])
    path = stood[0] / "tiny" / "task.yaml"
    path.write_text(path.read_text().replace("name: tiny", f"name: '{'(' * 40_000}'"))
    line = refused(*strange.task_commands(stood[0]), *stood, capsys)
    assert "task.yaml:1: name: is '((" in line and line.endswith("'.', '_' and '-'")


@pytest.fixture
def given_run(stood: tuple[Path, Path]) -> Path:
    strange.run_files(stood[0])
    return stood[0]


def altered(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(script)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


ENDLESS = f"DROP TABLE forks; CREATE VIEW forks AS {mutated.ENDLESS} SELECT i AS run, i AS origin, i AS root, i AS born FROM n"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (ENDLESS, "holds a view"),
        ("CREATE TRIGGER more AFTER INSERT ON runs BEGIN DELETE FROM calls; END", "holds a trigger"),
        ("DROP TRIGGER sum_at_insert; CREATE TRIGGER sum_at_insert AFTER INSERT ON calls BEGIN DELETE FROM sums; END", "holds a trigger"),
        ("ALTER TABLE calls ADD COLUMN more AS (zeroblob(900000000))", "a column of it is computed"),
        ("DROP TABLE forks; CREATE VIRTUAL TABLE forks USING fts5(run, origin, root, born)", "none of budgetml's"),
        ("UPDATE sums SET nano = 'x'", "sums holds a value of a wrong type"),
        ("UPDATE calls SET created = 'x'", "calls holds a value of a wrong type"),
        ("INSERT INTO forks VALUES ('a', 'b', 'a', 1), ('b', 'a', 'a', 1)", ""),
    ],
)  # fmt: skip
def test_a_ledger_that_computes_or_lies_about_types_is_refused(
    given_run: Path, script: str, sentence: str
) -> None:
    path = given_run / "runs" / "ledger.sqlite"
    altered(path, script)
    with watched.limited(), pytest.raises(UnavailableError, match=sentence or "a fork of itself"):
        Ledger(path).calls("a")


def test_an_older_ledger_and_one_that_is_ours_are_read(given_run: Path) -> None:
    path = given_run / "runs" / "ledger.sqlite"
    assert Ledger(path).calls(strange.run_of(given_run).name)
    altered(path, "ALTER TABLE calls DROP COLUMN thought_nano; PRAGMA user_version = 2")
    assert Ledger(path).calls(strange.run_of(given_run).name)


def test_a_ledger_that_is_a_link_is_refused(given_run: Path, stood: tuple[Path, Path]) -> None:
    path, outside = given_run / "runs" / "ledger.sqlite", stood[1]
    path.rename(outside / "mine.sqlite")
    path.symlink_to(outside / "mine.sqlite")
    with pytest.raises(UnavailableError, match="is a symbolic link"):
        Ledger(path)
    command = ["doctor", strange.run_of(given_run).name, "--runs-dir", str(given_run / "runs")]
    assert watched.faults(command, given_run, outside) == []
    assert call(command) == 1


def test_checkpoints_that_compute_are_refused(given_run: Path) -> None:
    path = strange.run_of(given_run) / "checkpoints.sqlite"
    altered(
        path, f"ALTER TABLE writes RENAME TO old; CREATE VIEW writes AS {mutated.ENDLESS} SELECT i FROM n"
    )
    with watched.limited(), pytest.raises(UnavailableError, match="holds a view that is none of budgetml's"):
        Checkpoints(path)


def test_without_the_guard_such_a_view_has_no_end(given_run: Path) -> None:
    """The positive control."""
    path = given_run / "runs" / "ledger.sqlite"
    altered(path, ENDLESS)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.set_progress_handler(lambda: 1, 1_000_000)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            db.execute("SELECT count(*) FROM forks").fetchone()
        with pytest.raises(sqlite3.DatabaseError, match="none of budgetml's"):
            only_tables(db)


def test_an_artifact_is_named_by_its_hash_alone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    store = Artifacts(tmp_path / "artifacts")
    assert (store.folder / "../secret").read_text() == "x"  # what a name that is a path would lead to
    for name in ("../secret", str(tmp_path / "secret"), "", "0" * 63, "\0", 7, None):
        with pytest.raises(CorruptArtifactError, match="is no artifact's name"):
            store.read(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["../../escaped", "a/escaped"])
def test_no_command_writes_a_file_of_an_execution_elsewhere(
    given_run: Path, stood: tuple[Path, Path], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = strange.run_of(given_run)
    best = json.loads((run / "run.json").read_text())
    assert best["best"] is not None
    for path in strange.artifact_parts(given_run):
        told = json.loads(path.read_text()) if path.exists() else {}
        if isinstance(told, dict) and told.get("files") and isinstance(told["files"], dict):
            strange.renamed(
                run,
                path.name,
                json.dumps(told | {"files": {named: next(iter(told["files"].values()))}}).encode(),
            )
    there = set(given_run.parent.rglob("*"))
    line = refused(["doctor", run.name, "--rebuild"], given_run, stood[1], capsys)
    assert "not in order" in line
    for name in (
        "final.json",
        "ended.json",
    ):  # the starter and the best are laid out again where a run goes on
        (run / name).unlink()
    again = ["resume", run.name, "--turns", "9"]
    for command in (again, ["export", run.name, "--out", "out"], ["show", run.name, "--files", "restored"]):
        assert watched.faults(command, given_run, stood[1]) == []
    assert call(again) == 3
    assert "no file's name" in capsys.readouterr().err
    assert not [path for path in set(given_run.parent.rglob("*")) - there if "escaped" in path.name]


@pytest.mark.parametrize(
    "record", [{}, {"script": 1}, [], "x", {"script": "a", "plan": {}, "status": "keep", "score": "high"}]
)
def test_what_is_no_attempt_is_told(tmp_path: Path, record: object) -> None:
    store = Artifacts(tmp_path)
    with pytest.raises(CorruptArtifactError, match="is no attempt"):
        Attempt.read(store, store.put_json(record))


def test_json_has_no_more_levels_than_whatever_walks_through_it() -> None:
    assert parsed("[" * DEEPEST + "]" * DEEPEST)
    for text in ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), '{"a":' * 500 + "1" + "}" * 500, "[" * 100_000):
        with pytest.raises(ValueError, match=r"nested too deeply|Expecting value"):
            parsed(text)


def test_a_run_with_models_that_are_none_and_events_that_are_none(
    stood: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outside = stood
    strange.recording(folder)
    config = folder / "recording" / "config.json"
    told = json.loads(config.read_text())
    again, drawn = strange.recording_commands(folder)[:2]
    events = folder / "recording" / "events.jsonl"
    recorded = events.read_text()
    events.write_text('{"step": 1, "node": "coder"}\n')
    assert "events.jsonl:1: is no event of a run" in refused(drawn, folder, outside, capsys)
    events.write_text(recorded)
    config.write_text(json.dumps(told | {"models": {"small": {"name": "small"}}}))
    assert "models: damaged" in refused(again, folder, outside, capsys)
