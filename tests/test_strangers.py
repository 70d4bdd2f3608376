"""A stranger's task folder, graph or run: to look at it executes none of his code."""

import contextlib
import gc
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import ormsgpack
import pytest
import tiny
from fault_server import FaultServer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Interrupt
from recorded import GRAPH, MODELS
from test_damage import only

import prompts
from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import RunFailedError, UnavailableError
from budgetmlagent.records.closed import ForeignError, PlainSerializer
from budgetmlagent.records.rundir import read_json
from graphs.contract import NodeContractError, declared_fields, shared_fields, supplied
from graphs.outside import told_of_prompts
from graphs.seen import see_node
from graphs.spec import GraphSpec
from memory.artifacts import canonical
from memory.items import StoreError
from memory.store import Store
from nodes.declares import recalls_of, role_of

ROOT = Path(__file__).parents[1]

# -- a checkpoint that names a function


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The runs' folder of a run that stands before its end."""
    runs = tmp_path_factory.mktemp("made")
    Session("digits", GRAPH, MODELS, turns=8, history="run", runs_dir=runs).run(until=4)
    return runs


@pytest.fixture
def runs(made, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made, tmp_path / "runs"))


class Pickled:
    """What pickle makes by calling a function."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def object_of(code: int, *given) -> bytes:
    """The bytes of a checkpoint whose state has an object that is made by calling what is named."""
    return ormsgpack.packb({"channel_values": {"plan": [ormsgpack.Ext(code, ormsgpack.packb(given))]}})


def calls_the_shell(marker: Path) -> tuple[str, bytes]:
    return "msgpack", object_of(0, "os", "system", f"touch {marker}")


def calls_with_names(marker: Path) -> tuple[str, bytes]:
    return "msgpack", object_of(2, "subprocess", "run", {"args": ["touch", str(marker)]})


def calls_within_a_question(marker: Path) -> tuple[str, bytes]:
    inner = ormsgpack.Ext(0, ormsgpack.packb(("os", "system", f"touch {marker}")))
    return "msgpack", object_of(2, "langgraph.types", "Interrupt", {"value": inner, "id": "1"})


def is_of_no_plain_type(marker: Path) -> tuple[str, bytes]:
    return "msgpack", object_of(1, "re", "compile", ["(a*)*b", 0])  # LangGraph's strict list lets it pass


def is_json_of_an_object(marker: Path) -> tuple[str, bytes]:
    return "json", json.dumps({"lc": 2, "type": "constructor", "id": ["os", "system"]}).encode()


def is_a_pickle(marker: Path) -> tuple[str, bytes]:
    return "pickle", pickle.dumps(Pickled(marker))


HARMFUL = (calls_the_shell, calls_with_names, calls_within_a_question)
FOREIGN = (*HARMFUL, is_of_no_plain_type, is_json_of_an_object, is_a_pickle)


def plant(runs: Path, kind: str, content: bytes, table: str = "checkpoints") -> None:
    column = {"checkpoints": "checkpoint", "writes": "value"}[table]
    with contextlib.closing(sqlite3.connect(only(runs) / "checkpoints.sqlite")) as db:
        db.execute(f"UPDATE {table} SET type = ?, {column} = ?", (kind, content))
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


COMMANDS = (
    ["show"], ["why"], ["why", "1"], ["cost"], ["list"], ["doctor"], ["doctor", "--rebuild"], ["clean"],
    ["export", "--out", "out.zip"], ["resume"], ["graph", "gate", "budgetml"], ["graph", "draw", "--run"],
)  # fmt: skip
# What is told without a look at the states, or of many runs at once: the others are told all the same.
NO_STATE = ("cost", "list", "clean")


def tell(command: list[str], runs: Path) -> tuple[int, str, str]:
    """Run a command on the one run: status, standard output and standard error."""
    run = [] if command[0] in ("list", "clean") else [only(runs).name]
    at = len(command) if command[0] == "graph" else 1
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = call([*command[:at], *run, *command[at:], "--runs-dir", str(runs)])
    gc.collect()  # a connection would keep its lock
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("harm", HARMFUL)
def test_without_the_guard_what_a_checkpoint_names_is_called(runs, tmp_path, harm):
    plant(runs, *harm(tmp_path / "marker"))
    with contextlib.closing(sqlite3.connect(only(runs) / "checkpoints.sqlite")) as db:
        list(SqliteSaver(db).list(None))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_a_checkpoint_names_is_not_made(tmp_path, foreign):
    with pytest.raises(ForeignError):
        PlainSerializer().loads_typed(foreign(tmp_path / "marker"))
    assert not (tmp_path / "marker").exists()


# The others meet the same lines of the serializer.
COMMANDED = (calls_the_shell, is_a_pickle)


@pytest.mark.parametrize(
    "foreign", [each if each in COMMANDED else pytest.param(each, marks=pytest.mark.soak) for each in FOREIGN]
)
def test_no_command_makes_what_a_checkpoint_names(runs, tmp_path, foreign):
    plant(runs, *foreign(tmp_path / "marker"))
    for command in COMMANDS:
        status, out, err = tell(command, runs)
        assert not (tmp_path / "marker").exists(), command
        if command[0] not in NO_STATE:
            told = out if command[0] == "doctor" else err
            assert status in (1, 3) and "holds what is none of budgetml's: " in told, (command, told)
            assert f"of run {only(runs).name}" in told and told.count("do not open it") <= len(
                told.splitlines()
            )
    with pytest.raises(UnavailableError, match="do not open it"):
        Session.open(only(runs))
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("harm", HARMFUL)
def test_what_a_step_had_written_is_not_made_either(runs, tmp_path, harm):
    plant(runs, *harm(tmp_path / "marker"), table="writes")
    status, _, err = tell(["show"], runs)
    assert status == 3 and "do not open it" in err and not (tmp_path / "marker").exists()


def test_a_run_is_not_replayed_by_its_states(runs, tmp_path):
    plant(runs, *calls_the_shell(tmp_path / "marker"))
    replay = ["--models", f"replay:{only(runs)}", "--graph", GRAPH, "--turns", "8", "--runs-dir", "other"]
    with contextlib.redirect_stderr(io.StringIO()):
        call(["run", "digits", *replay])
    assert not (tmp_path / "marker").exists()


def test_what_a_name_says_is_not_printed_as_it_stands(runs, tmp_path):
    plant(runs, "msgpack", object_of(0, "os\x1b]0;title\x07", "system", "x"))
    status, _, err = tell(["show"], runs)
    assert status == 3 and "holds what is none of budgetml's: an object" in err and "\x1b" not in err


@pytest.mark.parametrize("value", [None, {"a": [1, 2.5, "x", None, True]}, [Interrupt({"usd": 1}, id="i")]])
def test_what_a_state_holds_comes_back(value):
    plain = PlainSerializer()
    assert plain.loads_typed(plain.dumps_typed(value)) == value


@pytest.mark.parametrize("value", [{"a": {1, 2}}, Path("x"), [Interrupt(Path("x"), id="i")]])
def test_what_could_not_be_read_is_not_written(value):
    with pytest.raises(NodeContractError, match="a node wrote "):
        PlainSerializer().dumps_typed(value)


def test_bytes_are_no_state():
    with pytest.raises(ForeignError, match="bytes"):
        PlainSerializer().loads_typed(("bytes", b"x"))


# -- modules of the current folder


TRAP = "from pathlib import Path\nPath({marker!r}).touch()\n"
TRAPS = (
    "org", "yaml", "numpy", "pandas", "simplejson", "typing_extensions", "sitecustomize", "usercustomize", "json", "re",
    "pip", "prompts", "nodes", "graphs", "budgetmlagent", "task", "uvloop", "orjson", "brotli", "h2", "socksio", "regex",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A stranger's folder: modules with the names of others, each of which leaves a marker."""
    place = tmp_path / "folder"
    place.mkdir()
    for name in TRAPS:
        (place / f"{name}.py").write_text(TRAP.format(marker=str(tmp_path / "marker")))
    monkeypatch.chdir(place)
    return place


