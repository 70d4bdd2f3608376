"""Task folders of both layouts, the split of the answers, and the bundled tasks run for real."""

import csv
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import build_tasks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.folder import BUNDLED, bundled, load_task
from budgetmlagent.tasks.split import split_rows

TASK = """\
name: shop
text: research_problem.md
metric: {name: rmse, direction: min}
limits:
  seconds: 60
  memory_gb: 2
"""
SCORER = "def get_score(folder):\n    return 1.0\n"


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return put(
        tmp_path / "shop",
        {
            "task.yaml": TASK,
            "research_problem.md": "Predict the price.\n",
            "env/train.py": "print(1)\n",
            "env/data/train.csv": "id,price\n1,2\n",
            "scoring/eval.py": SCORER,
            "scoring/answers.csv": "id,price\n1,2\n2,3\n",
        },
    )


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return put(
        tmp_path / "their task",
        {
            "env/train.py": "print(1)\n",
            "env/train.csv": "a\n",
            "env/images/1.txt": "",
            "env/images/2.txt": "",
            "env/notes.txt": "",
            "scripts/research_problem.txt": "Improve train.py.\n",
            "scripts/read_only_files.txt": "./train.csv\nimages/*\n\n",
            "scripts/eval.py": SCORER + "HIGHER = False\nraise SystemExit('never executed')\n",
            "scripts/prepare.py": "raise SystemExit('never executed')\n",
        },
    )


def refused(root: Path | str, **options: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_task(str(root), **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- our own layout


def test_own_layout(own: Path) -> None:
    task = load_task(str(own))
    assert (task.name, task.metric, task.direction, task.text) == (
        "shop",
        "rmse",
        "min",
        "Predict the price.",
    )
    assert (task.seconds, task.memory_gb, task.data, task.python) == (60.0, 2.0, "schema", None)
    assert (task.env, task.starter, task.readonly) == (own / "env", "print(1)\n", ("data/train.csv",))
    assert (task.scoring, task.answers, task.submission) == (own / "scoring", "answers.csv", "submission.csv")
    assert (task.feedback, task.layout) == ("public", "budgetml")


def test_without_answers_the_feedback_is_reported(own: Path) -> None:
    (own / "scoring/answers.csv").unlink()
    task = load_task(str(own))
    assert (task.answers, task.feedback) == (None, "reported")


def test_limits_have_defaults_and_text_may_stand_inline(own: Path) -> None:
    (own / "task.yaml").write_text(
        "name: a\ntext: |\n  Two lines,\n  see data.txt\nmetric: {name: m, direction: max}\nsubmission: out.csv\n"
    )
    task = load_task(str(own))
    assert (task.seconds, task.memory_gb, task.submission) == (120.0, 4.0, "out.csv")
    assert task.text == "Two lines,\nsee data.txt"


def test_python_expands_the_home_and_keeps_the_link(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "python").symlink_to(sys.executable)
    (own / "task.yaml").write_text(TASK + "python: ~/python\n")
    assert load_task(str(own)).python == tmp_path / "python"
    (own / "task.yaml").write_text(TASK + "python: ~/no-python\n")
    assert "no-python is no program; give an interpreter's path or null" in refused(own)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: shop", "name: shop\nlimit: 3", "task.yaml:2: limit: unknown key; did you mean 'limits'? "),
        (
            "  seconds: 60",
            "  second: 60",
            "task.yaml:5: limits.second: unknown key; did you mean 'seconds'? ",
        ),
        ("min}", "down}", "task.yaml:3: metric.direction: is 'down'; write 'max' or 'min'"),
        (", direction: min", "", "task.yaml:3: metric.direction: is missing; add it"),
        ("name: shop\n", "", "task.yaml:1: name: is missing; add it"),
        ("name: shop", "name: ../shop", "task.yaml:1: name: is '../shop'; write a plain name"),
        ("seconds: 60", "seconds: 0", "task.yaml:5: limits.seconds: is 0; input should be greater than 0"),
        ("seconds: 60", "seconds: .inf", "task.yaml:5: limits.seconds: is inf; "),
        ("seconds: 60", "seconds: yes please", "task.yaml:5: limits.seconds: is 'yes please'; "),
        ("memory_gb: 2", "memory_gb: true", "task.yaml:6: limits.memory_gb: is True; "),
        ("{name: rmse, direction: min}", "rmse", "task.yaml:3: metric: is 'rmse'; write a mapping"),
        (
            "name: shop",
            "name: shop\ndata: all",
            "task.yaml:2: data: is 'all'; write 'stays', 'schema' or 'sampl",
        ),
        ("name: shop", "name: shop\nsubmission: ../x.csv", "task.yaml:2: submission: is '../x.csv'; "),
        ("text: research_problem.md", "text: ''", "task.yaml:2: text: is empty; fill it in"),
        ("text: research_problem.md", "text: problem.md", "problem.md: missing: the task in words"),
        ("limits:", "limits: [", "task.yaml:6: not valid YAML: expected ',' or ']'"),
        ("limits:", "name: again\nlimits:", "task.yaml:4: not valid YAML: found duplicate key"),
    ],
)
def test_a_bad_task_file_is_named_by_line_and_field(own: Path, old: str, new: str, expected: str) -> None:
    assert old in TASK
    (own / "task.yaml").write_text(TASK.replace(old, new, 1))
    assert expected in refused(own)


