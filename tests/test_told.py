"""What a script says of the data reaches no prompt: it is run with cells planted, and each prompt is looked through."""

import argparse
import dataclasses
import io
import json
import linecache
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer, Turn
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetmlagent import testing
from budgetmlagent.inside.judge.facts import FEW_ROWS
from budgetmlagent.inside.judge.inspection import inspect
from budgetmlagent.scoring.told import ToldScorer
from budgetmlagent.tasks.folder import TaskFolder, load_task
from memory.store import Store
from nodes.coder import coder
from nodes.craft.repairs.cures import cure_runtime
from nodes.craft.told import LABELS, LIMIT, MARK, MEASURED, NAMES, NUMBERS, OWN, ROW, SHORT, told
from nodes.deps import Execution, Here, Score
from nodes.evaluator import evaluator
from nodes.expert import expert
from nodes.planner import planner

PIECE = 4  # characters of a cell that count as the cell
STARTER = "print('validation accuracy', 0.5)\n"
# Each is the end of a script that has read `cell`, a text or a number from the data, and puts it where words are read.
CRASHES = {
    "message": "raise ValueError(cell)",
    "message of a library's": "raise ValueError('could not convert string to float: ' + repr(cell))",
    "key": "{}[cell]",
    "class": "raise type(cell + 'Error', (Exception,), {})",
    "class in a module": "raise type('Error', (Exception,), {'__module__': cell})",
    "class of the script": "class Odd(Exception): pass\nOdd.__qualname__ = cell + 'Error'\nraise Odd",
    "attribute": "getattr(1, cell)",
    "name": "eval('n' + cell)",
    "module": "__import__('m' + cell)",
    "file": "open(cell)",
    "type": "type(cell, (), {})() + 1",
    "argument": "print(**{cell: 1})",
    "function": "exec(f'def f{cell}(a): pass\\nf{cell}()')",
    "note": "error = ValueError('')\nerror.add_note(cell)\nraise error",
    "second line": "raise ValueError('\\n' + cell)",
    "printed traceback": "print('Traceback (most recent call last):\\n  File \"/w/' + cell + '.py\", line 1, in ' + cell + '\\n    '"
    " + cell + '\\n' + cell + 'Error: ' + cell)\nraise SystemExit(1)",
    "path": "raise ValueError('/' + cell + '/' + cell)",
    "allowed value": "raise ValueError('The \\'alpha\\' parameter of Ridge must be a str among {\\'' + cell + '\\'}. Got \\'' + cell + 'x\\' instead')",
    "range": "raise ValueError('The \\'alpha\\' parameter of Ridge must be an int in the range [' + cell + ', inf). Got 1 instead.')",
    "reversed": "raise ValueError(cell[::-1])",
    "upper case": "raise ValueError(cell.upper())",
    "hex": "raise ValueError(cell.encode().hex())",
    "in quotes": "raise ValueError('name \\'' + cell + '\\' is not defined')",
    "between words": "raise ValueError('_'.join(['not', cell, 'found']))",
    "doubled": "raise ValueError(''.join(c + c for c in cell))",
    "apart": "raise ValueError(' '.join(cell))",
    "in lines": "raise ValueError('\\n'.join(cell[i:i + 5] for i in range(0, len(cell), 5)))",
    "like budgetml": "raise ValueError('it went over its limit of ' + cell + '; let it do less')",
    "unicode": "raise ValueError('\\u200b'.join(cell) + '\\x1b[2J' + cell)",
}
# What a script submits; the answers are for the ids a and b.
TABLES = {
    "header": "id,{cell}\na,1\nb,2\n",
    "header and rows": "{cell},y\na,1\n",
    "extra column": "id,y,{cell}\na,1,1\nb,2,2\n",
    "twice": "id,{cell},{cell}\n",
    "id": "id,y\na,1\nb,2\n{cell},3\n",
    "id twice": "id,y\na,1\nb,2\n{cell},3\n{cell},3\n",
    "cell": "id,y\na,1\nb,{cell}x\n",
    "one value": "id,y\n" + "a,{cell}\n" * FEW_ROWS,
}
# Letters that no word of a prompt has in such an order, and numbers.
NUMBERED = st.integers(10**5, 10**9).map(str).filter(lambda text: len(set(text)) > 3)
CELLS = st.text("qzxjkvwQZXJ", min_size=6, max_size=12) | NUMBERED


