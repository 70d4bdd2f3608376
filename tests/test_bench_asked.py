"""What a bench is asked for, and by whom: settings, a file, the command line, and its own plan where it goes on."""

import io
import json
import signal
import socket
from dataclasses import asdict
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from rich.console import Console

from budgetmlagent.bench import results
from budgetmlagent.bench.asked import Asked
from budgetmlagent.bench.asked import asked as asked_for
from budgetmlagent.bench.plan import Plan, cell_of, cells
from budgetmlagent.bench.remote import Job, work
from budgetmlagent.bench.runner import Step
from budgetmlagent.cli import call
from budgetmlagent.cli.benched import Live
from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.money.ledger import Ledger
from budgetmlagent.run import order
from budgetmlagent.settings import CARRIED, FROM, VARIABLES, carried, memory_hosts
from memory.state import NANO


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder of one's own, in which nothing is set or confirmed yet."""
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "person"))
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with FaultServer(respond=tiny.team) as server:
        yield server


def words(server: FaultServer, *more: str) -> list[str]:
    """A bench of one run: of one turn, at models that cost."""
    if not Path("tiny").exists():
        tiny.task(Path())
    models = tiny.models(Path(), server.url)
    models.write_text(models.read_text().replace("price:", "max_tokens: 200, price:"))
    return ["bench", "--tasks", "tiny", "--graphs", "single_agent", "--out", "night", "--jobs", "1", *more]