@pytest.mark.parametrize("text", ["", "- a list\n", "just words\n"])
def test_a_task_file_must_be_a_mapping(own: Path, text: str) -> None:
    (own / "task.yaml").write_text(text)
    assert "task.yaml:1: must be a mapping with the keys name, text, metric" in refused(own)


def test_a_task_file_must_be_text(own: Path) -> None:
    (own / "task.yaml").write_bytes(b"name: \xff\n")
    assert "task.yaml:1: is not UTF-8 text (byte 6)" in refused(own)
    (own / "task.yaml").write_bytes(b"name: a\x01b\n")
    assert "not valid YAML" in refused(own)


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ("env", "env: missing: the folder with the agent's files"),
        ("env/train.py", "train.py: missing: the starter script; add this file"),
        ("scoring", "scoring: missing: the folder with the scorer eval.py and answers.csv"),
        ("scoring/eval.py", "eval.py: missing: the scorer"),
        ("task.yaml", "shop: is no task folder: it has neither task.yaml"),
        ("research_problem.md", "research_problem.md: missing: the task in words"),
    ],
)
def test_what_is_missing_is_named(own: Path, gone: str, expected: str) -> None:
    path = own / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert expected in refused(own)


SECRET = "the key of whoever runs it"


@pytest.mark.parametrize(
    "given", ["../secret.txt", "{outside}", "linked.txt", "folder/secret.txt", "env/../../secret.txt"]
)
def test_no_file_of_somebody_else_becomes_the_task_in_words(own: Path, given: str) -> None:
    outside = own.parent / "secret.txt"
    outside.write_text(SECRET)
    (own / "linked.txt").symlink_to(outside)
    (own / "folder").symlink_to(own.parent)
    path = given.format(outside=outside)
    assert (own / path).read_text() == SECRET  # the positive control
    (own / "task.yaml").write_text(TASK.replace("research_problem.md", path))
    assert "leads out of the task's folder" in refused(own)


def test_a_link_that_stays_in_the_folder_may_be_the_task_in_words(own: Path) -> None:
    (own / "linked.txt").symlink_to("research_problem.md")
    (own / "task.yaml").write_text(TASK.replace("research_problem.md", "linked.txt"))
    assert load_task(str(own)).text == "Predict the price."


@pytest.mark.parametrize(
    "name", ["env", "scoring", "task.yaml", "scoring/eval.py", "scoring/answers.csv", "env/train.py"]
)
def test_no_part_of_a_task_lies_elsewhere(own: Path, name: str) -> None:
    (own / name).rename(own.parent / "elsewhere")
    (own / name).symlink_to(own.parent / "elsewhere")
    said = refused(own)
    assert "leads out of" in said and name in said


@pytest.mark.parametrize("name", ["env", "scripts", "scripts/eval.py", "scripts/research_problem.txt"])
def test_no_part_of_their_task_lies_elsewhere(theirs: Path, name: str) -> None:
    (theirs / name).rename(theirs.parent / "elsewhere")
    (theirs / name).symlink_to(theirs.parent / "elsewhere")
    assert "leads out of" in refused(theirs)


