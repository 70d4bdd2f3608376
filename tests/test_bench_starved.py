"""Runs that the money of all cuts short: told apart, in none of the values, and made anew where there is more."""

import json

import pytest
import tiny
from fault_server import FaultServer
from test_bench import a_bench, row, told

from budgetmlagent.bench import results
from budgetmlagent.bench.page import page
from budgetmlagent.bench.plan import cells
from budgetmlagent.bench.summary import compared, normalised, summed
from budgetmlagent.bench.worker import spent
from budgetmlagent.cli import call


def test_starved_runs_are_told_apart_and_begun_anew_with_more(tmp_path, capsys):
    out = ["bench", "--out", str(tmp_path / "bench")]
    with FaultServer(respond=tiny.team) as server:
        words = [
            "--tasks", str(tiny.task(tmp_path)), "--models", str(tiny.models(tmp_path, server.url)), "--graphs", "single_agent", "--history", "off",
            "--seeds", "0,1", "--turns", "1", "--budget", "0.25", "--project-budget", "0.026", "--jobs", "1",
        ]  # fmt: skip
        assert call([*out, *words, "--json"]) == 0
        first = told(capsys)
        whole, hungry = first["rows"]
        assert (whole["cut_short_by"], hungry["cut_short_by"]) == ("", "project")
        assert hungry["status"] == "finished" and hungry["calls"] == 0
        (way,) = first["summary"]
        assert (way["runs"], way["starved"], way["failed"]) == (2, 1, 0)
        assert (way["gain_pct"][0], way["usd"][0]) == (whole["gain_pct"], whole["usd"])
        asked = len(server.requests)
        assert call([*out, "--continue", "--json"]) == 0
        assert told(capsys)["rows"] == first["rows"] and len(server.requests) == asked  # there is no more
        assert call([*out, "--report"]) == 0
        said = capsys.readouterr().out
        assert "starved: 1 run that" in said and "--project-budget" in said
        file = tmp_path / "bench" / "cells" / hungry["cell"] / "row.json"
        paid = json.loads(file.read_text()) | {"usd": 0.05}  # as if a first call had been paid for
        file.write_text(json.dumps(paid))
        assert call([*out, "--continue", "--project-budget", "1", "--json"]) == 0
        again = told(capsys)
    assert again["rows"][0] == whole and again["summary"][0]["starved"] == 0
    anew = again["rows"][1]
    assert (anew["cut_short_by"], anew["gain_pct"]) == ("", whole["gain_pct"])
    assert anew["run_id"] != hungry["run_id"] and anew["budget"] == pytest.approx(0.20)
    run = json.loads((tmp_path / "bench" / "runs" / anew["run_id"] / "run.json").read_text())
    assert anew["usd"] == pytest.approx(run["usd"] + 0.05)


def starved(*words, **more):
    return row(*words) | {"cut_short_by": "project"} | more


def test_they_are_in_no_value_and_in_no_pair():
    rows = [row("t", "a", 0, 0.5, 0.7), row("t", "b", 0, 0.5, 0.6), row("t", "a", 1, 0.5, 0.6)]
    hungry = [starved("t", "b", 1, 0.5, 0.9), starved("t", "c", 0, 0.5, 0.5)]
    assert normalised([*rows, *hungry]) == normalised(rows)
    assert compared([*rows, *hungry]) == compared(rows)
    first, second, third = summed([*rows, *hungry])
    assert [first, second | {"runs": 1, "starved": 0}] == summed(rows)
    assert (second["runs"], second["starved"]) == (2, 1)
    assert (third["runs"], third["starved"], third["success"], third["usd"]) == (1, 1, None, None)
    text = page([*rows, *hungry])
    assert "starved: 2 runs that" in text and text.count("finished, starved:") == 2
    assert "starved: " not in page(rows)


@pytest.mark.parametrize(("left", "again"), [(0.01, False), (0.5, True), (None, True)])
def test_they_are_begun_anew_only_where_more_is_left_than_when_they_ended(tmp_path, left, again):
    folder = a_bench(tmp_path, [starved("digits", "g", 0, 0.5, 0.5, usd=0.2, project_left=0.01)])
    place = folder / "cells" / cells(results.kept(folder))[0].name
    (place / "run").write_text("digits-1")
    (folder / "runs").mkdir()
    if left is not None:
        assert call(["cost", "--cap", str(left), "--runs-dir", str(folder / "runs")]) == 0
    asked = cells(results.kept(folder))
    rows = results.ended(folder, asked, print)
    results.tried_again(folder, asked, rows)
    assert (not rows) == again == (not (place / "run").exists()) == (not (place / "row.json").exists())
    assert spent(place) == (0.2 if again else 0.0)
