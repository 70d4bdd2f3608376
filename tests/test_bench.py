"""Many runs: what is asked for, runs that are lost and gone on with, and what their rows say together."""

import csv
import json
import os
import re
import shlex
import shutil
import tarfile
import threading
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import pytest
import tiny
import workers
from fault_server import FaultServer, Turn

from budgetmlagent.bench import results
from budgetmlagent.bench.axes import Axes
from budgetmlagent.bench.curves import curves
from budgetmlagent.bench.grown import grown
from budgetmlagent.bench.here import Here, at_once
from budgetmlagent.bench.labels import placed as placed_labels
from budgetmlagent.bench.looks import colour_of, dash_of, mark_of
from budgetmlagent.bench.page import page
from budgetmlagent.bench.parcel import packed, unpack
from budgetmlagent.bench.picture import Point, frontier, picture
from budgetmlagent.bench.plan import (
    Cell,
    Needs,
    Plan,
    cards,
    cells,
    check,
    placed,
    refuse_what_is_shared,
    request,
)
from budgetmlagent.bench.runner import Runner
from budgetmlagent.bench.summary import compared, normalised, summed
from budgetmlagent.bench.words import dollars, interval, shortest
from budgetmlagent.bench.worker import spent
from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.money.report import calls_of


def bench(folder: Path, *words: str) -> list[str]:
    return ["bench", "--out", str(folder / "bench"), "--turns", "1", "--jobs", "2", *words]


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "tasks"),
        (["--tasks", "digits", "--seeds", "0,one"], "--seeds 0,one"),
        (["--tasks", "digits", "--jobs", "0"], "--jobs 0"),
        (["--tasks", "digits,nothing"], "nothing"),
        (["--tasks", "digits", "--graphs", "recal"], "recal"),
        (["--tasks", "digits", "--project-budget", "-1"], "--project-budget"),
        (["--continue"], "no bench lies there"),
        (["--report"], "no bench lies there"),
        (["plan.yaml"], "plan.yaml: unknown key 'task' (did you mean 'tasks'?); there are tasks, graphs"),
        (["list.yaml"], "list.yaml: tasks, graphs"),
        (["none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_a_wrong_call_is_one_line_and_runs_nothing(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text("task: [digits]\n")
    Path("list.yaml").write_text("- digits\n")
    assert call(["bench", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert not Path("bench").exists()


def test_a_dry_run_says_what_all_may_cost_together(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [
        "--tasks",
        "digits,flights",
        "--graphs",
        "recall",
        "--seeds",
        "0,1,2",
        "--budget",
        "0.5",
        "--dry-run",
        "--json",
    ]
    assert call(["bench", *words]) == 0
    assert told(capsys) == {"runs": 6, "worst_case_usd": 3.0, "worst_case_minutes": None}
    assert call(["bench", *words, "--project-budget", "1", "--minutes", "5", "--jobs", "4"]) == 0
    assert told(capsys) == {"runs": 6, "worst_case_usd": 1.0, "worst_case_minutes": 10.0}
    assert not Path("bench").exists()


def test_the_same_run_has_the_same_name_in_any_plan():
    few, many = Plan(tasks=["digits"]), Plan(tasks=["flights", "digits"], seeds=[1, 0])
    assert set(cells(few)) < set(cells(many)) and len({cell.name for cell in cells(many)}) == 4
    assert len(cells(Plan(tasks=["digits", "digits"]))) == 1


def test_what_is_named_twice_counts_once_by_whatever_paths(tmp_path, capsys):
    task = tiny.task(tmp_path)
    (tmp_path / "link").symlink_to(task)
    words = ["--graphs", "recall,recall", "--out", str(tmp_path / "bench"), "--dry-run"]
    twice = f"{task},{tmp_path}/tiny/../tiny,{tmp_path}/link"
    assert call(["bench", "--tasks", twice, "--seeds", "3,3", *words]) == 0
    assert capsys.readouterr().out.startswith("1 run (1 task, 1 graph, 1 set of models, 1 seed)")
    kept = Plan(tasks=[f"{tmp_path}/link"], models=[f"replay:{task}"])
    given = {"tasks": [str(task), "digits"], "models": [f"replay:{tmp_path}/link"]}
    plan, said = grown(kept, {}, given, "bench")
    assert plan.tasks == [f"{tmp_path}/link", "digits"] and said == ["adds tasks digits"]


def test_paths_are_kept_whole_so_that_any_folder_is_good_to_go_on_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "digits", "recorded"):
        Path(name).mkdir()
    Path("m.yaml").touch()
    words = {"tasks": ["mine", "digits", "not-there"], "models": [None, "m.yaml", "replay:recorded"]}
    plan = placed(Plan(**words, graphs=["recall", "./m.yaml"]))
    assert plan.tasks == [f"{tmp_path}/mine", "digits", "not-there"]  # a shipped name is one in any folder
    assert plan.models == [None, f"{tmp_path}/m.yaml", f"replay:{tmp_path}/recorded"]
    assert plan.graphs == ["recall", f"{tmp_path}/m.yaml"] and placed(plan) == plan


def test_as_many_at_once_as_cores_and_memory_take_and_one_with_gpus():
    cores = len(os.sched_getaffinity(0))
    assert at_once(Needs((), 0.0, 0)) in range(1, cores + 1)
    assert at_once(Needs((), 1e6, 0)) == at_once(Needs((), 0.0, 1)) == 1
    assert [cards(gpu) for gpu in ("", "all", "0", "0,3")] == [0, 1, 1, 2]


def test_a_cluster_chooses_the_cards_itself(tmp_path):
    task = tiny.task(tmp_path)
    said = (task / "task.yaml").read_text()
    asked = request(Plan(tasks=[str(task)]), Cell(str(task), "recall", None, 0), tmp_path)
    for gpu, refused in (
        ("[0, 1]", ""),
        ("true", ""),
        ("[3]", r"\[3\]: .* write gpu: \[0\]"),
        ("[0, 3]", r"write gpu: \[0, 1\]"),
    ):
        (task / "task.yaml").write_text(f"{said}gpu: {gpu}\n")
        with pytest.raises(UsageError, match=refused) if refused else nullcontext():
            check(Plan(tasks=[str(task)]), [asked], elsewhere=True)


def test_machines_without_a_folder_in_common_keep_the_cap_of_all_or_do_not_begin():
    plan = Plan(tasks=["digits"], budget=0.25, project_budget=1.0)
    refuse_what_is_shared(plan, 4, one_ledger=False)
    refuse_what_is_shared(plan, 5, one_ledger=True)
    with pytest.raises(UsageError, match=r"project_budget 1: 5 runs of \$0.25 .* at most \$0.2000"):
        refuse_what_is_shared(plan, 5, one_ledger=False)
    with pytest.raises(UsageError, match="replay:"):
        refuse_what_is_shared(Plan(tasks=["digits"], models=["replay:x"]), 1, one_ledger=True)


def test_what_travels_arrives_without_what_nobody_needs_and_leads_nowhere_else(tmp_path):
    for name in ("run/best/train.py", "run/work/big.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    unpack(packed({"runs/one": tmp_path / "run"}, {"work"}), tmp_path / "there")
    assert [path.name for path in (tmp_path / "there").rglob("*") if path.is_file()] == ["train.py"]
    with pytest.raises(tarfile.TarError):
        unpack(packed({"../out": tmp_path / "run"}), tmp_path / "there")


def test_the_table_is_written_anew_for_a_small_part_of_the_time_and_at_the_end(tmp_path):
    table, asked = results.Table(tmp_path), []

    def rows():
        asked.append(1)
        return ROWS

    for _ in range(20):
        table.keep(rows)
    assert len(asked) == 1  # the first took some time, and twenty times as long is waited
    table.keep(rows, ended=True)
    assert len(asked) == 2 and len(json.loads((tmp_path / results.JSON).read_text())) == len(ROWS)


def test_every_run_is_a_row_also_one_that_fails_and_none_is_made_twice(tmp_path, capsys):
    good, bad = tiny.task(tmp_path), tiny.task(tmp_path, "raise SystemExit(3)", name="bad")
    with FaultServer(respond=tiny.team) as server:
        models = tiny.models(tmp_path, server.url)
        words = ["--tasks", f"{good},{bad}", "--models", str(models), "--history", "off"]
        assert call(bench(tmp_path, *words, "--json")) == 0
        first, asked = told(capsys), len(server.requests)
        assert call(bench(tmp_path, *words)) == 2  # a bench lies there
        assert "--continue" in capsys.readouterr().err
        assert call(bench(tmp_path, "--continue", "--json")) == 0
        again = told(capsys)
        assert len(server.requests) == asked > 0
    assert first["rows"] == again["rows"]
    assert not any((tmp_path / "bench" / "cells" / row["cell"] / "log").read_text() for row in first["rows"])
    assert [row["status"] for row in first["rows"]] == ["finished", "failed"]
    assert "starter" in first["rows"][1]["reason"]
    with (tmp_path / "bench" / "results.csv").open() as file:
        table = list(csv.DictReader(file))
    run = json.loads((Path(first["rows"][0]["run_dir"]) / "run.json").read_text())
    assert set(run) <= set(table[0]) and table[0]["usd"] == str(run["usd"])
    (way,) = first["summary"]
    assert (way["runs"], way["failed"]) == (2, 1) and way["success"][0] == 0.5


def test_a_run_whose_process_is_killed_goes_on_and_pays_nothing_twice(tmp_path):
    task = tiny.task(tmp_path)
    with FaultServer(respond=tiny.team) as server:
        plan = Plan(
            tasks=[str(task)], models=[str(tiny.models(tmp_path, server.url))], turns=2, history="off"
        )
        (cell,) = cells(plan)
        asked = {cell: request(plan, cell, tmp_path / "runs")}
        killed = threading.Thread(target=kill_once, args=(tmp_path / "cells" / cell.name / "step",))
        killed.start()
        ((_, row),) = Runner(tmp_path / "cells", 1, lambda *_: None, Here({})).run(asked)
        killed.join()
    assert row["status"] == "finished" and row["turns"] == 2
    assert len(list((tmp_path / "runs").glob("tiny-*"))) == 1
    answered = [c for c in calls_of(tmp_path / "runs" / "ledger.sqlite", row["run_id"]) if c["reply"]]
    assert len(answered) == 4  # two turns of a planner and a coder


def kill_once(step: Path) -> None:
    until = time.monotonic() + 300
    while not step.exists() and time.monotonic() < until:
        time.sleep(0.02)
    workers.kill()


def test_runs_that_failed_for_want_of_an_answer_go_on_and_the_table_knows_what_resume_did(tmp_path, capsys):
    out = ["bench", "--out", str(tmp_path / "bench"), "--json"]
    with FaultServer(respond=lambda body: Turn(fault="401", text="no such key")) as server:
        words = [
            "--tasks",
            str(tiny.task(tmp_path)),
            "--models",
            str(tiny.models(tmp_path, server.url)),
            "--graphs",
            "single_agent",
        ]
        assert call(bench(tmp_path, *words, "--history", "off", "--seeds", "0,1", "--json")) == 0
        rows = told(capsys)["rows"]
        assert [(row["status"], row["goes_on"]) for row in rows] == [("failed", True)] * 2
        server.respond = tiny.team
        (advice,) = re.findall("then `budgetml (.*)`", rows[0]["reason"])
        assert call([*shlex.split(advice), "--json"]) == 0
        capsys.readouterr()
        assert call([*out, "--report"]) == 0
        first, second = told(capsys)["rows"]
        assert (
            (first["status"], second["status"]) == ("finished", "failed")
            and first["usd"] > 0
            and "goes_on" not in first
        )
        asked = len(server.requests)
        assert call([*out, "--continue"]) == 0
        again = told(capsys)["rows"]
        assert (
            again[0] == first and again[1]["status"] == "finished" and again[1]["run_id"] == rows[1]["run_id"]
        )
        assert len(server.requests) > asked
    assert len(list((tmp_path / "bench" / "runs").glob("tiny-*"))) == 2


def a_bench(tmp_path, rows, plan=None):
    """A bench of these rows, by seed, where nothing has been told yet; text is what lies in the file."""
    plan = plan or Plan(tasks=["digits"], seeds=list(range(len(rows))))
    results.begin(tmp_path / "bench", plan, go_on=False)
    for cell, row in zip(cells(plan), rows, strict=True):
        (folder := tmp_path / "bench" / "cells" / cell.name).mkdir(parents=True)
        (folder / "row.json").write_text(row if isinstance(row, str) else json.dumps(row))
    return tmp_path / "bench"


def test_a_report_writes_the_files_that_it_names_and_damaged_rows_are_a_line_each(tmp_path, capsys):
    good = {"status": "finished", "reason": "all turns are used", "usd": 0.5, "seconds": 1.0}
    broken = [
        "",
        "{",
        "[1]",
        "null",
        "{}",
        '{"status": 1, "reason": "x"}',
        json.dumps(good | {"usd": "much"}),
        "[" * 10_000,
    ]
    folder = a_bench(tmp_path, [good, *broken])
    assert call(["bench", "--report", "--out", str(folder)]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("row.json: damaged (") == captured.err.count("\n") == len(broken)
    assert len(json.loads((folder / "results.json").read_text())) == 1
    assert all(
        str(folder / name) in captured.out and (folder / name).exists()
        for name in ("results.csv", "report.html")
    )
    asked = cells(results.kept(folder))
    rows = results.ended(folder, asked, lambda *_: None)
    results.tried_again(folder, asked, rows)
    assert len(rows) == 1 and len(list(folder.glob("cells/*/row.json"))) == 1


def test_what_came_of_a_run_since_its_row_was_written_counts(tmp_path):
    """Of a run that no process could end, the row does not even say where it lies; one begun anew elsewhere keeps what was lost."""
    lost = {"status": "failed", "reason": "its process ended 3 times", "goes_on": True}
    folder = a_bench(tmp_path, [lost, lost | {"usd": 0.25}, lost | {"goes_on": False}])
    first, second, third = asked = cells(results.kept(folder))
    (folder / "cells" / first.name / "run").write_text("digits-1")
    (summary := folder / "runs" / "digits-1" / "run.json").parent.mkdir(parents=True)
    summary.write_text(
        json.dumps(
            {
                "run_id": "digits-1",
                "graph": "g",
                "status": "finished",
                "reason": "x",
                "usd": 0.5,
                "gain_pct": 2.0,
            }
        )
    )
    row_file = folder / "cells" / first.name / "row.json"
    os.utime(summary, ns=(0, row_file.stat().st_mtime_ns - 1))
    assert results.ended(folder, [first], print)[first]["status"] == "failed"  # the row is newer
    os.utime(summary, ns=(0, row_file.stat().st_mtime_ns + 1))
    rows = results.ended(folder, asked, print)
    assert (rows[first]["status"], rows[first]["usd"], rows[first]["run_dir"]) == (
        "finished",
        0.5,
        str(summary.parent),
    )
    results.tried_again(folder, asked, rows)
    assert set(rows) == {first, third} and spent(folder / "cells" / second.name) == 0.25
    assert not (folder / "cells" / second.name / "row.json").exists()


def row(task, graph, seed, start, end, usd=0.1, direction=1):
    return {
        "cell": f"{task}{graph}{seed}", "task": task, "graph": graph, "models_file": "", "seed": seed, "status": "finished", "reason": "all turns are used",
        "private_baseline": start, "private_best": end, "gain_pct": direction * (end - start) / start * 100, "usd": usd,
        "success": True, "seconds": 1.0, "tokens_in": 1, "tokens_out": 1, "expert_calls": 0, "turns": 3,
    }  # fmt: skip


def gave_up(task, graph, seed):
    return row(task, graph, seed, 1, 1) | {
        "status": "failed", "reason": "no answer", "success": False, "private_baseline": None, "private_best": None, "gain_pct": None,
    }  # fmt: skip


ROWS = [
    row("up", "a", 0, 0.5, 0.9), row("up", "b", 0, 0.5, 0.7, usd=0.3),
    row("down", "a", 0, 10.0, 5.0, direction=-1), row("down", "b", 0, 10.0, 12.0, direction=-1),
    row("even", "a", 0, 1.0, 1.0), row("even", "b", 1, 1.0, 1.0),
]  # fmt: skip


def test_the_normalised_gain_is_the_share_of_the_way_that_any_run_went():
    share = normalised(ROWS)
    gained = {"upa0": 1.0, "upb0": 0.5, "downa0": 1.0, "downb0": -0.4}
    assert share == pytest.approx(gained | {"evena0": 0.0, "evenb1": 0.0})
    worse = [row("w", "a", 0, 0.5, 0.4), row("w", "b", 0, 0.5, 0.3), gave_up("w", "c", 0)]
    assert normalised(worse) == pytest.approx({"wa0": -0.5, "wb0": -1.0, "wc0": 0.0})
    unknown = row("u", "a", 0, 0.5, 0.9) | {"private_best": None, "private_baseline": None}
    assert normalised([unknown, gave_up("u", "b", 0)]) == {}


def test_a_run_that_fails_has_gained_nothing_and_few_values_have_no_interval():
    once = [row("t", "a", 0, 0.5, 0.9), gave_up("t", "a", 1), gave_up("t", "a", 2)]
    always = [row("t", "b", seed, 0.5, 0.86) for seed in range(3)]
    first, second = summed([*once, *always])
    assert first["normalised_gain"] == (pytest.approx(1 / 3), None, None) and first["failed"] == 2
    assert first["gain_pct"][0] == pytest.approx(80 / 3) and second["normalised_gain"][0] == pytest.approx(
        0.9
    )
    (pair,) = compared([*once, *always])
    assert (pair["better"], pair["even"], pair["worse"], pair["failed"]) == (2, 0, 1, [2, 0])
    assert pair["normalised_gain"] == (pytest.approx((0.9 + 0.9 - 0.1) / 3), None, None)
    (pair,) = compared([gave_up("n", "a", 0), row("n", "b", 0, 1.0, 1.0)])
    assert (pair["pairs"], pair["even"]) == (1, 1)
    assert interval(pair["normalised_gain"], 2, "+") == "+0.00 (-)"


def test_what_was_asked_for_tells_settings_and_tasks_apart_whatever_they_call_themselves():
    """Copies of a graph, models files of one stem, and copies of a task folder, all with the names that they were shipped with."""
    places = ["v1", "v2"]
    rows = [
        row("tiny", "recall", seed, start, end)
        | {"cell": f"{t}{g}{m}{seed}", "task_folder": f"/{t}/tiny", "graph_file": f"/{g}/g.yaml", "models_file": f"/{m}/models.yaml"}
        for seed in (0, 1) for t, start, end in (("v1", 0.5, 0.9), ("v2", 50.0, 60.0)) for g in places for m in places
    ]  # fmt: skip
    assert len(summed(rows)) == 4 and len(compared(rows)) == 6
    assert {pair["pairs"] for pair in compared(rows)} == {4}
    assert set(normalised(rows).values()) == {1.0}  # each task has its own scale
    text = page(rows)
    assert all(text.count(f"v{i}/g, v{j}/models") > 1 for i in (1, 2) for j in (1, 2))
    assert "<td>v1/tiny</td>" in text and "<td>v2/tiny</td>" in text
    assert shortest(["recall", "/mine/recall.yaml", "/mine/other.yaml", ""]) == {
        "recall": "recall", "/mine/recall.yaml": "mine/recall", "/mine/other.yaml": "other", "": "",
    }  # fmt: skip
    assert shortest(["/a/g.yaml", "/a/g.yml"]) == {"/a/g.yaml": "/a/g.yaml", "/a/g.yml": "/a/g.yml"}
    assert shortest(f"/{part}/same/g.yaml" for part in "ab") == {
        "/a/same/g.yaml": "a/same/g",
        "/b/same/g.yaml": "b/same/g",
    }


def test_a_narrow_terminal_tells_settings_apart_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    told = {"status": "finished", "reason": "x", "usd": 0.5, "seconds": 1.0}
    plan = Plan(
        tasks=["digits"], graphs=["/there/version_of_monday/g.yaml", "/there/version_of_tuesday/g.yaml"]
    )
    folder = a_bench(tmp_path, [told, told], plan)
    assert call(["bench", "--report", "--out", str(folder)]) == 0
    table = "".join(
        line.split(" ")[1] for line in capsys.readouterr().out.splitlines()[1:] if line.startswith(" ")
    )
    assert table == "version_of_monday/gversion_of_tuesday/g"


def test_a_sum_is_told_to_its_last_digit():
    assert [dollars(sum_) for sum_ in (0.001, 0.1 + 0.2, 12, 0.0, 1e-9)] == [
        "$0.001",
        "$0.30",
        "$12.00",
        "$0.00",
        "$0.000000001",
    ]


def test_settings_are_compared_on_what_both_have_run():
    (pair,) = compared(ROWS)
    assert (pair["first"], pair["second"]) == (["a", ""], ["b", ""])
    assert (pair["pairs"], pair["better"], pair["even"], pair["worse"]) == (2, 0, 0, 2)
    assert pair["normalised_gain"][0] == pytest.approx((-0.5 - 1.4) / 2)
    assert pair["usd"][0] == pytest.approx(0.1)


def ran(folder, cell, end, *attempts):
    """A row whose run is there, with its attempts: score, dollars, status."""
    (folder / cell).mkdir()
    lines = [f"{i}\t{score}\t1\t{usd}\t{status}\tx" for i, (score, usd, status) in enumerate(attempts)]
    (folder / cell / "results.tsv").write_text(
        "\n".join(["step\tscore\tseconds\tdollars\tstatus\tplan", *lines])
    )
    usd = sum(each[1] for each in attempts)
    return {
        "cell": cell, "task": "t", "graph": "g", "models_file": "", "baseline": 0.0, "best": end, "usd": usd, "run_dir": str(folder / cell),
    }  # fmt: skip


def test_a_curve_is_how_far_the_runs_of_a_setting_had_come_for_their_money(tmp_path):
    rows = [
        ran(tmp_path, "one", 1.0, (0.0, 0, "keep"), (0.1, 0.1, "discard"), (1.0, 0.1, "keep")),
        ran(tmp_path, "two", 0.5, (0.5, 0.1, "keep")),
    ]
    found = curves(rows, {("g", ""): "g"})
    (drawn,) = found.lines
    at = reached(drawn)
    assert drawn.name == "g" and [at[found.axes.x(usd)] for usd in (0.0, 0.1, 0.2)] == [
        found.axes.y(share) for share in (0.0, 0.25, 0.75)
    ]
    assert curves([{"cell": "x", "task": "t", "graph": "g"}], {("g", ""): "g"}) is None


def reached(drawn) -> dict[float, float]:
    """The last y of each x of a curve."""
    return dict(tuple(map(float, point.split(","))) for point in drawn.points.split())


def test_a_bench_that_was_moved_has_its_curves_and_one_whose_runs_are_gone_says_so(tmp_path):
    kept = [
        ran(tmp_path, run, 1.0, (0.0, 0, "keep"), (1.0, 0.1, "keep"), (0.5, 0.1, "discard")) for run in "ab"
    ]
    rows = [
        row | {"run_id": "a", "run_dir": "/nowhere", "graph": graph, "seed": 0, "status": "finished", "reason": "x"}
        for row, graph in zip(kept, ("<g>", "h"), strict=True)
    ]  # fmt: skip
    names = {("<g>", ""): "<g>", ("h", ""): "h"}
    for place in (tmp_path / "night" / "runs" / "a", tmp_path / "wide" / "cells" / "a" / "runs" / "a"):
        place.parent.mkdir(parents=True)
        shutil.copytree(tmp_path / "a", place)
    for bench in ("night", "wide"):  # one machine, and several without a folder in common
        found = curves(rows[:1], names, tmp_path / bench)
        assert reached(found.lines[0])[found.axes.x(0.1)] == found.axes.y(1.0) and not found.gone
    rows[1]["run_dir"] = str(tmp_path / "b")
    found = curves(rows, names, tmp_path)
    assert [one.name for one in found.lines] == ["h"] and found.gone == ["<g>"]
    text = page(rows, tmp_path)
    assert "are gone: &lt;g&gt;.</p>" in text and text.count('class="curve"') == 1
    away = page(rows[:1], tmp_path)
    assert "are gone: &lt;g&gt;.</p>" in away and 'class="curve"' not in away
    climbing = rows[0] | {"run_id": "../a"}
    assert curves([climbing], names, tmp_path / "runs").gone == ["<g>"]


def test_runs_that_cost_nothing_are_drawn_by_their_attempts(tmp_path):
    row = ran(tmp_path, "a", 1.0, (0.0, 0, "keep"), (0.2, 0, "discard"), (0.5, 0, "keep"), (1.0, 0, "keep"))
    found = curves([row], {("g", ""): "g"})
    at = reached(found.lines[0])
    assert [at[found.axes.x(number)] for number in (0, 2, 3)] == [
        found.axes.y(share) for share in (0.0, 0.5, 1.0)
    ]
    assert [text for _, text in found.axes.across] == ["0", "1", "2", "3"]
    text = page([row | {"seed": 0, "status": "finished", "reason": "x"}])
    assert "Score against attempts" in text and ">attempts of a run</text>" in text
    assert len(Axes.around([1000.0], [], counted=True).across) <= 11


def test_dollars_are_marked_by_one_two_and_five():
    axes = Axes.around([0.0205], [])
    assert [text for _, text in axes.across] == ["$0", "$0.005", "$0.01", "$0.02", "$0.05"]
    assert axes.x(0.02) < axes.x(0.0205) < axes.x(0.05)
    free = Axes.around([0.0], [])
    assert [text for _, text in free.across][::5] == ["$0", "$0.01"]
    wide = Axes.around([7000.0], [])
    told = [(x, text) for x, text in wide.across if text]
    assert wide.across[-1][0] == wide.x(10000.0) and len(told) < len(wide.across)
    assert all(after - before >= 40 for (before, _), (after, _) in pairwise(told))


def test_settings_that_lie_on_one_another_can_all_be_seen(tmp_path):
    names = [f"setting_{number}" for number in range(30)]
    assert (
        len({(colour_of(i), mark_of(i)) for i in range(30)})
        == 30
        == len({(colour_of(i), dash_of(i)) for i in range(30)})
    )
    same = [{"usd": (0.02, None, None), "normalised_gain": (1.0, None, None)} for _ in names[:3]]
    apart = {"usd": (0.2, None, None), "normalised_gain": (0.5, None, None)}
    found = picture([*same, apart], [*names[:3], "apart"])
    sizes = [point.size for point in found.points]
    assert sizes[0] == sizes[3] == 1.0 and sizes[0] < sizes[1] < sizes[2]
    assert sorted(label[3] for label in found.labels) == ["apart", *names[:3]]
    assert len({label[:2] for label in found.labels}) == 4
    rows = [
        ran(tmp_path, name, 1.0, (0.0, 0, "keep"), (1.0, 0.1, "keep")) | {"graph": name} for name in names[:3]
    ]
    drawn = curves(rows, {(name, ""): name for name in names[:3]})
    wide = [one.wide for one in drawn.lines]
    assert wide == sorted(set(wide), reverse=True)  # the later ones leave an edge of the earlier ones
    assert [label[3] for label in drawn.labels] == [", ".join(names[:3])]


def test_a_name_without_room_is_left_to_the_legend():
    there = [("a" * 200, 300.0, 100.0, 6.0), ("b", 300.0, 200.0, 6.0)]
    assert [label[3] for label in placed_labels(there)] == ["b"]
    crowd = [(str(number), 300.0, 100.0, 6.0) for number in range(40)]
    assert 1 < len(placed_labels(crowd)) < 40


def test_the_page_shows_every_setting_and_escapes_what_is_told(tmp_path):
    hostile = ROWS[0] | {"task": "<script>x", "reason": "a\u202eb", "cell": "h"}
    failed = {
        "cell": "f",
        "task": "t",
        "graph": "b",
        "models_file": "dir/hosted.yaml",
        "seed": 0,
        "status": "failed",
        "reason": "&",
    }
    text = page([*ROWS, hostile, failed])
    assert "<script>x" not in text and "&lt;script&gt;x" in text and "\u202e" not in text
    assert (
        "b, hosted" in text and text.count("<path") == 2 * 2
    )  # a point and its legend, of settings that have a gain
    assert page([failed]).count("<path") == 0


def test_the_frontier_leaves_out_what_is_dearer_and_no_better():
    cheap, dear, best = (
        Point(name, "", "", x, y, x, x, y, y) for name, x, y in [("a", 1, 9), ("b", 2, 9), ("c", 3, 4)]
    )
    assert [point.name for point in frontier([best, dear, cheap])] == ["a", "c"]