def budgetml(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the console script as a person does in the folder."""
    return subprocess.run(
        [Path(sys.executable).parent / "budgetml", *words],
        env=os.environ | environment, capture_output=True, text=True, check=False, timeout=6000,
    )  # fmt: skip


ONE_BY_ONE = """
import json, sys
from budgetmlagent.cli import call
for command in json.loads(sys.argv[1]):
    print("ended:", call(command), command, flush=True)
"""


def one_by_one(commands: list[list[str]]) -> subprocess.CompletedProcess[str]:
    """Run these commands in one process that has imported nothing of the folder."""
    return subprocess.run(
        [sys.executable, "-P", "-c", ONE_BY_ONE, json.dumps(commands)],
        capture_output=True, text=True, check=False, timeout=6000,
    )  # fmt: skip


def test_with_the_folder_on_the_path_a_trap_is_sprung(folder, tmp_path):
    code = "import sys; sys.path.append('.'); from budgetmlagent.cli import call; call(['--help'])"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True)
    assert (tmp_path / "marker").exists()


def test_no_command_imports_what_lies_in_the_folder(folder, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    run = str(only(runs))
    commands = [
        ["--help"], ["run", "--help"], ["run", "digits", "--dry-run"], ["show", run], ["why", run], ["cost", run],
        ["list"], ["clean", "--dry-run"], ["doctor"], ["doctor", run, "--rebuild"], ["export", run], ["resume", run],
        ["graph", "lint", "budgetml"], ["graph", "show", "budgetml"], ["graph", "draw", "recall", "--out", "g.svg"],
        ["graph", "gate", "budgetml", run], ["graph", "draw", "--run", run], ["graph", "diff", "paper", "budgetml"],
        ["models", "list"], ["models", "check", "--help"], ["memory", "--help"], ["memory", "list"],
        ["new", "graph", "mine"], ["new", "node", "critique"], ["new", "task", "--help"],
    ]  # fmt: skip
    assert "Traceback" not in budgetml("--help").stderr
    assert not (tmp_path / "marker").exists()
    done = one_by_one(commands)
    assert "Traceback" not in done.stderr and done.stdout.count("ended: ") == len(commands), done.stderr
    assert not (tmp_path / "marker").exists(), done.stdout


def test_to_look_at_a_run_imports_nothing_that_only_a_run_needs(runs):
    heavy = ["langsmith", "langgraph.types", "chromadb", "openai", "numpy", "pandas"]
    code = f"import sys; from budgetmlagent.cli import call; call(sys.argv[1:]); print(set({heavy}) & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "show", str(only(runs))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("set()\n"), done.stdout[-200:]


def test_a_folder_that_says_it_is_the_repository_runs_no_program_of_its_own(folder, tmp_path):
    (folder / "pyproject.toml").write_text('[project]\nname = "budgetmlagent"\n')
    (folder / "budgetmlagent").mkdir()
    (folder / "tests").mkdir()
    (folder / "tests" / "generated.py").write_text(TRAP.format(marker=str(tmp_path / "marker")))
    done = budgetml("new", "node", "critique")
    assert done.returncode == 0 and not (tmp_path / "marker").exists(), done.stderr


def test_programs_that_are_started_do_not_look_there_either(folder, tmp_path):
    """`python -m` puts the current folder before all else."""
    for module in ("budgetmlagent.models.embedded.server", "pip"):
        subprocess.run(
            [sys.executable, "-P", "-m", module, "--help"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600,
        )  # fmt: skip
    assert not (tmp_path / "marker").exists()
    started = "\n".join(p.read_text() for p in (ROOT / "budgetmlagent").rglob("*.py"))
    assert re.findall(r'sys\.executable, "-m"', started) == []


def test_the_memory_takes_no_settings_of_the_folder(folder):
    """Chroma reads a `.env` of the current folder, which names classes to import."""
    from chromadb.config import Settings

    (folder / ".env").write_text("CHROMA_API_IMPL=org.Api\n")
    assert Settings().chroma_api_impl == "org.Api"
    with Store(folder / "history") as store:
        assert store.count() == 0


# -- a graph that names a function

NODE = """\
from pathlib import Path
from typing import Literal, TypedDict

from graphs.policy import Verdict
from memory.state import Shared
from nodes.declares import declares

Path({marker!r}).touch()


class Update(TypedDict, total=False):
    notes: dict
    fault: Shared[dict]


@declares(role="expert", recalls=("cases", "attempts"))
def critic(state, deps) -> Update:
    return {{"notes": deps.prompts("x", plan=1)}} if state.turn > 9 else {{}}


async def waits(state, deps) -> Update: ...


def alone(state) -> Update: ...


def silent(state, deps): ...


def tired(state, hours: int, how: "Literal['a', 'b']" = "a") -> Verdict:
    return Verdict(state.turn > hours, {{"turn": state.turn}})


number = 7
made = (lambda: tired)()
again = critic
"""
MINE = """\
name: mine
start: critic
nodes:
  critic: {{run: {run}}}
rules:
  critic:
    - {{when: {when}, to: END}}
    - {{to: END}}
"""


def named(run: str = "theirs.parts:critic", when: str = "theirs.parts:tired, hours: 3") -> str:
    return MINE.format(run=run, when=when)


@pytest.fixture
def graph(folder, tmp_path) -> Path:
    """A stranger's graph beside his package, whose parents run code too."""
    (folder / "theirs").mkdir()
    for name, text in {
        "__init__": TRAP,
        "parts": NODE,
        "again": "from .parts import critic, tired\n" + TRAP,
    }.items():
        (folder / "theirs" / f"{name}.py").write_text(text.format(marker=str(tmp_path / "marker")))
    (folder / "theirs" / "p.md").write_text("## user\n{{ plan }}\n")
    (folder / "mine.yaml").write_text(named())
    yield folder / "mine.yaml"
    sys.path[:] = [each for each in sys.path if each != str(folder)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


def test_to_look_at_a_graph_imports_nothing_and_to_run_it_says_whose_code_it_is(graph, tmp_path):
    looks = [
        ["graph", what, "mine.yaml", *more]
        for what, *more in (["lint"], ["show"], ["draw"], ["diff", "budgetml"])
    ]
    done = one_by_one([*looks, ["run", "digits", "--graph", "mine.yaml", "--dry-run"]])
    assert (
        re.findall(r"^ended: (\d)", done.stdout, re.MULTILINE) == ["0", "0", "0", "1", "0"]
        and not done.stderr
    )
    assert not (tmp_path / "marker").exists(), done.stdout
    done = budgetml("graph", "lint", "--import", "mine.yaml")
    assert (tmp_path / "marker").exists() and done.returncode == 0
    place = graph.parent / "theirs" / "parts.py"
    assert done.stderr == f"budgetml: runs code that is not its own: theirs.parts ({place})\n"


def test_a_dry_run_imports_no_class_of_a_models_file(graph, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(graph.parent)
    theirs = "{chat: 'theirs.parts:Chat', model: x, price: 0}"
    Path("theirs.yaml").write_text(f"models:\n  small: {theirs}\n  large: {theirs}\n")
    assert call(["run", "digits", "--models", "theirs.yaml", "--dry-run"]) == 0
    assert not (tmp_path / "marker").exists() and not capsys.readouterr().err
    assert call(["run", "digits", "--models", "theirs.yaml"]) == 2
    assert (tmp_path / "marker").exists() and "code that is not its own: theirs" in capsys.readouterr().err


def test_a_session_looks_at_its_graph_without_it_until_it_runs(graph, runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(graph.parent)
    session = Session("digits", str(graph), MODELS, turns=1, runs_dir=tmp_path / "new", history="off")
    assert session.graph.findings() == [] and session.next == "critic" and session.summary["steps"] == 0
    tell(["show"], tmp_path / "new")
    assert "theirs" not in sys.modules and not (tmp_path / "marker").exists()
    with pytest.raises(RunFailedError):  # the graph runs no script
        session.step()
    assert (tmp_path / "marker").exists() and "theirs.parts" in capsys.readouterr().err


def test_a_prompt_of_a_package_does_not_import_it(graph, tmp_path):
    graph.write_text(named().replace("parts:critic", "parts:critic, prompt: theirs:p.md, ladder: [recall]"))
    assert GraphSpec.load(graph, check=False).findings() == [] and not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (named(when="theirs.parts:tired, hour: 3"), "unexpected argument 'hour' .did you mean 'hours'"),
        (named(when="theirs.parts:tired, hours: x"), "hours='x': input should be a valid integer"),
        (named(when="theirs.parts:tired, hours: 1, how: c"), "how='c': input should be 'a' or 'b'"),
        (named(when="theirs.parts:tird, hours: 3"), "has no 'tird' .did you mean 'tired'"),
        (named(when="theirs.parts:number"), "is no function but int"),
        (named("theirs.parts:waits"), "is async: a node is a plain function"),
        (named("theirs.parts:alone"), "takes two arguments"),
        (named("theirs.parts:silent"), "annotate its return with a TypedDict"),
        (named("theirs.part:critic"), "no module 'theirs.part'"),
        (named("theirs.parts.deep:critic"), "no module 'theirs.parts.deep'"),
    ],
)
def test_what_the_source_says_is_judged_without_running_it(graph, tmp_path, text, words):
    graph.write_text(text)
    findings = GraphSpec.load(graph, check=False).findings()
    assert re.search(words, findings[0].what) and not (tmp_path / "marker").exists()


def test_what_a_function_declares_is_read(graph, tmp_path):
    for name in ("theirs.parts:critic", "theirs.again:critic", "theirs.parts:again"):
        function = see_node(name)
        assert (role_of(function), recalls_of(function)) == ("expert", ("cases", "attempts"))
        assert declared_fields(function) == {"notes", "fault"} and shared_fields(function) == {"fault"}
        assert supplied(function) == {"plan"}
        assert function is see_node("theirs.parts:critic")
    assert not (tmp_path / "marker").exists()


def test_what_the_source_does_not_say_is_a_note(graph, tmp_path):
    graph.write_text(named("theirs.parts:made"))
    done = budgetml("graph", "lint", "mine.yaml")
    assert done.returncode == 0 and not (tmp_path / "marker").exists()
    assert (
        "mine.yaml:4:3: note: node 'critic': theirs.parts:made was not judged, as its code was not run"
        in done.stdout
    )
    done = budgetml("graph", "lint", "--import", "mine.yaml")
    assert done.returncode == 2 and "annotate its return" in done.stdout


HOSTILE = (
    "def f(state, x: \"__import__('pathlib').Path({m!r}).touch()\"): ...",
    "def f(state, x: list[\"__import__('pathlib').Path({m!r}).touch()\"]): ...",
    "def f(state, x=__import__('pathlib').Path({m!r}).touch()): ...",
    "from typing import Annotated\ndef f(state, x: Annotated[int, __import__('pathlib').Path({m!r}).touch()]): ...",
    "from graphs.registry import imported\ndef f(state, x: imported): ...",
    "from typing import TypedDict\nclass A(TypedDict):\n    a: 'A'\ndef f(state, x: A): ...",
    "A = B\nB = A\ndef f(state, x: A): ...",
    "from hostile import f",
    "def f(state, x: " + "|".join(["int"] * 5000) + "): ...",
    "f = " + "(" * 5000 + ")" * 5000,
    "\0",
    "if 1: pass\n" + "elif 1: pass\n" * 3000 + "def f(state, x): ...",
    "@__import__('pathlib').Path({m!r}).touch\ndef f(state, x): ...",
    "class f(__import__('pathlib').Path({m!r}).touch()): ...",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_source_that_means_harm_is_read_as_text(folder, tmp_path, text):
    (folder / "hostile.py").write_text(text.replace("{m!r}", repr(str(tmp_path / "marker"))))
    (folder / "mine.yaml").write_text(named("planner", "hostile:f, x: [theirs.parts:critic]"))
    (folder / "theirs.py").write_text(TRAP.format(marker=str(tmp_path / "marker")))
    spec = GraphSpec.load("mine.yaml", check=False)
    assert all("\n" not in finding.what for finding in spec.findings())
    assert not (tmp_path / "marker").exists()


def interrupt(value: object) -> ormsgpack.Ext:
    return ormsgpack.Ext(2, ormsgpack.packb(("langgraph.types", "Interrupt", {"value": value, "id": "1"})))


QUESTION = {"step": 1, "node": "planner", "model": "small", "usd": 0.5, "left_usd": 1.0}
KNOWN = [interrupt(QUESTION)]
NO_QUESTIONS = (
    5, "abc", [], [[[]]], [1], {"a": 1}, [interrupt(7)], [interrupt([[1, 2]])], [interrupt({"step": 1})],
    [interrupt(QUESTION | {"usd": "much"})], [interrupt(QUESTION | {"node": [[]]})], [interrupt(QUESTION)] * 2,
)  # fmt: skip


def test_a_question_of_no_known_form_is_one_line(tmp_path, capsys):
    with FaultServer(respond=tiny.team) as server:
        waits = tiny.session(tmp_path, server.url, turns=1, approve="all")
        waits.run()
    run, file, place = waits.run_id, waits.folder.checkpoints, ["--runs-dir", str(tmp_path / "runs")]
    assert waits.question
    del waits
    gc.collect()
    command = ["resume", run, *place]
    for written in (*NO_QUESTIONS, KNOWN):
        with contextlib.closing(sqlite3.connect(file)) as db, db:
            asked = "UPDATE writes SET value = ? WHERE channel = '__interrupt__'"
            db.execute(asked, [ormsgpack.packb(written)])
        if written is KNOWN:
            assert call(command) == 130  # in the known form it is asked
            continue
        assert call(command) == 3, written
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("budgetml: ") and "not by a question of budgetml's" in last, written


def test_a_prompt_from_elsewhere_is_told_and_a_pipe_is_none(tmp_path, monkeypatch, capsys):
    here, elsewhere = tmp_path / "here", tmp_path / "diary.md"
    here.mkdir()
    monkeypatch.chdir(here)
    elsewhere.write_text("## user\nDear diary")
    Path("mine.md").write_text("## user\nhello")
    Path("linked.md").symlink_to(elsewhere)
    told_of_prompts(["coder", "mine.md", "prompts:coder.md", str(elsewhere), "../diary.md", "linked.md"])
    assert (
        capsys.readouterr().err.splitlines()
        == [f"budgetml: models are shown a file from elsewhere as a prompt: {elsewhere}"] * 3
    )
    os.mkfifo("pipe.md")
    for name, text in (("pipe.md", None), ("large.md", "x" * 300_000)):
        if text:
            Path(name).write_text(text)
        with pytest.raises(OSError, match="is no plain file"):
            prompts.render(name)


ODD = {
    "ended.json": ({"seconds": "abc"}, {"reason": ["x"]}, {"status": 1}, {"integrity": []}),
    "final.json": ({"private_best": "high"}, {"attempt": 3}, {"private_noise": {}}),
    "sealed.json": ({"env/train.csv": 1},),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in ODD for value in ODD[name]])
def test_a_small_file_of_another_shape_is_one_line(tmp_path, name, value):
    (tmp_path / name).write_text(json.dumps(value))
    with pytest.raises(UnavailableError, match=rf"{name}: damaged \(.*--rebuild") as raised:
        read_json(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [
        [],
        1,
        {},
        {"kind": 1, "text": ""},
        {"kind": "case", "text": "x", "score": "1"},
        {"kind": "case", "text": "x", "kinds": 1},
    ],
)
def test_an_item_of_another_shape_is_one_line(tmp_path, value):
    store = Store(tmp_path)
    content = canonical(value)
    name = hashlib.sha256(content).hexdigest()
    (tmp_path / "items").mkdir()
    (tmp_path / "items" / name).write_bytes(content)
    with pytest.raises(StoreError, match=f"{name} is no item of the memory"):
        store.get(name)
