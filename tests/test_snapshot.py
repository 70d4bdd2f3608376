"""Snapshots of a workspace: what is kept of what a script left, and that it comes back as it was and nowhere else."""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer
from hypothesis import given
from hypothesis import strategies as st
from test_recordings import RECORDINGS, replay

from budgetmlagent import Session
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.execution import ScriptSandbox
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.snapshot import (
    LEAST,
    LONGEST,
    MOST_FILE,
    MOST_HASHED,
    MOST_NAMES,
    restore,
    take,
    tamed,
)
from budgetmlagent.tasks.folder import load_task
from budgetmlagent.upkeep.references import EXECUTION, Name, lost
from memory.artifacts import Artifacts
from nodes.deps import Here


@pytest.fixture
def place(tmp_path):
    """A workspace, and a store beside it."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work", Artifacts(tmp_path / "artifacts")


def manifest_of(place, data=None, **options):
    folder, artifacts = place
    return artifacts.json(take(folder, artifacts, data or {}, **options))


def by_path(manifest):
    return {file["path"]: file for file in manifest["files"]}


def stored(artifacts: Artifacts) -> int:
    return sum(path.stat().st_size for path in artifacts.folder.iterdir())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_comes_back_is_what_was_there(place, tmp_path):
    folder, artifacts = place
    contents = {"train.py": b"print(1)\n", "out/deep/model.bin": os.urandom(3 << 20), "empty": b""}
    modes = {"train.py": 0o755, "out/deep/model.bin": 0o640, "empty": 0o400}
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / name).chmod(modes[name])
    manifest = manifest_of(place)
    assert {name: (f["size"], f["mode"], f["sha256"], f["stored"], f["why"]) for name, f in by_path(manifest).items()} == {
        name: (len(content), modes[name], sha256(content), True, "") for name, content in contents.items()
    }  # fmt: skip
    assert sorted(restore(manifest, artifacts, tmp_path / "new" / "place")) == sorted(contents)
    for name, content in contents.items():
        path = tmp_path / "new" / "place" / name
        assert path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == modes[name]


def test_the_same_again_adds_no_byte_and_a_change_leaves_the_first_as_it_was(place, tmp_path):
    folder, artifacts = place
    (folder / "a").write_bytes(b"one" * 1000)
    (folder / "b").write_bytes(b"one" * 1000)
    first = take(folder, artifacts, {})
    bytes_, files = stored(artifacts), len(list(artifacts.folder.iterdir()))
    assert files == 2  # the one content and the manifest
    assert take(folder, artifacts, {}) == first and stored(artifacts) == bytes_
    with (folder / "a").open("r+b") as file:  # in place, where a hard link would change along
        file.write(b"two")
    (folder / "b").unlink()
    second = take(folder, artifacts, {})
    restore(artifacts.json(first), artifacts, tmp_path / "first")
    restore(artifacts.json(second), artifacts, tmp_path / "second")
    assert (tmp_path / "first" / "a").read_bytes() == (tmp_path / "first" / "b").read_bytes() == b"one" * 1000
    assert [p.name for p in (tmp_path / "second").iterdir()] == ["a"]
    assert (tmp_path / "second" / "a").read_bytes() == b"two" + b"one" * 999


def test_what_is_no_plain_file_is_named_and_not_opened(place, tmp_path):
    folder, artifacts = place
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    os.link(tmp_path / "secret", folder / "second")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        manifest = manifest_of(place)
    assert manifest["files"] == [] and manifest["others"] == {
        "link": "is a symbolic link",
        "folder": "is a symbolic link",
        "pipe": "is a pipe",
        "second": "has a second name (a hard link)",
        "socket": "is a socket",
    }
    assert len(list(artifacts.folder.iterdir())) == 1
    assert restore(manifest, artifacts, tmp_path / "out") == {}


def test_limits_are_met_to_the_byte(place):
    folder, _ = place
    for name, size in (("a", MOST_FILE), ("b", MOST_FILE + 1)):
        (folder / name).write_bytes(b"x" * size)
    files = by_path(manifest_of(place))
    assert files["a"]["stored"] and not files["b"]["stored"] and files["b"]["why"] == "larger than 16 MB"
    assert files["b"]["sha256"] == sha256(b"x" * (MOST_FILE + 1))
    files = by_path(manifest_of(place, most_bytes=MOST_FILE))
    assert files["a"]["stored"]
    files = by_path(manifest_of(place, most_bytes=MOST_FILE - 1))
    assert not files["a"]["stored"] and files["a"]["why"] == "the snapshot is full"


def test_the_top_is_kept_before_what_lies_below_and_small_before_large(place):
    folder, _ = place
    (folder / "cache").mkdir()
    for i in range(3):
        (folder / f"cache/{i}").write_bytes(b"tiny")
    (folder / "large").write_bytes(b"x" * LEAST)
    (folder / "train.py").write_bytes(b"print()")
    kept = [
        name for name, file in by_path(manifest_of(place, most_bytes=4 * LEAST)).items() if file["stored"]
    ]
    assert kept == ["train.py", "large", "cache/0", "cache/1"]


def test_sparse_files_cost_no_time(place):
    folder, _ = place
    for i in range(3):
        with (folder / f"sparse{i}").open("wb") as file:
            file.truncate(MOST_HASHED + 1 if i else MOST_FILE + 1)
    files = by_path(manifest_of(place))
    assert [bool(files[f"sparse{i}"]["sha256"]) for i in range(3)] == [True, False, False]


def test_a_manifest_has_an_end(place):
    folder, _ = place
    for i in range(MOST_NAMES + 2):
        (folder / str(i)).symlink_to("nowhere")
    manifest = manifest_of(place)
    assert (len(manifest["others"]), manifest["unlisted"]) == (MOST_NAMES, 2)


def test_caches_and_repositories_are_named_only(place, tmp_path):
    folder, artifacts = place
    for name in ("__pycache__/m.pyc", ".git/config", "sub/.GIT/hooks/post-checkout"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(name)
    manifest = manifest_of(place)
    assert {name: (file["stored"], file["sha256"]) for name, file in by_path(manifest).items()} == {
        name: (False, sha256(name.encode()))
        for name in ("__pycache__/m.pyc", ".git/config", "sub/.GIT/hooks/post-checkout")
    }
    assert restore(manifest, artifacts, tmp_path / "out") == {} and not list((tmp_path / "out").iterdir())


def test_folders_without_end_and_locked_ones_are_named(place):
    folder, _ = place
    (folder / "locked").mkdir()
    (folder / "locked" / "in").write_text("x")
    (folder / "locked").chmod(0)
    # Deeper than Python's recursion and than a path may be long.
    dig = "import os\nfor _ in range(1200): os.mkdir('dddd'); os.chdir('dddd')"
    subprocess.run([sys.executable, "-c", dig], cwd=folder, check=True)
    manifest = manifest_of(place)
    (folder / "locked").chmod(0o700)
    deep = [what for path, what in manifest["others"].items() if path.startswith("dddd/")]
    assert deep == ["is a folder below too many others"]
    if os.getuid():
        assert manifest["others"]["locked"] == "is a folder that cannot be read"
    subprocess.run(["rm", "-rf", folder / "dddd"], check=True)


def test_the_path_may_be_as_long_as_said(place, tmp_path):
    folder, artifacts = place
    inner = "/".join(["d" * 200] * 5)  # 1004 bytes
    (folder / inner).mkdir(parents=True)
    for count in (LONGEST - len(inner) - 1, LONGEST - len(inner)):
        (folder / inner / ("f" * count)).write_text("x")
    manifest = manifest_of(place)
    assert [len(file["path"]) for file in manifest["files"]] == [LONGEST]
    assert list(manifest["others"].values()) == ["has too long a path"]
    assert len(restore(manifest, artifacts, tmp_path / "out")) == 1


def test_data_is_named_and_not_looked_at(place):
    folder, _ = place
    (folder / "train.csv").touch()  # where it was bound
    (folder / "mine.csv").write_text("x")
    manifest = manifest_of(place, {"train.csv": "abc"})
    assert list(by_path(manifest)) == ["mine.csv"] and manifest["data"] == {"train.csv": "abc"}


def test_no_setuid_comes_back(place, tmp_path):
    folder, artifacts = place
    (folder / "a").write_text("x")
    (folder / "a").chmod(0o7755)
    manifest = manifest_of(place)
    assert by_path(manifest)["a"]["mode"] == 0o7755
    restore(manifest, artifacts, tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out" / "a").stat().st_mode) == 0o755


REPOSITORY = {
    "HEAD": "ref: refs/heads/main\n",
    "config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch PLACE/owned; false\n",
    "objects/info/none": "",
    "refs/heads/none": "",
}


def asked_git(folder: Path) -> None:
    """What a prompt does in every folder that is entered."""
    outside = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run(["git", "status"], cwd=folder, env=outside, capture_output=True, check=False)


@pytest.mark.parametrize("head", ["HEAD", "head"])
def test_no_tool_obeys_what_comes_back(place, tmp_path, head):
    folder, artifacts = place
    for name in ("repo", "."):
        for file, text in REPOSITORY.items():
            path = folder / name / (head if file == "HEAD" else file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("PLACE", str(tmp_path)))
    for name in (".envrc", ".editorconfig", ".vscode/tasks.json", "sub/.idea/workspace.xml", ".env"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("owned")
    if head == "HEAD":
        asked_git(folder)  # the positive control
        assert (tmp_path / "owned").exists()
        (tmp_path / "owned").unlink()
    written = restore(manifest_of(place), artifacts, tmp_path / "out")
    for folder in (tmp_path / "out", tmp_path / "out" / "repo"):
        asked_git(folder)
        assert not (tmp_path / "owned").exists()
    back = [path.name for path in (tmp_path / "out").rglob("*")]
    assert not [
        name
        for name in back
        if name.lower() == "head" or (name.startswith(".") and not name.endswith(".kept"))
    ]
    assert (
        written["sub/.idea.kept/workspace.xml"] == "sub/.idea/workspace.xml"
        and written["repo/config"] == "repo/config"
    )


def test_another_name_is_told(tmp_path, server, capsys, monkeypatch):
    starter = tiny.STARTER + 'open(".envrc", "w").write("x")\n'
    models = tiny.models(tmp_path, server.url)
    session = Session(
        str(tiny.task(tmp_path, starter=starter)), models=models, runs_dir=tmp_path / "runs", history="off"
    )
    session.step()
    monkeypatch.chdir(tmp_path)
    assert call(["show", session.run_id, "--step", "1", "--files", "out"]) == 0
    assert "wrote .envrc.kept, which was .envrc: a tool could obey it there\n" in capsys.readouterr().out
    assert call(["show", session.run_id, "--step", "1", "--files", "json", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["renamed"] == {".envrc.kept": ".envrc"} and ".envrc.kept" in told["written"]


def test_only_its_owner_may_enter_a_run(tmp_path, server):
    session = new(tmp_path, server, turns=1)
    session.run()
    assert stat.S_IMODE(session.folder.root.stat().st_mode) == 0o700


NAMES = st.lists(
    st.binary(min_size=1, max_size=40).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b"..")),
    min_size=1, max_size=3,
).map(b"/".join)  # fmt: skip


@given(names=st.lists(NAMES, max_size=4))
def test_any_name_that_a_script_can_write_comes_back(names, tmp_path_factory):
    base = tmp_path_factory.mktemp("names")
    artifacts = Artifacts(base / "artifacts")
    (base / "work").mkdir()
    made = {}
    for i, name in enumerate(
        [
            *names,
            b".env",
            b".env.kept",
            b"sub/HEAD",
            b"." + b"x" * 254,
            b"\xff\xfe",
            b"line\nbreak",
            "\ud7ff".encode(),
            b"..\\x",
        ]
    ):
        path = base / "work" / os.fsdecode(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%d" % i)
        except OSError:  # two names of which one is a folder of the other
            continue
        made[os.fsdecode(name)] = b"%d" % i
    manifest = artifacts.json(take(base / "work", artifacts, {}))
    assert restore(manifest, artifacts, base / "out") == {
        tamed(name): name for name in made if not {"__pycache__", ".git"} & set(name.lower().split("/"))
    }
    assert {name: (base / "out" / tamed(name)).read_bytes() for name in made} == made


@given(path=st.text(st.sampled_from("./a\\\n\0~"), max_size=12))
def test_no_manifest_writes_outside(path, tmp_path_factory):
    base = tmp_path_factory.mktemp("outside")
    artifacts = Artifacts(base / "artifacts")
    (base / "parent").mkdir()
    manifest = {"files": [{"path": path, "mode": 0o644, "sha256": artifacts.put("x"), "stored": True}]}
    before = {p: p.lstat().st_mtime_ns for p in [base, *base.rglob("artifacts/*")]}
    try:
        restore(manifest, artifacts, base / "parent" / "target")
    except UnavailableError:
        assert not (base / "parent" / "target").exists()
    else:
        assert sum(p.is_file() for p in (base / "parent" / "target").rglob("*")) == 1
    assert {p: p.lstat().st_mtime_ns for p in [base, *base.rglob("artifacts/*")]} == before
    assert [p.name for p in (base / "parent").iterdir()] in ([], ["target"])


def test_a_target_with_something_in_it_and_a_damaged_store_are_refused(place, tmp_path):
    folder, artifacts = place
    (folder / "a").write_text("content")
    manifest = manifest_of(place)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    for target in (tmp_path / "full", tmp_path / "full" / "mine"):
        with pytest.raises(UsageError, match="is no empty folder"):
            restore(manifest, artifacts, target)
    (tmp_path / "empty").mkdir()
    assert restore(manifest, artifacts, tmp_path / "empty") == {"a": "a"}
    content = artifacts.folder / sha256(b"content")
    content.write_text("changed")
    with pytest.raises(UnavailableError, match="was changed"):
        restore(manifest, artifacts, tmp_path / "new")
    content.unlink()
    with pytest.raises(UnavailableError, match="the content of 'a' is missing"):
        restore(manifest, artifacts, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(UnavailableError, match="cannot write"):
        restore({"files": []}, artifacts, tmp_path / "full" / "mine" / "below")


DIGS = """\
import os
for _ in range(3000):
    os.mkdir("dddd")
    os.chdir("dddd")