HOSTED = ["--models", "models.yaml"]
SHORT = ["--turns", "1", "--history", "off"]


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def dry(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """What a dry run says."""
    assert call([*command, "--dry-run"]) == 0
    return capsys.readouterr().out


def test_the_cap_that_is_given_holds_where_a_setting_names_another(server, capsys, monkeypatch):
    monkeypatch.setenv("BUDGETML_PROJECT_BUDGET", "20")
    cap = ["--turns", "2", "--history", "off", "--project-budget", "0.026"]
    assert call(words(server, *HOSTED, *cap, "--json")) == 0
    captured = capsys.readouterr()
    assert "at most $0.026" in captured.err
    (row,) = json.loads(captured.out.splitlines()[-1])["rows"]
    assert 0 < row["usd"] < 0.01 and "budget of the project" in row["reason"]  # the second call could pass it
    assert row["models"] == {"small": "small-7b", "large": "large-14b"}
    assert Ledger(Path("night/runs/ledger.sqlite")).project_cap() == round(0.026 * NANO)


def test_a_cap_that_a_person_sets_while_a_bench_runs_stands_whatever_settings_say(
    server, capsys, monkeypatch
):
    Path("budgetml.toml").write_text("project_budget = 0.3\n")

    def capped(body: dict) -> Turn:
        if len(server.requests) == 1:
            assert Ledger(Path("night/runs/ledger.sqlite")).project_cap() == round(0.3 * NANO)
            assert call(["cost", "--cap", "0.25", "--runs-dir", "night/runs"]) == 0
        return tiny.team(body)

    server.respond = capped
    assert call(words(server, *HOSTED, *SHORT, "--seeds", "0,1", "--trust", "--json")) == 0
    assert [row["status"] for row in told(capsys)["rows"]] == ["finished"] * 2
    assert Ledger(Path("night/runs/ledger.sqlite")).project_cap() == NANO // 4
    again = of(go_on=True)
    assert again.cap == 0.25 and "project_budget 0.25, not 0.3: its ledger has it so by now" in again.told
    again.begin(go_on=True)
    assert Ledger(Path("night/runs/ledger.sqlite")).project_cap() == NANO // 4


def test_settings_are_the_plan_of_who_says_nothing_else(server, capsys, monkeypatch):
    Path("budgetml.toml").write_text(
        'project_budget = 0.3\nbudget = 0.125\nturns = 3\nhistory = "off"\nmodels = "models.yaml"\n'
    )
    assert (
        call([*words(server, "--seeds", "0,1,2"), "--dry-run"]) == UsageError.status
    )  # nobody has confirmed the file
    assert "add --trust" in capsys.readouterr().err
    assert "at most $0.30" in dry(capsys, words(server, "--seeds", "0,1,2", "--trust"))
    asked = of(given={"tasks": ["tiny"]})
    assert asked.plan.model_dump() == {
        "tasks": [str(Path("tiny").resolve())], "graphs": ["budgetml"], "models": [str(Path("models.yaml").resolve())],
        "seeds": [0], "budget": 0.125, "turns": 3, "minutes": None, "history": "off", "project_budget": None,
    }  # fmt: skip
    assert asked.cap == 0.3 and asked.told[0] == "by the settings: budget 0.125"
    Path("night.yaml").write_text("tasks: [tiny]\nturns: 4\nproject_budget: 2\n")
    asked = of(Path("night.yaml"), {"budget": 0.5})
    assert (asked.plan.budget, asked.plan.turns, asked.cap) == (0.5, 4, 2.0)
    monkeypatch.setenv("BUDGETML_TURNS", "5")
    assert of(given={"tasks": ["tiny"]}).plan.turns == 5
    assert "at most $0.001\n" in dry(capsys, words(server, "--budget", "0.001"))
    Path("night").mkdir()
    Path("night/budgetml.toml").write_text("budget = 0.0625\n")  # the bench's own
    assert of(given={"tasks": ["tiny"]}, trust=True).plan.budget == 0.0625


def test_embedded_models_are_those_whatever_is_set_and_a_row_says_who_was_asked(server, monkeypatch):
    words(server)
    monkeypatch.setenv("BUDGETML_MODELS", "models.yaml")
    Path("night.yaml").write_text("tasks: [tiny]\nmodels: [null]\n")
    for asked in (of(given={"tasks": ["tiny"], "models": ["embedded"]}), of(Path("night.yaml"))):
        (run,) = asked.requests().values()
        assert not order.plan(run).config.hosts
    ((cell, run),) = of(given={"tasks": ["tiny"]}).requests().items()
    assert order.plan(run).config.hosts
    assert cell_of(cell)["models_file"] == str(Path("models.yaml").resolve())


def test_the_ledger_that_a_project_names_is_the_one_of_its_benches_or_nothing_is_spent(
    server, capsys, monkeypatch
):
    with socket.socket() as nobody:  # a port that is taken, and where nobody listens
        nobody.bind(("127.0.0.1", 0))
        address = f"postgresql://me@127.0.0.1:{nobody.getsockname()[1]}/money"
        Path("budgetml.toml").write_text(f'ledger = "{address}"\n')
        assert call(words(server, *HOSTED, *SHORT, "--trust")) == UnavailableError.status
    assert "ledger" in capsys.readouterr().err.splitlines()[-1]
    assert not Path("night").exists() and not server.requests


def test_who_goes_on_with_a_bench_from_elsewhere_obeys_the_same_file(server, monkeypatch, capsys):
    words(server)
    Path("budgetml.toml").write_text('memory = "http://127.0.0.1:1"\n')
    of(given={"tasks": ["tiny"]}, trust=True).begin(go_on=False)
    (there := Path("there").resolve()).mkdir()
    night = Path("night").resolve()
    monkeypatch.chdir(there)
    assert memory_hosts(night / "runs") == ["127.0.0.1:1"]
    Path("../budgetml.toml").unlink()
    assert call(["bench", "--out", str(night), "--continue"]) == UsageError.status
    assert f"{FROM}: these runs obey" in capsys.readouterr().err
    (night / FROM).write_text("/etc/passwd\n")
    with pytest.raises(UsageError, match="is not there"):
        memory_hosts(night / "runs")


def test_a_machine_that_sees_the_bench_and_not_its_settings_is_told_them(server, monkeypatch):
    words(server)
    Path("budgetml.toml").write_text(
        'memory = "http://127.0.0.1:1"\nembedding = "http://127.0.0.1:1/v1 m A_KEY"\n'
    )
    monkeypatch.setenv("A_KEY", "of who embeds")
    bench = of(
        given={"tasks": ["tiny"], "graphs": ["recall"], "models": ["models.yaml"], "history": "off"},
        trust=True,
    )
    bench.begin(go_on=False)
    ((cell, asked),) = bench.requests().items()
    told = carried(bench.home)
    assert told == {
        CARRIED: "1", "BUDGETML_MEMORY": "http://127.0.0.1:1", "BUDGETML_EMBEDDING": "http://127.0.0.1:1/v1 m A_KEY",
        "A_KEY": "of who embeds",
    }  # fmt: skip
    Path("budgetml.toml").unlink()  # as it is nowhere but at home
    for environment, status in (({}, "failed"), (told, "finished")):
        (folder := Path("night", "cells", cell.name)).mkdir(parents=True, exist_ok=True)
        (folder / "request.json").write_text(json.dumps(asdict(asked)))
        *_, end = work(Job(str(folder), environment), None)
        row = json.loads((folder / "row.json").read_text())
        assert (end.status, row["status"]) == (0, status)
        (folder / "row.json").unlink()
    assert "127.0.0.1:1" in row["hosts"]


def of(
    file: Path | None = None, given: dict | None = None, *, go_on: bool = False, trust: bool = False
) -> Asked:
    return asked_for(file, given or {}, Path("night"), go_on=go_on, trust=trust)


def test_a_bench_goes_on_with_its_plan_and_what_is_named_beside_it_is_added(server, capsys):
    words(server)
    Path("night.yaml").write_text("tasks: [tiny]\nmodels: [models.yaml]\nturns: 12\n")
    begun = of(Path("night.yaml"), {"turns": 1, "history": "off", "seeds": [0, 1], "project_budget": 0.01})
    begun.begin(go_on=False)
    again = of(Path("night.yaml"), go_on=True)
    assert again.plan == begun.plan and again.cap == 0.01
    assert again.told == ["turns stays 1: night.yaml says 12, --turns would change it"]
    more = of(
        given={"tasks": ["digits"], "graphs": ["recall"], "models": ["embedded"], "seeds": [0, 2]}, go_on=True
    )
    assert set(cells(begun.plan)) < set(cells(more.plan)) and len(cells(more.plan)) == 2 * 2 * 2 * 3
    assert more.told == ["adds tasks digits", "adds graphs recall", "adds models embedded", "adds seeds 2"]
    raised = of(given={"turns": 3, "project_budget": 0.02}, go_on=True)
    assert (raised.plan.turns, raised.cap) == (3, 0.02)
    assert raised.told[1] == "project_budget 0.02, not 0.01, of all runs together"
    for given, said in (({"history": "run"}, "--history run: the bench has off"), ({"turns": 0}, "--turns 0"),
                        ({"minutes": 5.0}, "--minutes 5.0: the bench has open")):  # fmt: skip
        with pytest.raises(UsageError, match=f"{said}.*name another --out"):
            of(given=given, go_on=True)
    (Path("night") / "runs").mkdir(exist_ok=True)
    Ledger(Path("night/runs/ledger.sqlite")).set_project_cap(NANO // 1000)  # as `cost --cap` does
    assert of(go_on=True).cap == of(go_on=True).plan.project_budget == 0.001
    assert "at most $0.001\n" in dry(capsys, ["bench", "--out", "night", "--continue", "--seeds", "7"])
    Path("night/plan.json").write_text("[")
    with pytest.raises(UsageError, match="damaged"):
        of(Path("night.yaml"), go_on=True)


def ended(plan: Plan) -> dict:
    """A bench of one run that has ended, as a worker leaves it; return its row."""
    results.begin(Path("night"), plan, go_on=False)
    (cell,) = cells(plan)
    (folder := Path("night", "cells", cell.name)).mkdir(parents=True)
    said = {"status": "finished", "reason": "all turns are used", "usd": 0.01, "seconds": 1.0, "cut_short_by": "", "gain_pct": 5.0,
            "models": {"small": "small-7b", "large": "large-14b"}}  # fmt: skip
    (folder / "row.json").write_text(json.dumps(said))
    return cell_of(cell) | said


def test_runs_of_an_older_version_that_asked_others_for_null_are_not_gone_on_with_by_the_embedded_ones(
    server,
):
    words(server)
    plan = of(given={"tasks": ["tiny"], "graphs": ["single_agent"]}).plan
    ended(plan)  # as it was kept where the settings named models.yaml
    assert of(go_on=True).plan.models == [None]  # nothing is to begin
    with pytest.raises(UsageError, match=r"models null are the embedded ones now, .* small-7b, large-14b"):
        of(given={"seeds": [1]}, go_on=True)
    assert call(["bench", "--out", "night", "--report"]) == 0


def test_rows_of_earlier_cells_stay_in_the_table(server, capsys):
    words(server)
    given = {
        "tasks": ["tiny"],
        "graphs": ["single_agent"],
        "models": ["models.yaml"],
        "turns": 1,
        "history": "off",
    }
    first = ended(of(given=given | {"project_budget": 1.0}).plan)
    assert call(words(server, "--graphs", "recall", "--continue", "--json")) == 0
    rows = told(capsys)["rows"]
    assert rows[0] == first and [row["graph_file"] for row in rows] == ["single_agent", "recall"]
    assert rows[1]["status"] == "finished" and rows[1]["models_file"] == first["models_file"]
    assert json.loads(Path("night/plan.json").read_text())["project_budget"] == 1


@pytest.mark.parametrize("url", ["s3://b/x", "file:///tmp/x"])
def test_a_url_is_no_folder_to_write_to(url, server, capsys):
    assert call([*words(server), "--out", url]) == UsageError.status
    assert f"--out {url}: a folder is needed" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"tiny", "models.yaml"}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("minutes: -3", "night.yaml: minutes=-3: "),
        ("project_budget: -1", "night.yaml: project_budget=-1: a number of dollars"),
        ("budget: x", "night.yaml: budget='x': a number of dollars"),
        ("turns: 0", "night.yaml: turns=0: at least 1 is needed"),
        ("seeds: []", "night.yaml: seeds: name at least one"),
    ],
)
def test_what_a_file_says_wrongly_is_told_with_its_name(capsys, line, wrong):
    Path("night.yaml").write_text(f"tasks: [digits]\ngraphs: [recall]\n{line}\n")
    assert call(["bench", "night.yaml", "--dry-run"]) == 2
    assert capsys.readouterr().err.startswith(f"budgetml: {wrong}")


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ([], "bench: tasks: name at least one"),
        (["--tasks", ""], "bench: tasks: name at least one"),
        (["--tasks", "digits", "--ray", ""], "--ray: HOST:PORT of the cluster's head is needed"),
    ],
)
def test_what_is_left_empty_is_told(capsys, words, wrong):
    assert call(["bench", "--dry-run", *words]) == 2
    assert capsys.readouterr().err.startswith(f"budgetml: {wrong}")


