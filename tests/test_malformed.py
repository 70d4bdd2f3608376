"""Submissions and metric scripts that are wrong in every way: one precise sentence each, and never more than a number."""

import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_scorer import ACCURACY, Bench, rows

from budgetmlagent.errors import RunFailedError
from budgetmlagent.inside.judge.tables import read
from budgetmlagent.sandbox.cages.cage import Cage
from budgetmlagent.sandbox.process.probe import probe
from budgetmlagent.sandbox.process.watchdog import Limits
from budgetmlagent.scoring.scorer import SubmissionScorer
from budgetmlagent.scoring.verdict import printed
from nodes.deps import Execution, Here, Score

GOOD = rows()
UTF8 = "; write it with encoding='utf-8'"
NO_TABLE = "submission.csv is no CSV table: "


def changed(line: int, text: str) -> bytes:
    lines = GOOD.splitlines()
    lines[line] = text
    return ("\n".join(lines) + "\n").encode()


SUBMISSIONS = {
    "wrong columns": (rows(header="number,answer"), "lacks the column 'id'; it has 'number', 'answer'"),
    "no header": ("0,9\n" + "".join(f"{i},1\n" for i in range(1, 40)), "lacks the column 'id'; it has '0', '9', and 39 rows where 40 are expected"),
    "too long": (GOOD + "40,1\n", "has 1 rows whose id is unknown, first 40"),
    "too short": (rows(38), "lacks 2 of the 40 rows, first id 38"),
    "a missing id": (changed(8, "6,1"), "lacks 1 of the 40 rows, first id 7"),
    "NaN": (changed(8, "7,NaN"), "has 1 cells in 'label' that are no finite numbers, first 'NaN' at id 7"),
    "inf": (changed(8, "7,-inf"), "has 1 cells in 'label' that are no finite numbers, first '-inf' at id 7"),
    "a string": (changed(8, "7,three"), "has 1 cells in 'label' that are no finite numbers, first 'three' at id 7"),
    "an empty cell": (changed(8, "7,"), "has 1 cells in 'label' that are no finite numbers, first '' at id 7"),
    "duplicate ids": (GOOD + "7,1\n7.0,1\n", "has 2 rows whose id occurs twice, first 7"),
    "unknown ids": (GOOD + "x\x07y,1\n", "has 1 rows whose id is unknown, first 'x\\x07y'"),
    "UTF-16": (GOOD.encode("utf-16"), f"is no CSV table: it is UTF-16{UTF8}"),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), f"is no CSV table: line 1 has a null byte: it is no text{UTF8}"),
    "latin-1": (changed(8, "7,caf\xe9").decode().encode("latin-1"), f"is no CSV table: line 9 has the byte 0xe9: it is no UTF-8{UTF8}"),
    "latin-1 after a mark": (b"\xef\xbb\xbfid,label\n1,\xe9\n", f"is no CSV table: line 2 has the byte 0xe9: it is no UTF-8{UTF8}"),
    "empty": (b"", "is no CSV table: it is empty"),
    "blank lines": (b"\n\n\n", "is no CSV table: it is empty"),
    "header only": ("id,label\n", "has a header and no rows, 40 rows are expected"),
    "binary": (bytes(range(128, 256)) * 9, f"is no CSV table: line 1 has the byte 0x80: it is no UTF-8{UTF8}"),
    "a null byte": (changed(8, "7,\x00"), f"is no CSV table: line 9 has a null byte: it is no text{UTF8}"),
    "a long cell": (changed(8, "7," + "9" * (3 << 20)), f"has 1 cells in 'label' that are no finite numbers, first '{'9' * 40}' at id 7"),
    "a long id": (GOOD + "i" * (3 << 20) + ",1\n", f"has 1 rows whose id is unknown, first {'i' * 40}"),
    "a field too long": (changed(8, "7," + "9" * (17 << 20)), "is no CSV table: line 9: field larger than field limit (16777216)"),
    "an open quote": (changed(8, '7,"1'), "is no CSV table: line 41: a quote is opened and never closed"),
    "ragged": (changed(8, "7,1,1"), "is no CSV table: row 9 has 3 cells, the header has 2"),
    "too few cells": (changed(8, "7"), "is no CSV table: row 9 has 1 cells, the header has 2"),
    "semicolons": (GOOD.replace(",", ";"), "separates its cells with ';'; write it with commas"),
    "tabs": (GOOD.replace(",", "\t"), "separates its cells with '\\t'; write it with commas"),
    "a column twice": (rows(header="id,id"), "is no CSV table: the column 'id' occurs twice"),
}  # fmt: skip
STRICT = ACCURACY.replace(
    "def get_score(folder):",
    "def get_score(folder):\n"
    "    assert open(os.path.join(folder, 'submission.csv')).readline().strip() == 'id,label', 'columns'",
)