def told_of(cell: str) -> set[str]:
    """Every piece of the cell, and what it becomes by plain changes."""
    forms = (cell, cell[::-1], cell.upper(), cell.lower(), cell.encode().hex(), "".join(c + c for c in cell))
    pieces = {form[i : i + PIECE] for form in forms for i in range(len(form) - PIECE + 1)}
    return pieces | {" ".join(cell[i : i + PIECE]) for i in range(len(cell) - PIECE + 1)}


def leaks(text: str, cell: str) -> list[str]:
    return [piece for piece in told_of(cell) if piece in text]


def run(script: str, cell: str) -> str:
    """What the script leaves on its outputs, run by hand: `cell` is what it has read."""
    lines = script.splitlines(keepends=True)
    linecache.cache["/workspace/train.py"] = (len(script), None, lines, "/workspace/train.py")
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        try:
            exec(compile(script, "/workspace/train.py", "exec"), {"cell": cell, "__name__": "__main__"})
        except SystemExit:
            pass
        except Exception:
            traceback.print_exc()
    return output.getvalue()


class Kept:
    """A history that keeps."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def remember(self, item: Any) -> str:
        self.items.append(dict(item))
        return ""


class Says:
    """A scorer that says what it was told to."""

    def __init__(self, score: Score) -> None:
        self.said = score

    def score(self, execution: Execution) -> Score:
        return self.said


def prompts_after(script: str, tail: str = "", scorer: Any = None) -> tuple[str, list[Any]]:
    """All that coder, planner and expert are asked after the script has run, and what was kept in the memory."""
    artifacts, history = scorer.artifacts if scorer else testing.MemoryArtifacts(), Kept()
    execution = Execution(artifacts.put(script), 0 if scorer else 1, 1.0, artifacts.put(tail), tail=tail)
    before = testing.state(
        artifacts, {"script": STARTER, "score": 0.5, "plan": {"action": "baseline"}}, turn=1,
        run={"execution": artifacts.put_json(execution.as_json())}, task={"turns": 9, "baseline": 0.5},
        plan={"action": "improve", "instruction": "a change", "case": "", "by": "large", "wrote": "large"},
    )  # fmt: skip
    parts = {"artifacts": artifacts, "history": history, "task": testing.Task(starter=STARTER)}
    update = evaluator(before, testing.deps(scorer=scorer, **parts))
    recalled = {"id": update["head"], "kind": "attempt", "similarity": 1.0, "source": ""}
    after = dataclasses.replace(before, **update, script=execution.script, history=[recalled])
    models = testing.ScriptedModels("x", "{}", "x")
    for node in (coder, planner, expert):
        here = Here(node=node.__name__, prompt=node.__name__, model="remote", ladder=("remote",))
        node(after, testing.deps(models=models, here=here, **parts))
    return json.dumps(models.asked, ensure_ascii=False), history.items


@pytest.mark.parametrize("way", CRASHES)
@settings(max_examples=4, deadline=None)
@given(cell=CELLS)
def test_no_way_to_crash_puts_a_cell_into_a_prompt(way: str, cell: str) -> None:
    script = CRASHES[way] + "\n"
    tail = run(script, cell)
    asked, kept = prompts_after(script, tail)
    assert leaks(tail, cell)  # or the script has not done what it is here for
    assert not leaks(asked, cell) and not leaks("".join(item["text"] for item in kept), cell)
    mended, what = cure_runtime("from sklearn.linear_model import Ridge\nRidge(alpha='x')\n", tail, {}, [])
    assert not leaks(mended + "".join(what), cell)


def test_a_model_is_told_which_line_of_its_script_failed() -> None:
    script = "x = 1\nraise ValueError(f'not {cell}')\n"
    asked, _ = prompts_after(script, run(script, "qzxjkv"))
    assert "ValueError: not ... (line 2: raise ValueError(f'not {cell}'))" in asked
    lie = 'Traceback (most recent call last):\n  File "train.py", line 2, in f\n    qzxjkv\nValueError: not\n'
    assert "(line 2" not in prompts_after(script, lie)[0] and "qzxjkv" not in prompts_after(script, lie)[0]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> TaskFolder:
    return load_task(str(tiny.task(tmp_path_factory.mktemp("told"))))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submitted")
    (folder / "answers.csv").write_text("id,y\na,1\nb,2\n")
    (folder / "ids.json").write_text('["a", "b"]')
    return folder


@pytest.mark.parametrize("way", TABLES)
@settings(max_examples=4, deadline=None)
@given(cell=CELLS)
def test_no_submission_puts_a_cell_into_a_prompt(way: str, cell: str, task: TaskFolder, place: Path) -> None:
    (place / "submission.csv").write_text(TABLES[way].format(cell=cell))
    known = (
        {"answers": place / "answers.csv", "ids": place / "ids.json"}
        if way != "one value"
        else {"answers": None}
    )
    report = inspect(
        argparse.Namespace(
            csv="submission.csv", folder=place, **known, witness=None, fractions=False, scoring=None
        )
    )
    score = Score(problem=report["problem"] or report["columns"], suspect=report["suspect"])
    asked, _ = prompts_after("print(1)", scorer=ToldScorer(Says(score), task, testing.MemoryArtifacts()))
    assert leaks(score.problem + score.suspect, cell)
    assert not leaks(asked, cell) and ("submission.csv" in asked or "all predictions of" in asked)


def test_a_score_has_few_digits(task: TaskFolder) -> None:
    artifacts = testing.MemoryArtifacts()
    execution = Execution(artifacts.put(""), 0, 1.0, artifacts.put(""))
    for reported, value in ((True, 48210.0), (False, 48213.7)):
        scorer = ToldScorer(Says(Score(48213.6789, reported=reported)), task, artifacts)
        assert scorer.score(execution).value == value


KNOWN = (
    "y = train['price'].foo\nmodel = Ridge(alpha=2)\nmean_squared_error(a, b, squared=False)\nRidge('auto')\n"
)
USUAL = """
ValueError: X has 12 features, but Ridge is expecting 13 features as input.
InvalidParameterError: The 'max_features' parameter of RandomForestClassifier must be an int in the range [1, inf), a float in \
the range (0.0, 1.0], a str among {'sqrt', 'log2'} or None. Got 'auto' instead.
ValueError: Found input variables with inconsistent numbers of samples: [960, 240]
TypeError: mean_squared_error() got an unexpected keyword argument 'squared'
ValueError: operands could not be broadcast together with shapes (100,5) (4,)
ValueError: Input X contains NaN.
NameError: name 'foo' is not defined
KeyError: 'price'
AttributeError: 'numpy.ndarray' object has no attribute 'foo'
TypeError: unsupported operand type(s) for +: 'int' and 'str'
ValueError: The truth value of a Series is ambiguous. Use a.empty, a.bool(), a.item(), a.any() or a.all().
ParserError: Error tokenizing data. C error: Expected 5 fields in line 12, saw 7
LightGBMError: Do not support special JSON characters in feature name.
ValueError: Target is multiclass but average='binary'. Please choose another average setting, one of [None, 'micro', 'macro'].
LinAlgError: Singular matrix
ValueError: not enough values to unpack (expected 3, got 2)
ZeroDivisionError: division by zero
"""


@pytest.mark.parametrize("line", USUAL.strip().splitlines())
def test_what_libraries_say_is_told_whole(line: str) -> None:
    assert told(line, KNOWN) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ValueError: could not convert string to float: 'Anna 42'", "ValueError: could not convert string to float: '...'"),
        ("ValueError: could not convert string to float: 'first'", "ValueError: could not convert string to float: '...'"),
        ("ValueError: invalid literal for int() with base 10: '482'", "ValueError: invalid literal for int() with base 10: '...'"),
        ("KeyError: \"['price', 'Anna'] not in index\"", "KeyError: \"['price', '...'] not in index\""),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'Anna'", "FileNotFoundError: [Errno 2] No such file or directory: '...'"),
        ("model is 'train price'", "model is 'train price'"),
        ("model is 'price train'", "model is '...'"),
        ("Anna42Error: the 24.12.2026", "...: the ..."),
    ],
)  # fmt: skip
def test_what_comes_from_the_data_is_a_mark(line: str, shown: str) -> None:
    assert told(line, KNOWN) == shown


def test_what_a_script_measures_is_told_to_three_digits() -> None:
    script = "print('ridge rmse', a, 'mae', b, 'price', c, 'accuracy:', d)"
    line = "ridge rmse 1.16812345 mae (0.00051234) price 48210.55 accuracy: 0.98765 of rmse 482100.5"
    seen = "ridge rmse 1.17 mae (0.000512) price ... accuracy: 0.988 of rmse 4.82e+05"
    assert told(line, script=script, measured=True) == seen
    assert (
        told(line, script=script) == "ridge rmse ... mae (...) price ... accuracy: ... of rmse ..."
    )  # of an error
    labels = told("mae ridge 4.5123, mae Anna 4.5123, mae; ridge 4.5123", script=script, measured=True)
    assert labels == "mae ridge 4.51, mae ..., mae; ridge ..."  # of its own words, and next to the measure
    many = told("rmse 1.234 " * 19 + "rmse 2.345", script="rmse", measured=True)
    assert (
        many.count("1.23") == MEASURED - 1 and "1.234" not in many and many.endswith("rmse 2.35")
    )  # the end counts most
    parts = "; ".join(f"part {name * 3} ready" for name in "abcdefghijklmnopqrstuvwxyz")
    said = told(
        f"{parts}; final mae 2.5", script=parts.replace(";", " or") + " then final mae", measured=True
    )
    assert said.endswith("part zzz ready; final mae 2.5") and "part a" not in said
    assert (
        told("rmse 24.12.2026, rmse 123456789.5, rmse 'Anna 1.5'", script="rmse", measured=True).count("...")
        == 3
    )


def test_a_word_that_holds_a_measure_s_name_names_one_unless_the_data_has_it() -> None:
    script = "print(f'lin_accuracy={a}', f'{name}_rmse: {b}', f'credit_score={c}')"
    line = "lin_accuracy=0.81234 Anna_rmse: 4.51234 credit_score=0.71234 mean_price=0.51234"
    seen = told(line, "columns: credit_score", script=script, measured=True)
    assert seen == "lin_accuracy=0.812 rmse: 4.51 credit_score=..."
    assert "..." in told(line, "columns: credit_score", script=script) and "0.81" not in told(
        line, script=script
    )
    cells = "12_score_lane 5231.75; acc_77 812.25; map_of_x 41.8902; error_E42 7.25; per_diem 99.95; Credit_Score=712.5"
    assert told(cells, "columns: credit_score", script="print(df.max())", measured=True) == "..."
    lower = told(
        "credit_score=712.5 Credit_Score=5.51", "columns: Credit_Score", script="credit_score", measured=True
    )
    assert "712" not in lower and "5.5" not in lower
    many = " ".join(f"b{i}_mae=1.{i}2345" for i in range(19))
    assert told(many, script=" ".join(f"b{i}_mae" for i in range(19)), measured=True).count("=1.") == MEASURED


def test_small_numbers_of_an_output_are_few_but_for_those_that_say_with_what_was_measured() -> None:
    script = "print(f'p {p} q {q} accuracy={x}') and print(frame.head())"
    line = "; ".join(f"p {n / 10} q {n} accuracy=0.7{n}123" for n in range(1, 5))
    assert told(line, script=script, measured=True) == "; ".join(
        f"p {n / 10} q {n} accuracy=0.7{n}1" for n in range(1, 5)
    )
    rows = told("; ".join(f"Anna {n} {n + 40}" for n in range(9)), script=script, measured=True)
    assert (
        rows.count("...") > 1
        and len([word for word in rows.replace(";", "").split() if word.isdigit()]) == NUMBERS
    )


def test_whose_a_measure_is_has_room_before_other_words() -> None:
    script = "for name in ('linear alone', 'bag smoothed', 'bag and linear', 'words of pairs'): print(f'{name}: accuracy={x}'); print('fit: seeds', 'fold', 'refit: seeds', 'chosen', 'left out', 'validation accuracy')"
    line = (
        "fit: seeds; "
        + "fold; chosen; " * 8
        + "linear alone: accuracy=0.81; bag smoothed: accuracy=0.8166; bag and linear: accuracy=0.812; words of pairs: accuracy=0.81; fold; chosen; fold; chosen; refit: seeds; left out; validation accuracy 0.818"
    )
    seen = told(line, script=script, measured=True)
    for label in (
        "linear alone: accuracy=0.81;",
        "bag smoothed: accuracy=0.817;",
        "words of pairs: accuracy=0.81;",
    ):
        assert label in seen
    assert seen.startswith("...") and seen.endswith("left out; validation accuracy 0.818")
    spelled, several = ("maE", "mAe", "MaE", "mAE", "MAe"), [f"w{n}" for n in range(LABELS)]
    line = "; ".join([*several, *(f"{word} 0.5{n}" for n, word in enumerate(spelled))])
    alphabet = told(line, script=" or ".join([*several, *spelled]), measured=True)
    assert alphabet.count("w") + alphabet.lower().count("ma") <= LABELS  # no word of the script's own is free


def test_how_long_its_steps_took_is_told_beside_what_a_script_measures() -> None:
    script = "print('ridge', 'mae', a, 'fit in', b, 'stay', 'time took seconds days')"
    line = "ridge mae 1.16812 fit in 12.3456s, Anna 9s, stay 41s, in '31s' in -7s in 1.5.2s in 20xs"
    assert (
        told(line, script=script, measured=True)
        == "ridge mae 1.17 fit in 12.3s, ..., stay ..., in '...' in -7s in ... in ..."
    )
    apart = told("fit in 12.345 s; fit at 7.25 days; fit at 41.5 s", script=script, measured=True)
    assert apart == "fit in 12.3 s; fit at ... days; fit at 41.5 s"
    assert told("fit in 4321.75 s", script=script, measured=True) == "fit in 4322 s"
    named = told("time=12.345 took 3.5 seconds = 41.25 took 9s in 7.25 days", script=script, measured=True)
    assert named == "time=12.3 took 3.5 seconds = 41.2 took 9s in ... days"
    about_data = told(
        "stay 31.5 time 88.125 seconds 41.25",
        "A table with the columns stay, time.",
        script=script,
        measured=True,
    )
    assert about_data == "stay ... time ... seconds 41.2"  # a column's name measures nothing
    many = told(" ".join(f"in {n}s" for n in range(20, 40)), script="in", measured=True)
    assert many.count("in ...") == 20 - MEASURED and many.endswith("in 38s in 39s")  # as few as the measures
    assert MARK in told("fit in 12.3456s", script=script)  # of an error


def test_letters_and_digits_that_are_known_spell_no_row() -> None:
    alphabet = " ".join("abcdefghijklmnopqrstuvwxyz0123456789")
    said = told(f"ValueError: {' '.join('anna42ofthesecondstreet')}", alphabet)
    assert len(said.removeprefix("ValueError: ").replace(MARK, "").split()) <= SHORT + NUMBERS
    codes = told(" ".join(str(ord(letter)) for letter in "anna of the second street"), alphabet)
    assert len(codes.replace(MARK, "").split()) <= ROW


# Words of three letters, each of which a script can write down, and choose by twelve bits of a row.
ALPHABET = [a + b + c for a in "bcdfghjklmnpqrst" for b in "aeiouwyvbcdfghjk" for c in "bcdfghjklmnpqrst"]


def test_the_words_of_a_script_are_no_alphabet_to_spell_a_row_in() -> None:
    script = f"WORDS = {' '.join(ALPHABET)!r}.split()\n"
    words = ALPHABET[5::61]
    line = f"ValueError: {' '.join(words)}"
    shown = [word for word in told(line, script=script).split() if word in ALPHABET]
    assert shown == words[:OWN]
    assert (
        len([word for word in told(line, script).split() if word in ALPHABET]) > 5 * OWN
    )  # as if it were the task's
    tail = f'Traceback (most recent call last):\n  File "w.py", line 2, in <module>\n    x\n{line}\n'
    asked, _ = prompts_after(script, tail)
    assert f"{words[OWN - 1]} ..." in asked and f"{words[OWN - 1]} {words[OWN]}" not in asked


def test_names_of_the_libraries_are_no_alphabet_either() -> None:
    names = [
        "RandomForestClassifier",
        "LGBMRegressor",
        "TruncatedSVD",
        "OrdinalEncoder",
        "KNeighborsClassifier",
    ]
    line = told(" = ".join(names * 3))
    assert 0 < sum(line.count(name) for name in names) <= NAMES


def test_a_sentence_of_the_script_is_one_piece_of_it() -> None:
    script = "raise ValueError(f'the training matrix has lost all of its rows while it was joined with {name} by mistake')"
    line = "ValueError: the training matrix has lost all of its rows while it was joined with Anna by mistake"
    assert told(line, script=script) == line.replace("Anna", MARK)


@given(st.text(max_size=2 * LIMIT), st.text(max_size=50))
def test_any_text_gives_one_short_line_of_plain_marks(text: str, known: str) -> None:
    line = told(text, known)
    assert len(line) <= LIMIT + len(MARK) and line == line.strip() and line.isprintable()


HOSTILE = """\
import csv
row = list(csv.DictReader(open("train.csv")))[2]
print("Anna %s: refused" % row["x"])
raise type("x" + row["x"].replace(".", "_") + "Error", (Exception,), {})(row["x"] * 2)
"""


def test_a_run_sends_no_cell_to_any_model(tmp_path: Path) -> None:
    """The first script's class and message are a cell's, 12.5; the second prints a line that looks like ours."""
    scripts = iter([HOSTILE, HOSTILE.rpartition("raise")[0]])

    def team(body: dict[str, Any]) -> Turn:
        turn = tiny.team(body)
        script = next(scripts, "") if "```python" in turn.text else ""
        return Turn(f"```python\n{script}```") if script else turn

    with FaultServer(respond=team) as server:
        session = tiny.session(tmp_path, server.url, turns=2, history="off")
        session.run()
        sent = "".join(json.dumps(request.body) for request in server.requests)
    names = [event["execution"] for event in session.timeline if event.get("execution")]
    tails = "".join(session.artifacts.json(name)["tail"] for name in names)
    assert "x12_5Error: 12.512.5" in tails and "Anna 12.5: refused" in tails
    kept = dict(Store(session.folder.root.parent / "history").iterate()).values()
    assert {item["data"] for item in kept} == {"schema"} and "12_5" not in "".join(
        item["text"] for item in kept
    )
    assert "12_5" not in sent and "12.5" not in sent and "wrote no submission.csv" in sent