open("deep", "w").close()
for _ in range(3000):
    os.chdir("..")
os.mkdir("locked")
open("locked/in", "w").close()
os.chmod("locked", 0)
"""


def test_a_script_that_digs_leaves_nothing_behind(tmp_path):
    sandbox = ScriptSandbox(
        load_task(str(tiny.task(tmp_path))), probe(), Artifacts(tmp_path / "artifacts"), tmp_path / "work"
    )
    assert sandbox.run(Here(), DIGS).exit == 0
    assert not {"workspace", "dddd", "locked"} & {path.name for path in (tmp_path / "work").rglob("*")}


LEAVES = """\
import os
os.makedirs("out")
open("out/note", "w").write("left")
open(b"out/\\xff\\x1b[2J", "w").write("odd")
os.symlink("/etc/passwd", "link")
print(len(open("train.csv").read()))
"""


@pytest.mark.parametrize("cage", [probe, lambda: UNSAFE], ids=["bubblewrap", "unsafe"])
def test_an_execution_names_its_snapshot(tmp_path, cage):
    task = load_task(str(tiny.task(tmp_path)))
    artifacts = Artifacts(tmp_path / "artifacts")
    sandbox = ScriptSandbox(task, cage(), artifacts, tmp_path / "work")
    execution = sandbox.run(Here(), LEAVES)
    manifest = artifacts.json(execution.snapshot)
    assert set(by_path(manifest)) == {"train.py", "out/note", "out/\udcff\x1b[2J"}
    assert manifest["others"] == {"link": "is a symbolic link"}
    assert manifest["data"] == {
        name: sha256((task.env / name).read_bytes()) for name in ("test.csv", "train.csv")
    }
    name = Name(artifacts.put_json(asdict(execution)), "the test", EXECUTION)
    assert lost(artifacts, [name])[1] == []
    told = []
    for path, words in {"out/note": "out/note", "out/\udcff\x1b[2J": r"'out/\udcff\x1b[2J'"}.items():
        id = by_path(manifest)[path]["sha256"]
        (tmp_path / "artifacts" / id).unlink()
        where = f"the snapshot of a workspace ({words})"
        told.append(f"{id}, named by {where}, is missing: put it back from a copy")
    assert lost(artifacts, [name])[1] == sorted(told)


# A run


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def new(tmp_path: Path, server: FaultServer, **options) -> Session:
    options = {"turns": 2, "history": "off", "runs_dir": tmp_path / "runs"} | options
    return Session(str(tiny.task(tmp_path)), models=tiny.models(tmp_path, server.url), **options)


def test_a_run_shows_the_files_of_each_step_and_of_the_best(tmp_path, server, capsys, monkeypatch):
    session = new(tmp_path, server)
    with pytest.raises(UsageError, match="no script has been executed"):
        session.files()
    session.run()
    ran = [event.step for event in session.timeline if event.node == "executor"]
    monkeypatch.chdir(tmp_path)

    def script(*arguments: str, target: str) -> str:
        assert call(["show", session.run_id, *arguments, "--files", target]) == 0
        return (tmp_path / target / "train.py").read_text()

    assert script("--step", str(ran[1] - 1), target="a") == tiny.STARTER
    assert script("--step", str(ran[1]), target="b") == session.artifacts.text(session.artifacts.json(
        session.why(ran[1]).execution)["script"])  # fmt: skip
    assert script(target="best") == (session.folder.root / "best" / "train.py").read_text()
    assert (tmp_path / "best" / "submission.csv").read_text().count(",1\n")
    said = capsys.readouterr().out
    assert (
        "wrote train.py" in said and "train.csv, the task's own, sha256" in said and "2 files in best" in said
    )
    assert call(["show", session.run_id, "--files", "json", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(told["written"]) == ["submission.csv", "train.py"] and told["dir"] == "json"
    assert set(told) == {"dir", "written", "renamed", "named", "execution", "others", "data", "unlisted"}


def test_what_cannot_be_shown_is_one_line(tmp_path, server, capsys, monkeypatch):
    session = new(tmp_path, server, turns=1)
    monkeypatch.chdir(tmp_path)

    def refused(*arguments: str) -> tuple[int, str]:
        status = call(["show", session.run_id, *arguments])
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and not captured.out
        return status, captured.err

    status, said = refused("--files", "new")
    assert status == 2 and "no script has been executed" in said
    session.run()
    status, said = refused("--files", "new", "--step", "99")
    assert status == 2 and "has no step 99" in said
    status, said = refused("--step", "1")
    assert status == 2 and "--files" in said
    status, said = refused("--files", "runs")
    assert status == 2 and "runs: is no empty folder" in said
    snapshot = session.folder.artifacts / session.artifacts.json(session.files()["execution"])["snapshot"]
    whole = snapshot.read_bytes()
    snapshot.write_bytes(whole + b" ")
    status, said = refused("--files", "new")
    assert status == 3 and "was changed" in said
    snapshot.unlink()
    status, said = refused("--files", "new")
    assert status == 3 and snapshot.name in said
    assert not (tmp_path / "new").exists()


def test_hostile_names_do_not_reach_the_terminal(tmp_path, server, capsys, monkeypatch):
    starter = tiny.STARTER + 'open(b"\\x1b[2J\\xff\\n", "w").write("x")\nopen("\\x1b[1m", "w").write("y")\n'
    task = tiny.task(tmp_path, starter=starter)
    session = Session(
        str(task), models=tiny.models(tmp_path, server.url), runs_dir=tmp_path / "runs", history="off"
    )
    session.step()
    monkeypatch.chdir(tmp_path)
    for extra in ([], ["--json"]):
        assert call(["show", session.run_id, "--step", "1", "--files", f"out{len(extra)}", *extra]) == 0
        said = capsys.readouterr().out
        assert "\x1b" not in said and said.isascii()
    assert (tmp_path / "out0" / os.fsdecode(b"\x1b[2J\xff\n")).read_text() == "x"


def test_a_replay_has_the_snapshots_of_its_recording(tmp_path, server):
    recorded = new(tmp_path, server, turns=1)
    recorded.run()
    again = Session(recorded.config.task, models=f"replay:{recorded.folder.root}", turns=1, history="off",
                    runs_dir=tmp_path / "again")  # fmt: skip
    again.run()
    assert again.files() == recorded.files()
    assert restore(again.files(), again.artifacts, tmp_path / "out")


def test_a_recording_of_before_there_were_snapshots_replays_and_says_so(tmp_path):
    recording = RECORDINGS[0]
    execution = json.loads((recording / "events.jsonl").read_text().splitlines()[0])["execution"]
    if "snapshot" in json.loads((recording / "artifacts" / execution).read_text()):
        pytest.skip("it was made anew")
    session = replay(recording, tmp_path)
    session.step()
    with pytest.raises(UsageError, match="no snapshot was kept"):
        session.files(1)