@pytest.fixture(scope="session")
def cage() -> Cage:
    return probe()


@pytest.fixture(scope="module")
def bench(cage: Cage, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("malformed") / "task", cage, scorer=STRICT)


@pytest.mark.parametrize("case", SUBMISSIONS)
def test_a_malformed_submission_is_one_precise_sentence(case: str, bench: Bench) -> None:
    content, sentence = SUBMISSIONS[case]
    assert bench.score(content) == Score(problem=f"submission.csv {sentence}")
    assert len(sentence) < 200 and sentence.isprintable()


INDEX = "".join(
    f"{f',{line}' if i == 0 else f'{i - 1},{line}'}\n" for i, line in enumerate(GOOD.splitlines())
)
EXTRA = "".join(f"{line},{'p' if i == 0 else 0.5}\n" for i, line in enumerate(GOOD.splitlines()))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (EXTRA, "submission.csv has the extra column 'p'; expected are 'id', 'label'"),
        (
            INDEX,
            "submission.csv has the extra column ''; expected are 'id', 'label'; write it without the index",
        ),
    ],
)
def test_an_extra_column_is_named_where_the_metric_does_not_take_it(
    text: str, sentence: str, bench: Bench, cage: Cage, tmp_path: Path
) -> None:
    assert bench.score(text) == Score(problem=sentence)
    easy = Bench(tmp_path / "task", cage)  # reads by name
    assert easy.score(text).value == 1.0


