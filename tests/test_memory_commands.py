"""The shared memory in a person's hands: searched, taken in from others, forgotten for good, made smaller."""

import json
import os
import time

import forked
import pytest

from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.upkeep import found, memory
from memory.items import KINDS, item_id
from memory.merge import SHARED, merge_pending
from memory.store import Store
from memory.superseded import superseded
from tests.test_history import Run, attempt_item, bank_case

FP = "ValueError: could not convert string to float"


def repair(**more):
    return {
        "kind": "repair",
        "task": "t",
        "run": "r",
        "step": 1,
        "error": "E",
        "what": "w",
        "text": "E: w",
    } | more


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def filled(runs, *items):
    with Store(runs / SHARED) as store:
        return store.upsert(items)


def written(path, *lines):
    path.write_text(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8"
    )
    return path


def shared(runs):
    return dict(Store(runs / SHARED).iterate())


# Search and counts.


def test_search_ranks_the_very_error_first_and_says_why(runs, capsys):
    exact = repair(error=FP, text="quite another wording", data="schema", score_before=0.5, score=0.75)
    near, far = repair(text=f"{FP}: encode", data="schema"), repair(text="NameError: pd", data="samples")
    names = filled(runs, far, near, exact, repair(text=FP, data="stays"), repair(text=f"{FP} old"))
    hits = found.search(runs, FP)
    assert [hit["id"] for hit in hits] == [names[2], names[1], names[0]]
    assert [hit["exact"] for hit in hits] == ["error", "", ""]
    assert (hits[0]["gain"], hits[1]["gain"], hits[0]["source"]) == (0.25, None, "r/1 t")
    assert "the same error" in hits[0]["why"]
    assert "too far" in hits[2]["why"]
    assert {hit["id"] for hit in found.search(runs, FP, data="stays")} == set(names)
    filled(
        runs, {"kind": "case", "run": "r", "step": 1, "task": "t", "text": "quite another", "data": "schema"}
    )
    (case,) = found.search(runs, FP, kind="case")
    assert "similarity" in case["why"] and "repair" not in case["why"]
    assert call(["memory", "search", FP, "--runs-dir", str(runs), "--most", "1", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told == hits[0]
    assert {"id", "kind", "task", "run", "step", "text"} < set(told)
    assert found.search(runs.parent / "none", FP) == []
    for wrong in (
        {"text": " "},
        {"text": "x", "kind": "dream"},
        {"text": "x", "data": "all"},
        {"text": "x", "most": 0},
    ):
        with pytest.raises(UsageError):
            found.search(runs, **wrong)


def test_stats_count_and_say_whether_the_index_is_whole(runs, capsys):
    assert found.stats(runs)["items"] == 0
    assert not runs.exists()
    filled(runs, attempt_item("r", 1), attempt_item("r", 2, data="schema"), repair(task="u", imported="them"))
    told = found.stats(runs)
    assert (told["items"], told["kinds"], told["tasks"]) == (3, {"attempt": 2, "repair": 1}, {"t": 2, "u": 1})
    assert (told["runs"], told["data"], told["imported"]) == (
        {"r": 3},
        {"stays": 2, "schema": 1},
        {"them": 1},
    )
    assert (told["index"], told["bytes"]["items"] > 100) == ("whole", True)
    assert call(["memory", "stats", "--runs-dir", str(runs)]) == 0
    assert "attempt 2, repair 1" in capsys.readouterr().out


# Import.


def test_an_export_of_another_team_is_taken_in_once_and_marked(runs, tmp_path, capsys):
    theirs = tmp_path / "their runs"
    filled(
        theirs,
        repair(error=FP, text=f"{FP}: encode", data="schema"),
        attempt_item("x", 3),
        attempt_item("y", 4),
    )
    memory.export(theirs, tmp_path / "team.jsonl")
    filled(runs, attempt_item("y", 4))  # it came from here in the first place
    command = ["memory", "import", str(tmp_path / "team.jsonl"), "--runs-dir", str(runs), "--json"]
    assert call(command) == call(command) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"imported": 2, "known": 1},
        {"imported": 0, "known": 3},
    ]
    got = {name: item for name, item in shared(runs).items() if "imported" in item}
    assert {item["data"] for item in got.values()} == {
        "schema",
        "stays",
    }  # without a word it counts as the strictest
    assert all(item_id(item) == name and item["imported"] == "team" for name, item in got.items())
    assert sorted((item["run"], item["step"], item["task"]) for item in got.values()) == [
        ("r", 1, "t"),
        ("x", 3, "t"),
    ]
    assert {line["imported"] for line in memory.list_items(runs) if "imported" in line} == {"team"}
    (hit,) = found.search(runs, FP)
    assert hit["source"] == "r/1 t (imported: team)"
    assert call(["memory", "list", "--runs-dir", str(runs)]) == 0
    assert "[imported: team]" in capsys.readouterr().out
    run = Run(runs, "mine")
    (given,) = run.history.recall("coder", ["repairs"], run.state(error=FP))
    assert given["source"] == "r/1 t (imported: team)"
    memory.export(runs, tmp_path / "again.jsonl")
    memory.take_in(tmp_path / "third", tmp_path / "again.jsonl", "b")
    assert {item["imported"] for item in shared(tmp_path / "third").values()} == {"team > b", "b"}