def test_a_dry_run_says_that_a_bench_lies_there(server, capsys):
    words(server)
    of(given={"tasks": ["tiny"], "models": ["models.yaml"]}).begin(go_on=False)
    assert call(words(server, *HOSTED, *SHORT, "--dry-run")) == 2
    assert "--out night: a bench lies there" in capsys.readouterr().err
    assert dry(capsys, words(server, "--continue"))


def test_the_cap_of_the_settings_is_told(server, capsys):
    Path("budgetml.toml").write_text("project_budget = 0.1\n")
    assert "by the settings: project_budget 0.1" in dry(capsys, words(server, *HOSTED, "--trust"))


@pytest.mark.usefixtures("interruptible")
def test_who_interrupts_a_bench_is_told_how_far_it_is_and_how_it_goes_on(server, capsys):
    server.respond = lambda body: signal.raise_signal(signal.SIGINT) or tiny.team(body)
    assert call(words(server, *HOSTED, *SHORT)) == 130
    said = "budgetml: interrupted: 0 of 1 run ended; `budgetml bench --continue --out night` goes on\n"
    assert said in capsys.readouterr().err


def test_a_terminal_shows_what_runs_what_waits_and_what_is_spent():
    plan = Plan(tasks=["digits"], graphs=["recall"], seeds=[0, 1, 2])
    first, second, _ = cells(plan)
    live = Live([*cells(plan)], [cell_of(first) | {"status": "finished", "reason": "", "usd": 0.25}])
    live.told(second.name, Step(3, "coder", 0.125))
    out = io.StringIO()
    Console(file=out, width=80).print(live.live.get_renderable())
    head, row = out.getvalue().splitlines()
    assert head.split() == ["1", "run,", "1", "wait", "turn", "node", "$0.3750"]
    assert row.split() == ["digits", "(recall)", "seed", "1", "3", "coder", "$0.1250"]
    live.told(second.name, None)
    assert live.now == {}
