"""What a run answers reads as a table, stays plain data to code, and a cell that runs shows a line a step."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_recordings import replay

from budgetmlagent.cli import call
from budgetmlagent.records.events import Event
from budgetmlagent.records.steps import happened
from budgetmlagent.run.curve import Curve, svg
from budgetmlagent.run.shown import Changes, Supplied, html_diff, plain, text_table

RECORDING = Path(__file__).parent / "recordings" / "digits"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    session = replay(RECORDING, tmp_path_factory.mktemp("runs"))
    session.run(until=lambda event: event.node == "evaluator" and event.turn == 1)
    return session


def test_each_is_what_it_was_to_code(session):
    assert isinstance(session.timeline, list) and session.timeline == list(session.timeline)
    assert json.loads(json.dumps(session.timeline)) == session.timeline
    assert session.why() == session.timeline[-1] and session.why().node == "evaluator"
    assert set(session.diff()) >= {"best", "head"} and isinstance(session.diff()["best"], tuple)
    assert json.loads(json.dumps(session.summary))["run_id"] == session.run_id
    assert session.cost.usd == session.cost.usd_settled == 0.0 and session.cost.calls == []
    assert isinstance(session.history(3), list) and session.history(3)[0]["kind"] == "case"


def test_each_reads_as_a_table_a_line_an_entry(session):
    lines = repr(session.timeline).splitlines()
    assert len(lines) == 1 + len(session.timeline) and lines[0].split()[:3] == ["step", "turn", "node"]
    assert re.match(
        r"6 +1 +evaluator +score 0\.\d+, a new best +0\.\d+ +\$0\.0000 +rule 3: a new best → planner",
        lines[6],
    )
    why = repr(session.why()).splitlines()
    assert why[0].startswith("step 6, evaluator: score") and why[1] == "why: rule 3: a new best → planner"
    assert any(line.startswith("passed over  out_of_turns → END") for line in why)
    assert not re.search(r"\d\.\d{6}", repr(session.why())), "five digits are enough for a person"
    assert re.search(r"^best\.score +0\.\d+ +0\.\d+$", repr(session.diff()), re.MULTILINE)
    assert repr(session.cost) == "$0.0000 in 0 requests"
    supplied = repr(session.history(3)).splitlines()
    assert supplied[1].startswith("case  table_blend") and max(map(len, supplied)) < 200
    assert "budget" not in repr(session.summary).split() and "of $0.25" in repr(session.summary)


def test_a_change_by_hand_is_a_row_so_that_the_numbers_follow_one_another(session, capsys):
    last = session.timeline[-1].step
    fork = session.fork(counts={"failed": 1})
    steps = [int(line.split()[0]) for line in repr(fork.timeline).splitlines()[1:]]
    assert steps == list(range(1, last + 2)) and len(fork.timeline) == last
    assert re.search(
        rf"^{last + 1} +\(edited\) +changed counts +rule 3: a new best → planner$", repr(fork.timeline), re.M
    )
    fork.step()
    rows = [line.split() for line in repr(fork.timeline).splitlines()[1:]]
    assert [int(row[0]) for row in rows] == list(range(1, last + 3)) and rows[-1][2] == "planner"
    assert fork.timeline[-1].step == last + 2 and "(edited)" in fork.timeline._repr_html_()
    capsys.readouterr()
    assert call(["show", str(fork.folder.root)]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"^ +{last + 1} \(edited\) +changed counts → planner$", shown, re.M)


def test_a_number_that_a_model_chose_is_changed_by_code(session):
    chosen = {"action": "tune", "by": "small", "instruction": "SVC.C = 12.0"}
    event = Event(next(e for e in session.timeline if e.node == "coder") | {"plan": chosen})
    assert happened(event, session.artifacts) == "SVC.C = 12.0: small chose it, code made it"
    assert happened(Event(event | {"model": "small"}), session.artifacts) == "small wrote the script"
    assert (
        happened(Event(event | {"plan": {"action": "apply"}}), session.artifacts) == "memory wrote the script"
    )


def test_an_attempt_that_was_recalled_is_told_in_words(session):
    tried = session.artifacts.json(session.state.head)
    said = repr(Supplied([tried])).splitlines()[1]
    assert re.match(r"attempt +Average of boosted trees.*: keep, score 0\.\d+$", said)
    assert "cannot be read" in repr(Supplied([tried | {"script": 3}]))


def test_in_a_terminal_each_line_fits_and_elsewhere_none_is_cut(session, monkeypatch):
    told = (
        session.timeline,
        session.why(),
        session.diff(),
        session.history(3),
        session.cost,
        session.summary,
    )
    whole = [repr(each) for each in told]
    assert max(len(line) for text in whole for line in text.splitlines()) > 100
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    fitted = [repr(each) for each in told]
    assert max(len(line) for text in fitted for line in text.splitlines()) <= 80
    first, *rows = fitted[0].splitlines()
    assert first.split()[:4] == ["step", "turn", "node", "what"] and len(rows) == len(session.timeline)
    assert repr(session.why()).split()[:5] == whole[1].split()[:5]


def test_nothing_is_said_of_nothing_and_hostile_text_is_no_markup():
    assert repr(Changes()) == "nothing changed" and repr(Supplied()) == "memory supplied nothing"
    odd = Supplied([{"kind": "case", "name": "<b>\x1b[2J", "title": "a\nb"}])
    assert "<b>" not in odd._repr_html_() and "&lt;b&gt;" in odd._repr_html_()
    assert "\x1b" not in repr(odd) and repr(odd).count("\n") == 1
    assert text_table(("a",), []) == ""


def test_a_diff_in_html_is_in_colours_and_no_markup():
    added, removed, same = html_diff(["+a < b", "-<i>", " x"]).splitlines()
    assert added.startswith("<ins ") and ">+a &lt; b<" in added
    assert removed.startswith("<del ") and "<i>" not in removed and same == " x"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "-"), ({}, "-"), (0, "0"), (False, "False"), (0.123456789, "0.123457"), ("0" * 64, "(kept as a file)"),
     ([1, 2], "2 items"), ({"a": "", "b": 1, "c": {"d": 2}}, "b: 1; c: d: 2"), ({"a": ""}, "-")],
)  # fmt: skip
def test_a_value_in_words(value, words):
    assert plain(value) == words
    assert len(plain("x" * 999)) == 100


def test_the_curve_is_drawn_from_nothing_one_step_and_a_level_line(session):
    for best, spent in ([], []), ([(1, 2.0)], [(1, 0.0)]), ([(1, 2.0), (2, 2.0)], [(1, 0.1), (2, 0.1)]):
        text = svg(Curve("a<b", best, best, spent))
        assert "nan" not in text and "a<b" not in text and text.count("<svg") == 1
    assert session.plot().axes[0].get_ylabel() == "accuracy"


def test_without_matplotlib_the_plot_is_a_picture_of_its_own(session):
    code = (
        "import sys; sys.modules['matplotlib'] = None\nfrom budgetmlagent.run.view import RunView\n"
        "shown = RunView.open(sys.argv[1]).plot()\nprint(shown._repr_svg_()[:4], shown)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(session.folder.root)], capture_output=True, text=True, check=True
    )
    assert re.match(r"<svg <accuracy 0\.\d+ for \$0\.0000>", done.stdout)


def test_in_ipython_a_line_a_step_is_shown_while_it_runs_and_elsewhere_none(tmp_path):
    code = (
        "from budgetmlagent import Session\nsession = Session('digits', models='replay:' + PLACE, runs_dir=RUNS)\n"
        "_ = session.run(until='evaluator')\n"
    )
    code = code.replace("PLACE", repr(str(RECORDING))).replace("RUNS", repr(str(tmp_path)))
    told = [
        subprocess.run([sys.executable, *how, "-c", code], capture_output=True, text=True, check=True).stdout
        for how in (["-m", "IPython", "--no-banner", "--colors=NoColor"], [])
    ]
    assert re.search(r"step 1 turn 0/\d+ executor: ran the script · best - · \$0\.0000", told[0])
    assert re.search(r"step 2 turn 0/\d+ evaluator: score 0\.\d+ · best 0\.\d+", told[0])
    assert told[1] == ""
