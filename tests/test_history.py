"""Long-term memory on a real Chroma: nothing is lost, nothing is twice, and no branch sees another's future."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.upkeep import memory
from memory.artifacts import Artifacts
from memory.branch import CHAIN
from memory.cases import Case
from memory.elsewhere import WIDE
from memory.history import CASES, RunHistory
from memory.items import StoreBusyError, StoreError, item_id
from memory.marks import look, mark
from memory.merge import forgotten, merge, merge_pending
from memory.state import RunState
from memory.store import Store
from nodes.coder import coder
from nodes.declares import recalls_of
from nodes.evaluator import evaluator
from nodes.executor import executor
from nodes.expert import expert
from nodes.planner import planner

ROOT = Path(__file__).parent.parent

SHIPPED = {f.__name__: recalls_of(f) for f in (planner, coder, executor, evaluator, expert)}


def attempt_item(run: str, step: int, **more):
    return {
        "kind": "attempt",
        "task": "t",
        "run": run,
        "step": step,
        "text": f"attempt {step} of {run}: a deeper tree on table {step * 7}",
    } | more


@pytest.fixture
def python(tmp_path_factory):
    """A function that starts code in a process of its own, which no index has been opened in."""
    return lambda code, *arguments: Other(code, tmp_path_factory.mktemp("other"), arguments)


class Other:
    """Code in a process of its own."""

    def __init__(self, code: str, folder: Path, arguments: tuple[object, ...]) -> None:
        self.process, self.output = forked.start(code, folder, *arguments), folder / "output"

    def finish(self) -> str:
        """What it has printed, when it has ended in order."""
        self.process.join(forked.LONG)
        output = self.output.read_text()
        assert self.process.exitcode == 0, output
        return output


def indexed(python, folder: Path) -> list[str]:
    """Ids that the index itself knows, as a fresh process would find them."""
    code = """
import sys, pathlib
from memory.store import Store
with Store(pathlib.Path(sys.argv[1])) as store:
    for kind in ("attempt", "case", "repair"):
        for name, _ in store.query("attempt", kind, 1000):
            print(name)
"""
    return sorted(python(code, folder).finish().split())


# The store.


def test_an_item_is_found_by_what_it_says_and_kept_once(tmp_path):
    with Store(tmp_path) as store:
        names = store.upsert(
            [
                {
                    "kind": "repair",
                    "text": "could not convert string to float: encode the text columns",
                    "error": "e1",
                },
                {"kind": "repair", "text": "name is not defined: import it", "error": "e2"},
            ]
        )
        assert store.upsert([store.get(names[0])]) == [names[0]]
        hits = store.query("ValueError: could not convert string to float", "repair", 2)
        assert hits[0][0] == names[0]
        assert hits[0][1] > hits[1][1]
        assert [name for name, _ in store.query("anything", "repair", 5, {"error": "e2"})] == [names[1]]
        assert store.query("anything", "case", 5) == []
        assert (store.count(), store.count("repair"), store.count("case")) == (2, 2, 0)
    assert (
        item_id(dict(store.iterate())[names[0]])
        == names[0]
        == Artifacts(tmp_path / "a").put_json(store.get(names[0]))
    )


@pytest.mark.parametrize(
    "item", [{"kind": "dream", "text": "x"}, {"kind": "case", "text": " "}, {"kind": "case"}]
)
def test_an_item_that_cannot_be_found_again_is_refused(tmp_path, item):
    with Store(tmp_path) as store, pytest.raises(ValueError, match="needs a kind"):
        store.upsert([item])


@pytest.mark.parametrize("text", ["☃", "\x00", "\udcff broken output", "x" * 100_000])
def test_strange_texts_are_kept(tmp_path, text):
    with Store(tmp_path) as store:
        (name,) = store.upsert([{"kind": "repair", "text": text, "error": text[:50]}])
        assert store.query(text, "repair", 1) == [(name, 1.0)]


def test_the_index_is_made_again_from_the_items(tmp_path):
    with Store(tmp_path) as store:
        names = store.upsert(attempt_item("r", step) for step in range(5))
    shutil.rmtree(tmp_path / "index")
    with Store(tmp_path) as store:
        assert store.count() == 5
        assert store.query(store.get(names[3])["text"], "attempt", 1) == [(names[3], 1.0)]


def test_a_damaged_store_says_so_in_one_line(tmp_path):
    history = tmp_path / "history"
    with Store(history) as store:
        (name,) = store.upsert([attempt_item("r", 1)])
    (history / "index" / "chroma.sqlite3").write_bytes(b"no database" * 1000)
    mark(history / "index", look(history / "index"))
    with pytest.raises(StoreError, match="delete that folder") as caught:
        Store(history).open()
    assert "\n" not in str(caught.value)
    assert not Store(history).held
    (history / "items" / name).write_text('{"kind": "attempt", "text": "changed"}')
    with pytest.raises(UnavailableError, match="its hash is another"):
        memory.list_items(tmp_path)


def test_a_collection_opens_by_itself_and_nothing_calls_out(tmp_path):
    code = """