def test_a_pipe_is_no_scorer(own: Path) -> None:
    (own / "scoring/eval.py").unlink()
    os.mkfifo(own / "scoring/eval.py")
    assert "scoring/eval.py: is not a regular file" in refused(own)


@pytest.mark.parametrize("name", ["task.yaml", "words.md"])
def test_a_pipe_is_no_text(own: Path, name: str) -> None:
    spec = (own / "task.yaml").read_text()
    (own / "task.yaml").write_text(re.sub(r"(?m)^text: .*$", "text: words.md", spec))
    (own / name).unlink(missing_ok=True)
    os.mkfifo(own / name)  # nobody writes into it: to wait for its end is to wait for good
    assert f"{name}: cannot be read (is no plain file)" in refused(own)


def test_links_out_of_env_are_refused(own: Path) -> None:
    (own / "env/link.csv").symlink_to(own / "env/data/train.csv")
    assert "link.csv" in load_task(str(own)).readonly  # a link that stays inside does no harm
    (own / "env/answers.csv").symlink_to(own / "scoring/answers.csv")
    assert "env/answers.csv: is a link that leads out of env/" in refused(own)
    (own / "env/answers.csv").unlink()
    (own / "env/data/all").symlink_to("/")
    assert "env/data/all: is a link that leads out of env/" in refused(own)
    (own / "env/data/all").unlink()
    (own / "env/lost").symlink_to("nowhere")
    assert "env/lost: is a link to nothing" in refused(own)
    (own / "env/lost").unlink()
    os.mkfifo(own / "env/pipe")
    assert "env/pipe: is not a regular file" in refused(own)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def get_score(:\n", "eval.py:1: is not valid Python"),
        ("def score(folder):\n    return 1\n", "eval.py: has no function get_score(folder); add it"),
        (SCORER + "HIGHER = max\n", "eval.py:3: HIGHER: must be the word True or False"),
        (SCORER + "HIGHER: bool = True\n", "make them agree"),
    ],
)
def test_a_bad_scorer_is_refused(own: Path, source: str, expected: str) -> None:
    (own / "scoring/eval.py").write_text(source)
    assert expected in refused(own)


# --- timed tasks

TIMED = TASK.replace("rmse", "seconds") + "timed:\n  function: price\n  repeats: 3\n"
TIMED_SCORER = "def make_inputs(seed): ...\ndef check(inputs, results): ...\n"


@pytest.fixture
def timed(own: Path) -> Path:
    files = {"task.yaml": TIMED, "env/train.py": "def price(x): ...\n", "scoring/eval.py": TIMED_SCORER}
    return put(own, files)


def test_a_timed_task(timed: Path) -> None:
    task = load_task(str(timed))
    assert task.timed is not None and (task.timed.function, task.timed.repeats) == ("price", 3)
    assert (task.answers, task.feedback) == (None, "public")
    (timed / "task.yaml").write_text(TIMED.replace("  repeats: 3\n", ""))
    assert load_task(str(timed)).timed.repeats == 5
    assert load_task("digits").timed is None


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("task.yaml", "function: price", "name: price", "task.yaml:7: timed.function: is missing; add it"),
        ("task.yaml", "repeats", "repeat", "task.yaml:9: timed.repeat: unknown key; did you mean 'repeats'? "),
        ("task.yaml", "function: price", "function: a.b", "task.yaml:8: timed.function: is 'a.b'; write a plain name"),
        ("task.yaml", "repeats: 3", "repeats: 2", "task.yaml:9: timed.repeats: is 2; input should be greater than or"),
        ("task.yaml", "repeats: 3", "repeats: 101", "task.yaml:9: timed.repeats: is 101; input should be less than or"),
        ("task.yaml", "min}", "max}", "task.yaml: timed: means 'min' but "),
        ("task.yaml", "function: price", "function: cost", "train.py: has no function cost, which task.yaml's timed.function names"),
        ("env/train.py", "def", "dfe", "train.py:1: is not valid Python; repair the starter"),
        ("scoring/eval.py", "check", "get_score", "eval.py: has no function check(inputs, results); add it"),
        ("scoring/eval.py", "make_inputs", "get_score", "eval.py: has no function make_inputs(seed); add it"),
        ("scoring/eval.py", "def make", "HIGHER = True\ndef make", "make them agree"),
    ],
)  # fmt: skip
def test_a_bad_timed_task_is_refused(timed: Path, file: str, old: str, new: str, expected: str) -> None:
    path = timed / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert expected in refused(timed)