DEEP = '{"kind": "repair", "text": "x", "run": "r", "task": "t", "plan": ' + "[" * 200 + "]" * 200 + "}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "no JSON"),
        (DEEP, "no JSON"),
        ([1], "no item"),
        (repair(kind="dream"), "no item"),
        (repair(kind=["case"]), "no item"),
        (repair(text=" "), "text:"),
        (repair(text="x" * 20_001), "text:"),
        (repair(text=7), "text:"),
        (repair(run=""), "run:"),
        ({"kind": "repair", "text": "x", "run": "r"}, "task:"),
        (repair(step=-1), "step:"),
        (repair(step="1"), "step:"),
        (repair(kinds="table"), "kinds:"),
        (repair(kind="case", score="0.9"), "score:"),
        (repair(kind="case", score=float("inf")), "not finite"),
        (repair(kind="case", plan=[{"x": float("nan")}]), "not finite"),
        (repair(text="\ud800 x"), "no Unicode"),
        (repair(kind="case", template="{{ x }}"), "template"),
        (repair(kind="case", edit={"op": "swap"}), "edit"),
        (repair(script="x" * 300_000), "at most"),
    ],
)
def test_what_is_wrong_in_a_strangers_export_is_one_line_and_nothing_is_kept(
    runs, tmp_path, line, told, capsys
):
    path = written(tmp_path / "bad.jsonl", repair(), line)
    assert call(["memory", "import", str(path), "--runs-dir", str(runs)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{path}:2" in said
    assert told in said
    assert not runs.exists()


def test_an_import_reads_plain_files_within_bounds_only(runs, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 30)
    (tmp_path / "many").write_bytes(b"\n" * 300_000)
    for name in ("pipe", "large", "many", "missing", "."):
        with pytest.raises(UsageError):
            memory.take_in(runs, tmp_path / name, "x")
    path = written(
        tmp_path / "good.jsonl", repair(), {"kind": "case", "text": "of the bank", "template": "x"}
    )
    for name in ("", "x" * 61, "a\nb", "\x1b[2J"):
        with pytest.raises(UsageError, match="--name"):
            memory.take_in(runs, path, name)
    (kept,) = filled(runs, repair(text="mine"))
    assert memory.take_in(runs, written(path, {"id": kept} | repair())) == {"imported": 1, "known": 0}
    assert shared(runs)[kept]["text"] == "mine"  # an id that is claimed replaces nothing


# Forgetting.


def test_a_run_is_forgotten_in_its_own_memory_and_in_its_forks_too(runs):
    with Store(runs / "r" / SHARED) as store:
        names = store.upsert([attempt_item("r", 1), attempt_item("r", 2)])
    with Store(runs / "fork" / SHARED) as store:
        store.upsert([attempt_item("r", 1)])
        (kept,) = store.upsert([attempt_item("fork", 5)])
    assert memory.forget(runs, run="r") == 2
    for run in ("r", "fork"):
        (runs / run / SHARED / "merged").unlink()
    assert merge_pending(runs) == 0
    for folder, ids in ((runs / "r", []), (runs / "fork", [kept]), (runs, [kept])):
        with Store(folder / SHARED) as store:
            assert store.ids() == [name for name, _ in store.query("attempt", "attempt", 9)] == ids
    assert not any(
        name in path.read_text("utf-8", "replace") for name in names for path in runs.rglob("items/*")
    )
    assert call(["memory", "forget", "--task", "t", "--runs-dir", str(runs)]) == 0
    assert shared(runs) == {}
    with pytest.raises(UsageError, match=r"kind=.dream.: one of attempt, case"):
        memory.forget(runs, kind="dream")


def test_a_run_in_progress_is_not_forgotten(runs, tmp_path):
    filled(runs, attempt_item("r", 1))
    code = f"""
import time
from pathlib import Path
from memory.store import Store
with Store(Path({str(runs / "r" / SHARED)!r})) as store:
    store.upsert([{attempt_item("r", 1)}])
    Path("ready").touch()
    while Path("ready").exists():
        time.sleep(0.01)
"""
    (tmp_path / "other").mkdir()
    process, ready = forked.start(code, tmp_path / "other"), tmp_path / "other" / "ready"
    while not ready.exists():
        assert process.exitcode is None
        time.sleep(0.01)
    with pytest.raises(UnavailableError, match="in use"):
        memory.forget(runs, run="r")
    assert len(shared(runs)) == 1
    ready.unlink()
    process.join(forked.LONG)
    assert process.exitcode == 0
    assert memory.forget(runs, run="r") == 1


# Compacting.


def test_compact_drops_what_no_run_would_be_offered(runs, capsys):
    script = {"ast": "a", "score_before": 0.5, "status": "keep", "task": "t", "data": "schema"}
    better = [attempt_item(f"r{k}", k, **script, score=0.9 - k / 10) for k in range(4)]
    crashed = attempt_item("r3", 9, **script | {"status": "crash"}, error="E")
    hidden = attempt_item("r4", 4, **script | {"data": "stays"}, score=0.6)
    repairs = [repair(run=f"r{k}") for k in range(4)]
    winner = {
        "kind": "case",
        "text": "c",
        "task": "t",
        "signature": "s",
        "kinds": ["table"],
        "data": "schema",
    }
    won = [winner | {"run": "r", "score": score, "baseline": 10.0} for score in (7.0, 6.0, 8.0)]
    other = [winner | {"run": "r2", "score": 9.0, "baseline": 10.0}, winner | {"run": "r", "signature": "z"}]
    names = filled(runs, *better, crashed, hidden, *repairs, *won, *other)
    dropped = {*names[2:4], *sorted(names[6:10])[2:], names[10], names[12]}
    assert set(superseded(shared(runs).items())) == dropped
    assert call(["memory", "compact", "--runs-dir", str(runs)]) == 0
    assert capsys.readouterr().out.startswith("dropped attempt 2, case 2, repair 2 of 15 items, ")
    assert set(shared(runs)) == set(names) - dropped
    assert memory.compact(runs) == {"items": 9, "dropped": {}, "bytes": 0}


def test_what_is_recalled_is_the_same_before_and_after_a_compact(runs):
    for name in ("a", "b", "c", "d"):
        run = Run(runs, name)
        for score in (0.6, 0.7, 0.9):
            run.win(f"script {score}", score, baseline=0.5)
        for what in ("w", "v"):
            run.history.remember(
                {"kind": "repair", "error": "E", "what": what, "text": f"E: {what}", "step": 4}
            )
        run.history.close_and_merge()

    def recalled(name):
        run = Run(runs, name, cases=(bank_case("z", 1),))
        state = run.state(error="E")
        return run.recall("planner", state), run.recall("coder", state)

    before = [recalled(name) for name in ("a", "d", "new")]
    assert all(planned and cured for planned, cured in before)
    assert memory.compact(runs)["dropped"] == {"case": 8, "repair": 4}
    assert [recalled(name) for name in ("a", "d", "new")] == before


def test_whatever_runs_leave_is_taken_in_elsewhere(runs, tmp_path):
    """A card is of no run: all runs of a task make the same one."""
    left = [repair(kind=kind, run="" if kind == "card" else "r", data="schema") for kind in KINDS]
    filled(runs, *left)
    memory.export(runs, tmp_path / "out.jsonl")
    assert memory.take_in(tmp_path / "there/runs", tmp_path / "out.jsonl") == {
        "imported": len(KINDS),
        "known": 0,
    }
    assert found.stats(runs)["runs"] == {"r": len(KINDS) - 1}


def test_search_ranks_as_a_step_is_given(runs):
    """Names in common weigh, and what was offered in vain sinks."""
    texts = ("the model fails on rows", "the LGBMRegressor fails on rows")
    plain, by_name = filled(runs, *(repair(text=text, data="schema") for text in texts))

    def order(text):
        return [hit["id"] for hit in found.search(runs, text)]

    assert order("the model fails on rows") == [plain, by_name]
    assert order("the model LGBMRegressor fails on rows") == [by_name, plain]
    counts = {"of": plain[:12], "offered": 9, "helped": 0}
    filled(runs, *(repair(kind="offer", run=f"r{k}", data="schema", **counts) for k in range(9)))
    assert order("the model fails on rows") == [by_name, plain]
    hits = found.search(runs, "the model fails on rows")
    assert "offered 81 times, a new best after 0" in hits[1]["why"]
