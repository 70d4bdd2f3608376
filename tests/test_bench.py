"""Many runs: what is asked for, runs that are lost and gone on with, and what their rows say together."""

import csv
import json
import os
import signal
import tarfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.bench import results
from budgetmlagent.bench.curves import curves
from budgetmlagent.bench.here import Here, at_once
from budgetmlagent.bench.page import page
from budgetmlagent.bench.parcel import packed, unpack
from budgetmlagent.bench.picture import Point, frontier
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
from budgetmlagent.bench.summary import compared, mean, normalised, summed, wilson
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
    refuse_what_is_shared(plan, 4)
    with pytest.raises(UsageError, match=r"project_budget 1: 5 runs of \$0.25 .* at most \$0.2000"):
        refuse_what_is_shared(plan, 5)
    with pytest.raises(UsageError, match="replay:"):
        refuse_what_is_shared(Plan(tasks=["digits"], models=["replay:x"]), 1)


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
    for child in psutil.Process().children():
        if "budgetmlagent.bench.worker" in child.cmdline():
            os.kill(child.pid, signal.SIGKILL)


def test_wilsons_interval():
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert [round(x, 3) for x in wilson(8, 10)] == [0.8, 0.49, 0.943]
    assert wilson(3, 3)[2] == 1.0 and wilson(3, 3)[1] < 0.5


def row(task, graph, seed, start, end, usd=0.1, direction=1):
    return {
        "cell": f"{task}{graph}{seed}", "task": task, "graph": graph, "models_file": "", "seed": seed, "status": "finished", "reason": "all turns are used",
        "private_baseline": start, "private_best": end, "gain_pct": direction * (end - start) / start * 100, "usd": usd,
        "success": True, "seconds": 1.0, "tokens_in": 1, "tokens_out": 1, "expert_calls": 0, "turns": 3,
    }  # fmt: skip


ROWS = [
    row("up", "a", 0, 0.5, 0.9), row("up", "b", 0, 0.5, 0.7, usd=0.3),
    row("down", "a", 0, 10.0, 5.0, direction=-1), row("down", "b", 0, 10.0, 12.0, direction=-1),
    row("even", "a", 0, 1.0, 1.0), row("even", "b", 1, 1.0, 1.0),
]  # fmt: skip


def test_the_normalised_gain_is_the_share_of_the_way_that_any_run_went():
    share = normalised(ROWS)
    assert share == pytest.approx({"upa0": 1.0, "upb0": 0.5, "downa0": 1.0, "downb0": -0.4})


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
    ((name, _, points),) = found.lines
    corners = [tuple(map(float, point.split(","))) for point in points.split()]
    at = dict(corners)  # the last y of each x
    assert name == "g" and [at[found.axes.x(usd)] for usd in (0.0, 0.1, 0.2)] == [
        found.axes.y(share) for share in (0.0, 0.25, 0.75)
    ]
    assert curves(
        [row | {"run_dir": "/nowhere"} for row in rows], {("g", ""): "g"}
    )  # its two ends are in the row
    assert curves([{"cell": "x", "task": "t", "graph": "g"}], {("g", ""): "g"}) is None


def test_a_mean_has_an_interval_that_is_the_same_each_time():
    middle, low, high = mean([1.0, 2.0, 3.0, 10.0])
    assert low < middle == 4.0 < high and mean([1.0, 2.0, 3.0, 10.0]) == (middle, low, high)
    assert mean([]) is None and mean([2.0]) == (2.0, 2.0, 2.0)
    few, many = mean([0.0, 1.0] * 250), mean([0.0, 1.0] * 251)  # by the bootstrap, and above 500 without it
    assert few == pytest.approx(many, abs=0.005)
    assert [one["runs"] for one in summed(ROWS)] == [3, 3]


def test_the_page_shows_every_setting_and_escapes_what_is_told(tmp_path):
    hostile = ROWS[0] | {"task": "<script>x</script>", "reason": "a\u202eb", "cell": "h"}
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
        "b, hosted" in text and text.count("<circle") == 2 * 2
    )  # a point and its legend, of settings that have a gain
    assert page([failed]).count("<circle") == 0


def test_the_frontier_leaves_out_what_is_dearer_and_no_better():
    cheap, dear, best = (
        Point(name, "", x, y, x, x, y, y) for name, x, y in [("a", 1, 9), ("b", 2, 9), ("c", 3, 4)]
    )
    assert [point.name for point in frontier([best, dear, cheap])] == ["a", "c"]