# --- MLAgentBench's layout


def test_their_layout(theirs: Path) -> None:
    task = load_task(str(theirs))
    assert (task.name, task.metric, task.direction, task.text) == (
        "their-task",
        "score",
        "min",
        "Improve train.py.",
    )
    assert (task.seconds, task.memory_gb, task.python) == (120.0, 4.0, None)
    assert task.readonly == ("images/1.txt", "images/2.txt", "train.csv")
    assert (task.scoring, task.answers, task.submission) == (theirs / "scripts", None, "submission.*")
    assert (task.feedback, task.layout) == ("reported", "mlagentbench")


def test_the_direction_is_asked_for_where_nothing_states_it(theirs: Path) -> None:
    (theirs / "scripts/eval.py").write_text(SCORER)
    assert "add HIGHER = True or False to eval.py, or give `budgetml run` --direction max|min" in refused(
        theirs
    )
    assert load_task(str(theirs), direction="max").direction == "max"
    assert "direction='up': one of max, min is needed" in refused(theirs, direction="up")


def test_a_direction_against_the_folders_own_is_refused(theirs: Path) -> None:
    assert load_task(str(theirs), direction="min").direction == "min"
    message = refused(theirs, direction="max")
    assert "--direction: means 'max' but" in message
    assert "eval.py:3: HIGHER means 'min'" in message


def test_read_only_globs(theirs: Path) -> None:
    globs = theirs / "scripts/read_only_files.txt"
    globs.write_text("images/\n*.csv\n")
    assert load_task(str(theirs)).readonly == ("images/1.txt", "images/2.txt", "train.csv")
    globs.write_text("train.csv\n./train*\n")
    assert "read_only_files.txt:2: train* covers train.py" in refused(theirs)
    globs.unlink()
    assert load_task(str(theirs)).readonly == ()


@pytest.mark.parametrize("gone", ["env/train.py", "scripts/eval.py", "scripts/research_problem.txt"])
def test_what_is_missing_in_their_layout_is_named(theirs: Path, gone: str) -> None:
    (theirs / gone).unlink()
    assert f"{gone}: missing: " in refused(theirs)


# --- names


def test_an_unknown_name_lists_the_bundled_tasks(tmp_path: Path) -> None:
    message = refused("digts")
    assert message.startswith(
        "digts: no such task; did you mean 'digits'? Bundled: digits, distances, flights, glosses; "
    )
    assert "no such task; Bundled: " in refused(tmp_path / "gone")
    assert "is a file; give the task's folder" in refused(put(tmp_path, {"file": ""}) / "file")


# --- the split

ROWS = st.dictionaries(st.text(min_size=1), st.text(), min_size=2)


def table(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "y"), *rows])
    return text.getvalue()


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@settings(max_examples=50, deadline=None)
@given(ROWS, st.text(), st.randoms(use_true_random=False))
def test_the_split_is_a_partition_that_row_order_does_not_touch(rows, name, random) -> None:
    items = list(rows.items())
    public, private = (parsed(part) for part in split_rows(table(items), name))
    assert public.pop(0) == private.pop(0) == ["id", "y"]
    assert sorted(public + private) == sorted(map(list, items))
    assert len(public) == len(items) // 2
    order = {key: place for place, (key, _) in enumerate(items)}
    for part in (public, private):
        assert [order[key] for key, _ in part] == sorted(order[key] for key, _ in part)
    random.shuffle(items)
    again = split_rows(table(items), name)
    assert [sorted(parsed(part)[1:]) for part in again] == [sorted(public), sorted(private)]