import pathlib, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(refuse)
import chromadb
from chromadb.config import Settings
from memory.embedding import SHIPPED
from memory.store import Store
folder = pathlib.Path(sys.argv[1])
with Store(folder) as store:
    names = store.upsert({"kind": "case", "data": "schema", "text": text} for text in ("boosted trees", "a linear model on words"))
client = chromadb.PersistentClient(path=folder / "index", settings=Settings(anonymized_telemetry=False))
collection = client.get_collection("case")
near = collection.query(query_embeddings=SHIPPED.vectors(["words"]), n_results=1)["ids"]
print(near == [names[1:]], collection.metadata)
"""
    command = [sys.executable, "-W", "error", "-c", code, tmp_path]  # what importing does counts as well
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True None"


WRITER = """
import sys, pathlib
from memory.store import Store
folder, writer = pathlib.Path(sys.argv[1]), sys.argv[2]
for step in range(0, 20, 10):
    with Store(folder) as store:
        store.upsert(
            {"kind": "attempt", "task": "t", "run": writer, "step": s, "text": f"attempt {s} of {writer}"}
            for s in range(step, step + 10)
        )
"""


def test_six_writers_at_once_lose_nothing(python, tmp_path):
    for writer in [python(WRITER, tmp_path, f"w{k}") for k in range(6)]:
        writer.finish()
    assert len(indexed(python, tmp_path)) == 120
    assert {(item["run"], item["step"]) for _, item in Store(tmp_path).iterate()} == {
        (f"w{k}", step) for k in range(6) for step in range(20)
    }


# Merging.

MERGER = """
import sys, pathlib
from memory.merge import merge
print(merge(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
"""


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_a_merge_that_is_killed_is_done_by_the_next(python, tmp_path, share):
    run, shared = tmp_path / "r" / "history", tmp_path / "history"
    with Store(run) as store:
        names = store.upsert(attempt_item("r", step) for step in range(100))
    process, ended = python(MERGER, run, shared).process, False
    while len(Store(shared).ids()) < 100 * share:
        assert not ended
        ended = process.exitcode is not None  # before the next look: it may end between the two
        time.sleep(0.001)
    process.kill()
    process.join()
    assert merge_pending(tmp_path) + 100 * share >= 1  # however far it came
    assert (run / "merged").exists()
    assert Store(shared).ids() == indexed(python, shared) == sorted(names)
    assert merge(run, shared) == 0


def test_a_run_in_progress_is_left_alone(python, tmp_path):
    run = tmp_path / "r" / "history"
    code = """
import sys, time, pathlib
from memory.store import Store
with Store(pathlib.Path(sys.argv[1])) as store:
    store.upsert([{"kind": "attempt", "task": "t", "run": "r", "step": 1, "text": "x"}])
    pathlib.Path(sys.argv[2]).touch()
    time.sleep(120)
"""
    process = python(code, run, tmp_path / "ready").process
    while not (tmp_path / "ready").exists():
        assert process.exitcode is None
        time.sleep(0.01)
    assert merge_pending(tmp_path) == 0
    with pytest.raises(StoreBusyError, match="in use by another process"), Store(run).hold(patience=0):
        pass
    process.kill()
    process.join()
    assert merge_pending(tmp_path) == 1
    assert merge_pending(tmp_path) == 0


# What a run recalls.


class Run:
    """A run's history and a hand that writes its attempts, as the evaluator does."""

    def __init__(
        self, runs: Path, run: str, mode: str = "all", cases: tuple[Case, ...] = (), data="schema"
    ) -> None:
        self.artifacts = Artifacts(runs / run / "artifacts")
        self.briefing = {
            "kinds": ["table", "classes"],
            "summary": "a table of 3 classes",
            "signature": "train/test",
        }
        self.history = RunHistory(
            folder=runs / run / "history",
            shared=runs / "history",
            artifacts=self.artifacts,
            cases=cases,
            mode=mode,
            task="t",
            data=data,
            run=run,
            ast_key=str.strip,
            signature=lambda briefing: briefing["signature"],
        )

    def state(self, head: str = "", script: str = "", error: str = "", case: str = "") -> RunState:
        return RunState(
            task={"name": "t", "direction": "max", "briefing": self.artifacts.put_json(self.briefing)},
            head=head,
            script=self.artifacts.put(script) if script else "",
            run={"error": error},
            plan={"case": case},
        )

    def attempt(
        self, parent: str, step: int, *, script: str = "", error: str = "", case: str = "", score=None
    ) -> str:
        attempt = {
            "kind": "attempt",
            "parent": parent,
            "step": step,
            "plan": {"action": "apply" if case else "improve", "case": case},
            "script": self.artifacts.put(script or f"script {step}"),
            "ast": (script or f"script {step}").strip(),
            "score_before": 0.5,
            "score": score,
            "status": "crash" if error else "discard",
            "error": error,
        }
        self.history.remember(attempt | {"text": f"attempt {step}"})
        return self.artifacts.put_json(attempt)

    def win(self, script: str, score: float, step: int = 3, **more) -> str:
        item = {
            "kind": "case",
            "name": f"won-{script}",
            "title": "boosted trees",
            "text": "boosted trees. a table of 3 classes",
            "script": script,
            "score": score,
            "step": step,
            "kinds": self.briefing["kinds"],
            "signature": self.briefing["signature"],
        }
        return self.history.remember(item | more)

    def recall(self, node: str, state: RunState) -> list[dict]:
        return [
            self.artifacts.json(item["id"]) | item for item in self.history.recall(node, SHIPPED[node], state)
        ]

    def names(self, node: str, state: RunState) -> list[str]:
        return [item["name"] for item in self.recall(node, state) if item["kind"] == "case"]


def bank_case(name: str, rank: int, kind: str = "table") -> Case:
    return Case(
        name=name,
        title=f"try {name}",
        kinds=[kind],
        excludes=[],
        rank=rank,
        idea="It works.",
        template=f"print({name!r})\n",
        edit=None,
    )


BANK = (bank_case("b", 2), bank_case("a", 1), bank_case("c", 3), bank_case("text", 1, "text"))


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def test_the_menu_leaves_out_what_this_branch_has_tried(runs):
    run = Run(runs, "r", cases=BANK)
    assert run.names("planner", run.state()) == ["a", "b", "c"]
    (first, *_) = run.history.recall("planner", SHIPPED["planner"], run.state())
    assert (first["source"], first["similarity"]) == ("cases/a", 1.0)
    head = run.attempt("", 4, case=first["id"])
    assert run.names("planner", run.state(head)) == ["b", "c"]
    assert run.names("planner", run.state()) == ["a", "b", "c"]
    assert run.names("planner", RunState()) == []
    run.history.close_and_merge()


def test_what_a_run_saw_of_data_that_stay_is_shown_to_no_task_whose_data_may_leave(runs):
    for name, data in (("private", "stays"), ("usual", "schema"), ("open", "samples")):
        run = Run(runs, name, data=data)
        run.win(f"print({name!r})", 0.9)
        run.history.remember({"kind": "repair", "error": "E", "what": name, "text": f"{name}: E"})
        run.history.close_and_merge()
    with Store(runs / "history") as store:  # of a version that wrote no word on the data
        old = {"kind": "repair", "error": "E", "what": "old", "text": "old: E", "task": "t", "run": "old"}
        # More than are looked at, and nearer: whoever filters afterwards finds nothing else.
        many = [old | {"data": "stays", "what": f"{i}", "text": f"E E E {i}"} for i in range(WIDE + 1)]
        store.upsert([old, *many])
        near = {store.get(name)["data"] for name, _ in store.query("E", "repair", WIDE, {"error": "E"})}
    assert near == {"stays"}
    for data, found in (("schema", {"usual", "open"}), ("samples", {"usual", "open"})):
        run = Run(runs, f"next-{data}", data=data)
        assert set(run.names("planner", run.state())) == {f"won-print({name!r})" for name in found}
        assert {item["what"] for item in run.recall("coder", run.state(error="E"))} == found
        run.history.close_and_merge()
    run = Run(runs, "next-stays", data="stays")
    assert "won-print('private')" in run.names("planner", run.state())
    assert not {item["what"] for item in run.recall("coder", run.state(error="E"))} & {"usual", "open"}
    run.history.close_and_merge()


def test_the_menu_is_short(runs):
    run = Run(runs, "r", cases=tuple(bank_case(f"c{k:02}", k) for k in range(20)))
    assert run.names("planner", run.state()) == [f"c{k:02}" for k in range(CASES)]


def test_a_branch_never_sees_another_branchs_attempts(runs):
    run = Run(runs, "r")
    root = run.attempt("", 1, script="starter")
    left = run.attempt(run.attempt(root, 5, script="left 1"), 9, script="left 2", error="E")
    right = run.attempt(root, 6, script="right")
    run.history.remember(
        {
            "kind": "repair",
            "error": "E",
            "what": "w",
            "text": "E: w",
            "step": 9,
            "script": run.artifacts.put("left 2"),
        }
    )
    for mode in ("run", "all", "off"):
        run.history.mode = mode
        assert run.recall("executor", run.state(right, script="left 1")) == []
        assert [i["step"] for i in run.recall("executor", run.state(left, script="  left 1\n"))] == [5]
        assert run.recall("evaluator", run.state(right, error="E")) == []
        assert [i["step"] for i in run.recall("evaluator", run.state(left, error="E"))] == [9]
    run.history.mode = "all"
    assert [i["step"] for i in run.recall("expert", run.state(left))] == [1, 5, 9]
    assert [i["step"] for i in run.recall("planner", run.state(right))] == [6, 1]
    assert run.recall("coder", run.state(right, error="E")) == []
    assert [i["what"] for i in run.recall("coder", run.state(left, error="E"))] == ["w"]
    run.history.close_and_merge()  # its own items come back in the shared store: still not for the other branch
    assert run.recall("coder", run.state(right, error="E")) == []
    run.history.close_and_merge()


def test_the_planner_is_reminded_of_the_best_and_of_the_newest(runs):
    run, head = Run(runs, "r"), ""
    for step, score in enumerate([0.9, None, 0.6, 0.8, 0.7, 0.1, None]):
        head = run.attempt(head, step, score=score)
    assert [i["step"] for i in run.recall("planner", run.state(head))] == [0, 3, 4, 6]
    for step in range(7, 20):
        head = run.attempt(head, step)
    assert [i["step"] for i in run.recall("expert", run.state(head))] == list(range(20 - CHAIN, 20))
    run.history.close_and_merge()


def test_the_coder_gets_its_case_and_repairs_by_exact_error_first(runs):
    other = Run(runs, "other")
    fp = "ValueError: could not convert string to float"
    exact = {
        "kind": "repair",
        "error": fp,
        "what": "encode the text columns",
        "text": "quite another wording",
        "step": 1,
    }
    near = exact | {"error": "E2", "what": "use get_dummies", "text": f"{fp}: use get_dummies"}
    far = exact | {"error": "E3", "what": "import it", "text": "NameError: pd"}
    for item in (far, near, exact, exact | {"step": 2}):
        other.history.remember(item)
    other.history.close_and_merge()
    run = Run(runs, "r", cases=BANK)
    case = run.history.recall("planner", SHIPPED["planner"], run.state())[0]["id"]
    found = run.recall("coder", run.state(error=fp, case=case))
    assert [i.get("what", i.get("name")) for i in found] == [
        "a",
        "encode the text columns",
        "use get_dummies",
    ]
    assert found[1]["source"].split("/")[0] == "other"
    assert found[1]["similarity"] == 1.0 > found[2]["similarity"] > 0.6
    assert [i["kind"] for i in run.recall("coder", run.state(case=case))] == ["case"]
    for mode, expected in (("run", ["case"]), ("off", [])):
        run.history.mode = mode
        assert [i["kind"] for i in run.recall("coder", run.state(error=fp, case=case))] == expected


def test_winners_of_other_runs_come_first_on_data_of_the_same_shape_only(runs):
    for name, scores in (("one", (0.7, 0.9)), ("two", (0.8,))):
        other = Run(runs, name)
        for score in scores:
            other.win(f"script of {score}", score)
        other.win("other columns", 1.0, signature="other")
        other.win("other kind", 1.0, kinds=["table", "regression"])
        other.history.close_and_merge()
    run = Run(runs, "r", cases=BANK)
    run.win("my own", 1.0)
    found = run.recall("planner", run.state())
    assert [i.get("script", i["name"]) for i in found] == ["script of 0.9", "script of 0.8", "a", "b", "c"]
    assert found[0]["source"] == "one/3 t"
    head = run.attempt("", 1, case=found[0]["id"])
    assert [i.get("script") for i in run.recall("planner", run.state(head))[:2]] == ["script of 0.8", None]
    run.history.mode = "run"
    assert run.names("planner", run.state()) == ["a", "b", "c"]
    run.history.mode = "off"
    assert run.history.recall("planner", SHIPPED["planner"], run.state()) == []
    run.history.close_and_merge()


def test_remembering_twice_is_once_and_a_resumed_run_is_merged_again(runs):
    run = Run(runs, "r")
    item = {"kind": "attempt", "step": 1, "text": "a deeper tree"}
    name = run.history.remember(item)
    assert run.history.remember(item) == name
    assert run.artifacts.json(name) == item | {"task": "t", "data": "schema", "run": "r"}
    run.history.close_and_merge()
    run.history.remember(item | {"step": 2})
    run.history.close_and_merge()
    assert [i["step"] for _, i in sorted(Store(runs / "history").iterate(), key=lambda e: e[1]["step"])] == [
        1,
        2,
    ]


# The commands.


def test_list_show_and_export(runs, tmp_path):
    bank = len(memory.list_items(runs))
    with Store(runs / "r" / "history") as store:
        names = store.upsert([attempt_item("r", 2), attempt_item("r", 11, task="u"), attempt_item("r", 1)])
    items = memory.list_items(runs)  # merges what was left behind
    assert [i["step"] for i in items[:3]] == [1, 2, 11]
    assert all(set(i) == {"id", "kind", "task", "run", "step", "text"} for i in items)
    assert [i["run"] for i in items[3:]] == ["bank"] * bank
    assert [i["id"] for i in memory.list_items(runs, kind="attempt", task="u")] == [names[1]]
    assert memory.show_item(runs, names[0][:12])["step"] == 2
    assert memory.export(runs, tmp_path / "out.jsonl") == 3 + bank
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {line["id"] for line in lines} == {i["id"] for i in items}
    for call in (
        lambda: memory.show_item(runs, "zzz"),
        lambda: memory.show_item(runs, ""),
        lambda: memory.forget(runs, "zzz"),
        lambda: memory.forget(runs),
        lambda: memory.list_items(runs, kind="dream"),
        lambda: memory.export(runs, tmp_path / "no" / "out"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_what_is_forgotten_stays_forgotten(python, runs):
    run = runs / "r" / "history"
    with Store(run) as store:
        names = store.upsert(attempt_item("r", step, task="t" if step < 3 else "u") for step in range(5))
    assert memory.forget(runs, names[0][:12]) == 1
    assert memory.forget(runs, task="u") == 2
    with pytest.raises(UsageError, match="unknown task 'nothing'; there is t"):
        memory.forget(runs, task="nothing")
    (run / "merged").unlink()
    assert merge_pending(runs) == 0
    kept = sorted(names[1:3])
    assert sorted(i["id"] for i in memory.list_items(runs, kind="attempt")) == kept
    assert indexed(python, runs / "history") == kept
    assert forgotten(runs / "history") == set(names) - set(kept)
    assert Store(run).ids() == indexed(python, run) == kept


def test_a_case_of_the_bank_cannot_be_forgotten(runs):
    (bank, *_) = [i for i in memory.list_items(runs) if i["run"] == "bank"]
    with pytest.raises(UsageError, match="bank"):
        memory.forget(runs, bank["id"])


def test_looking_at_nothing_leaves_nothing_behind(runs):
    memory.list_items(runs)
    assert not runs.exists()


def test_a_card_that_was_forgotten_comes_back_with_a_later_run_alone(tmp_path):
    """All runs of a task make the same card: what is forgotten is what those before have made."""
    about = {"kind": "card", "run": "", "text": "a table of 3 classes", "signature": "s", "task": "t"}
    old = Run(tmp_path, "old")
    first = old.history.remember(about)
    old.history.close_and_merge()
    assert memory.forget(tmp_path, task="t") == 1
    shutil.copy(tmp_path / "old/artifacts" / first, tmp_path / "old/history/items" / first)
    (tmp_path / "old/history/merged").unlink()
    assert merge_pending(tmp_path) == 0
    for name in ("new", "newer"):
        run = Run(tmp_path, name)
        run.history.remember(about)
        run.history.close_and_merge()
        (line,) = memory.list_items(tmp_path, kind="card")
        assert line["id"] != first
    assert memory.forget(tmp_path, line["id"]) == 1
    again = Run(tmp_path, "again")
    assert again.history.remember(about) not in (first, line["id"])
    again.history.close_and_merge()
    assert len(memory.list_items(tmp_path, kind="card")) == 1