LEFT = {
    "a link": ("os.symlink('train.py', NAME)", "submission.csv is a symbolic link: refused"),
    "a pipe": ("os.mkfifo(NAME)", "submission.csv is a pipe: refused"),
    "a folder": ("os.mkdir(NAME)", "submission.csv is a folder: refused"),
    "a sparse file": ("open(NAME, 'wb').truncate(1 << 30)", "submission.csv has 1024.0 MiB, 64 are the most: refused"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT)
def test_what_is_no_plain_file_is_refused_where_the_script_leaves_it(case: str, bench: Bench) -> None:
    code, sentence = LEFT[case]
    execution = bench.box.run(Here(), f"import os\nNAME = 'submission.csv'\n{code}\n")
    assert (execution.exit, execution.files) == (0, {})
    assert bench.scorer.score(execution) == Score(problem=sentence)


def test_ten_sparse_gigabytes_stop_the_script(bench: Bench) -> None:
    execution = bench.box.run(Here(), "open('submission.csv', 'wb').truncate(10 << 30)")
    assert execution.killed == "disk"  # which the evaluator tells: nothing is scored
    assert [bench.artifacts.read(content) for content in execution.files.values()] == [b""]


METRICS = {
    "raises": ("raise ValueError('first line\\nsecond line')", "eval.py:2: ValueError: first line, on the"),
    "returns None": ("return None", "eval.py: TypeError: get_score returned NoneType, one finite number is needed"),
    "returns a str": ("return '0.5'", "eval.py: TypeError: get_score returned str, one finite number"),
    "returns a long str": ("return 'x' * 9000000", "eval.py: TypeError: get_score returned str, one"),
    "returns nan": ("return float('nan')", "eval.py: get_score returned nan"),
    "returns inf": ("return float('-inf')", "eval.py: get_score returned -inf"),
    "returns complex": ("return 1j", "eval.py: TypeError: get_score returned complex"),
    "returns a huge int": ("return 10 ** 9999", "eval.py: OverflowError: int too large to convert to float"),
    "returns a list": ("return [0.5]", "eval.py: TypeError: get_score returned list"),
    "exits": ("import sys; print('bye', file=sys.stderr); sys.exit(1)", "eval.py: get_score ended without a value"),
    "exits at once": ("import os; os._exit(0)", "eval.py: get_score ended without a value"),
    "sleeps": ("import time; time.sleep(60)", "eval.py: get_score went over its limit of time"),
    "takes memory": ("return len(bytearray(600 << 20))", "eval.py: get_score went over its limit of memory"),
    "writes": ("open(__file__ + '.x', 'w')", "eval.py:2: OSError: [Errno 30] Read-only file system"),
    "recurses": ("return get_score(folder)", "eval.py:2: RecursionError: maximum recursion depth exceeded"),
    "shouts": ("import sys; sys.stderr.write('Traceback\\n' * 1000000); raise KeyError(3)", "eval.py:2: KeyError: 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", METRICS)
def test_a_wrong_metric_script_is_one_line_that_names_it(case: str, cage: Cage, tmp_path: Path) -> None:
    body, sentence = METRICS[case]
    bench = Bench(tmp_path / "task", cage, scorer=f"def get_score(folder):\n    {body}\nHIGHER = True\n")
    limited(bench, Limits(seconds=5, memory_mb=400))
    with pytest.raises(RunFailedError) as caught:
        bench.scorer.score(bench.baseline)
    line = str(caught.value)
    assert line.startswith(str(bench.task.scoring)) and sentence in line
    assert line.endswith("on the starter's own submission; repair the metric script")
    assert len(line) < 500 and line.isprintable()


def limited(bench: Bench, limits: Limits) -> None:
    """Put a scorer with other limits in the place of the bench's."""
    bench.scorer = SubmissionScorer(
        bench.task, bench.box.cage, bench.artifacts, bench.scorer.workdir, limits=limits
    )


def test_a_metric_that_lost_its_function_is_named(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(
        tmp_path / "task", cage, scorer="HIGHER = True\ndef get_score(folder): ...\ndel get_score\n"
    )
    with pytest.raises(
        RunFailedError, match=r"eval\.py: AttributeError: .* no attribute 'get_score', on the"
    ):
        bench.scorer.score(bench.baseline)


def test_a_table_that_is_too_much_to_read(bench: Bench, cage: Cage, tmp_path: Path) -> None:
    small = Bench(tmp_path / "task", cage)
    limited(small, Limits(seconds=60, memory_mb=150))
    text = "a,b\n" + "1,2\n" * 4_000_000
    assert small.score(text) == Score(
        problem="submission.csv cannot be read: it takes more memory than the limit"
    )


# What a submission could do to a metric that unpickles it: it takes over the judge's process.
BOMB = """\
import json, os, pickle
class Bomb:
    def __reduce__(self):
        return exec, (CODE,)
CODE = {code!r}
with open("submission.{ending}", "wb") as file:
    pickle.dump(Bomb(), file)
"""
SHOUT = """
import os, sys
for handle in range(3, 30):
    try:
        os.write(handle, b'{"value": "STOLEN WORDS"}\\nSTOLEN WORDS\\n')
    except OSError:
        pass
sys.stderr.write('Traceback (most recent call last):\\n  File "/scoring/eval.py", line 3\\nSTOLEN: WORDS\\n')
sys.stderr.flush()
os._exit(1)
"""
UNPICKLES = """\
import os, pickle
def get_score(folder):
    for name in ("submission.pkl", "submission.npy"):
        if os.path.exists(os.path.join(folder, name)):
            with open(os.path.join(folder, name), "rb") as file:
                pickle.load(file)
    return 7.0 if os.path.exists("/workspace/went off") else 1.0
HIGHER = True
"""


def test_a_submission_that_takes_the_judge_over_says_no_word(cage: Cage, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "task", cage, scorer=UNPICKLES)
    script = bench.artifacts.put("pass")
    content = bench.artifacts.put(pickle.dumps(Shout()))
    raw = Execution(script, 0, 1.0, bench.artifacts.put(""), files={"submission.pkl": content})
    assert bench.scorer.score(raw) == Score(
        problem="the metric refuses the submission: an exception (line 3 of eval.py)"
    )


class Shout:
    """Pickled, it runs SHOUT where it is loaded."""

    def __reduce__(self):
        return exec, (SHOUT,)


@pytest.mark.parametrize("ending", ["pkl", "npy"])
def test_only_the_sealed_metric_unpickles_what_was_submitted(ending: str, cage: Cage, tmp_path: Path) -> None:
    mark = tmp_path / "host was here"
    code = f"import os\nopen('/workspace/went off', 'w')\ntry:\n    open({str(mark)!r}, 'w')\nexcept OSError:\n    pass"
    bench = Bench(tmp_path / "task", cage, scorer=UNPICKLES, own=False)  # MLAgentBench's layout
    bomb = bench.box.run(Here(), BOMB.format(code=code, ending=ending) + "print('validation accuracy 0.75')")
    assert list(bomb.files) == [f"submission.{ending}"]
    assert bench.scorer.score(bomb) == Score(value=0.75, reported=True)
    final = bench.scorer.final(bench.baseline, bomb)
    assert (final.baseline, final.best) == (1.0, 7.0)  # it did go off, where it can do no harm
    assert not mark.exists() and "went off" not in {path.name for path in tmp_path.rglob("*")}


@given(st.binary(max_size=300) | st.text(alphabet="id,\n\"';\t 0\0é\ufeff").map(str.encode))
def test_any_bytes_are_a_table_or_one_sentence(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        table = read(path)
    except ValueError as error:
        assert str(error).startswith("any.csv is no CSV table: ") and str(error).isprintable()
    else:
        assert len({len(cells) for cells in table.values()}) == 1


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"0.5", b"-", b"1e999", b"nan", b"[" * 9999, b"9" * 5000])
    )
)
def test_whatever_is_printed_only_numbers_come_back(lines: list[bytes]) -> None:
    _, value, samples = printed(b"\n".join([b"", *lines]))
    assert value is None or isinstance(value, float)
    assert len(samples) <= 100 and all(s is None or abs(s) <= sys.float_info.max for s in samples)