def test_rows_of_one_id_stay_together_and_tasks_split_differently() -> None:
    rows = [(str(i // 2), str(i)) for i in range(40)]
    public, private = ({key for key, _ in parsed(part)[1:]} for part in split_rows(table(rows), "a"))
    assert not public & private
    assert len(public) == len(private) == 10
    assert split_rows(table(rows), "a") != split_rows(table(rows), "b")


def test_the_split_never_changes_between_versions() -> None:
    answers = 'id,y\n1,"a"\n2,b\n3,c\n\n4,d'
    assert split_rows(answers, "digits") == ("id,y\n2,b\n3,c\n", 'id,y\n1,"a"\n4,d')


@pytest.mark.parametrize("text", ["", "id,y\n", "id,y\n1,2\n", "id,y\n1,2\n1,3\n", 'id,y\n1,2\n2,"3'])
def test_what_is_no_table_of_two_rows_cannot_be_split(text: str) -> None:
    with pytest.raises(UsageError, match="answers: "):
        split_rows(text, "a")


# --- the bundled tasks

TABLES = [name for name in bundled() if not load_task(name).timed]


def score(name: str, script: Path, work: Path) -> tuple[float, str]:
    """Run `script` on the task's data in `work` and score what it wrote."""
    shutil.copytree(BUNDLED / name / "env", work)
    shutil.copy(script, work / "train.py")
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=work,
        env=one_thread,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    scorer = runpy.run_path(str(BUNDLED / name / "scoring/eval.py"))
    return scorer["get_score"](str(work)), done.stdout


@pytest.mark.soak  # what a run brings on each of them is replayed by tests/test_recordings.py
@pytest.mark.parametrize("name", TABLES)
def test_a_solution_beats_the_starter_by_a_tenth(name: str, tmp_path: Path) -> None:
    task = load_task(name)
    assert task.name == name
    base, said = score(name, task.env / "train.py", tmp_path / "starter")
    better, _ = score(name, Path(__file__).parent / "solutions" / f"{name}.py", tmp_path / "solution")
    words, value = said.strip().rsplit(" ", 1)
    assert words == f"validation {task.metric}"
    assert float(value) == pytest.approx(base, rel=0.1)
    gain = (better - base) / base * (1 if task.direction == "max" else -1)
    assert gain >= 0.1


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_task_is_whole_and_small(name: str) -> None:
    task = load_task(name)
    assert task.feedback == "public"
    assert "licen" in (task.root / "README.md").read_text().lower()
    assert sum(path.stat().st_size for path in task.root.rglob("*") if path.is_file()) < 2_000_000
    assert 15 <= len(task.starter.splitlines()) <= 25


@pytest.mark.parametrize("name", TABLES)
def test_a_bundled_task_keeps_its_answers(name: str) -> None:
    task = load_task(name)
    assert (task.answers, task.readonly) == ("answers.csv", ("test.csv", "train.csv"))
    answers = parsed((task.scoring / "answers.csv").read_text())
    train = parsed((task.env / "train.csv").read_text())
    test = parsed((task.env / "test.csv").read_text())
    assert [row[0] for row in test] == [row[0] for row in answers]
    assert not {row[0] for row in test[1:]} & {row[0] for row in train[1:]}
    assert answers[0][1] in train[0]
    assert answers[0][1] not in test[0]
    public, private = split_rows((task.scoring / "answers.csv").read_text(), name)
    assert abs(len(parsed(public)) - len(parsed(private))) <= 1


def test_digits_can_be_built_again(tmp_path: Path) -> None:
    build_tasks.digits(tmp_path)
    for name in ("env/train.csv", "env/test.csv", "scoring/answers.csv"):
        assert (tmp_path / name).read_bytes() == (BUNDLED / "digits" / name).read_bytes()


@pytest.mark.parametrize("name", TABLES)
def test_a_partial_submission_has_no_score(name: str, tmp_path: Path) -> None:
    answers = (BUNDLED / name / "scoring/answers.csv").read_text()
    get_score = runpy.run_path(str(BUNDLED / name / "scoring/eval.py"))["get_score"]
    header, first, *rest = answers.splitlines()
    sent = tmp_path / "submission.csv"
    sent.write_text(answers)
    perfect = get_score(str(tmp_path))
    assert perfect == (1.0 if load_task(name).direction == "max" else 0.0)
    sent.write_text("\n".join([header, *reversed([first, *rest]), "999999,0"]))
    assert get_score(str(tmp_path)) == perfect  # in any order, and with rows nobody asked for
    for rows in (rest, [first, first, *rest]):
        sent.write_text("\n".join([header, *rows]))
        with pytest.raises(ValueError):
            get_score(str(tmp_path))
