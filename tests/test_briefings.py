"""Briefings that are kept in the cache: the same files give the same facts again, and whatever was changed gives new ones."""

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from budgetmlagent.sandbox import briefings
from budgetmlagent.sandbox.brief import brief
from budgetmlagent.sandbox.cages.bare import UNSAFE
from budgetmlagent.sandbox.cages.interpreter import interpreter
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.tasks.folder import TaskFolder, load_task
from memory.artifacts import Artifacts
from nodes.deps import Execution

SUBMITTED = {"submission.csv": "0" * 64}


@pytest.fixture
def task(tmp_path: Path) -> TaskFolder:
    return load_task(str(tiny.task(tmp_path)))


def place(task: TaskFolder, submitted=SUBMITTED, meta: str = "{}", cage=UNSAFE) -> Path | None:
    return briefings.place_of(task, cage, interpreter(None), submitted, meta)


def test_a_briefing_of_the_same_files_is_made_once_and_a_changed_file_gives_a_new_one(task, tmp_path):
    artifacts = Artifacts(tmp_path / "artifacts")
    text = "id,label\n" + "".join(f"{row},0\n" for row in range(40))
    execution = Execution(
        script=artifacts.put(task.starter), exit=0, seconds=1, output=artifacts.put(""), tail="",
        files={"submission.csv": artifacts.put(text)},
    )  # fmt: skip
    cage = probe()
    told = brief(task, cage, execution, artifacts)
    assert told["kinds"] and told["machine"]["network"] is False
    meta = {key: getattr(task, key) for key in ("name", "text", "metric", "direction", "starter", "data")}
    kept = place(task, execution.files, json.dumps(meta), cage)
    assert kept is not None and briefings.kept(kept) == told | {
        "machine": {key: told["machine"][key] for key in ("python", "libraries", "cores")}
    }
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text(json.dumps(briefings.kept(kept) | {"kinds": ["kept"]}))
    copied = tmp_path / "elsewhere"
    shutil.copytree(task.env.parent, copied)
    copy = load_task(str(copied))
    assert brief(copy, cage, execution, artifacts) == told | {"kinds": ["kept"]}
    assert brief(replace(copy, gpu=True), cage, execution, artifacts)["machine"]["gpu"] is True
    with (copied / "env/train.csv").open("a") as file:
        file.write("900,1.5,1\n")
    again = brief(copy, cage, execution, artifacts)
    assert again["kinds"] == told["kinds"] and again["contents"] != told["contents"]


def changed_content(task: TaskFolder) -> Path | None:
    path = task.env / "test.csv"
    text, times = path.read_text(), path.stat()
    path.write_text(text.replace("20.5", "20.4"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # of the same size and age
    return place(task)


def renamed(task: TaskFolder) -> Path | None:
    (task.env / "test.csv").rename(task.env / "rest.csv")
    return place(task)


CHANGES = {
    "content": changed_content,
    "name": renamed,
    "submission": lambda task: place(task, {"submission.csv": "1" * 64}),
    "its name": lambda task: place(task, {"other.csv": "0" * 64}),
    "no submission": lambda task: place(task, {}),
    "what is said": lambda task: place(task, meta='{"text": "other"}'),
    "cage": lambda task: place(task, cage=probe()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_a_briefing_is_made_of_decides_which_one_it_is(what: str, task: TaskFolder) -> None:
    before = place(task)
    assert before is not None and place(task) == before
    assert CHANGES[what](task) not in (None, before)


def test_other_libraries_and_another_interpreter_give_another_one(task, tmp_path):
    packages = tmp_path / "site-packages"
    packages.mkdir()
    python = replace(interpreter(None), packages=(packages,))
    found = [briefings.place_of(task, UNSAFE, python, SUBMITTED, "")]
    (packages / "boostlike-2.0.dist-info").mkdir()
    found.append(briefings.place_of(task, UNSAFE, python, SUBMITTED, ""))
    found.append(briefings.place_of(task, UNSAFE, replace(python, version="3.99"), SUBMITTED, ""))
    assert len(set(found)) == 3


def test_none_is_kept_of_data_that_stay_that_are_large_or_that_lie_elsewhere(task, tmp_path):
    assert place(replace(task, data="stays")) is None
    assert place(replace(task, data="samples")) is not None
    large = task.env / "large.bin"
    with large.open("wb") as file:
        file.truncate(briefings.MOST_HASHED)
    assert place(task) is None
    large.unlink()
    (task.env / "link.csv").symlink_to(tmp_path / "other.csv")
    assert place(task) is None


def test_a_kept_one_that_cannot_be_read_is_made_anew_and_one_with_problems_is_not_kept(tmp_path):
    path = tmp_path / "briefings" / "a.json"
    assert briefings.kept(path) is None
    briefings.keep(path, {"kinds": ["table"], "problems": ["tables: MemoryError"]})
    assert not path.parent.exists()
    briefings.keep(path, {"kinds": ["table"], "problems": []})
    assert briefings.kept(path) == {"kinds": ["table"], "problems": []}
    for broken in ('{"kinds": [', "[]", "[" * 10_000):
        path.write_text(broken)
        assert briefings.kept(path) is None


def test_the_newest_ones_stay(tmp_path):
    for number in range(briefings.MOST + 1):
        path = tmp_path / f"{number}.json"
        path.write_text("{}")
        os.utime(path, (number, number))
    briefings.keep(tmp_path / "new.json", {"kinds": []})
    assert len(list(tmp_path.iterdir())) == briefings.MOST
    assert {"new.json", "200.json", "2.json"} <= {path.name for path in tmp_path.iterdir()}
    assert not {"0.json", "1.json"} & {path.name for path in tmp_path.iterdir()}


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    briefings.keep(tmp_path / "file" / "a.json", {"kinds": []})
    assert (tmp_path / "file").read_text() == ""
