"""The studio's page in a browser, a file and a notebook: strangers' words are text, and everybody can use it. `make browser` runs it."""

import json
import re
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from labs import Notebook
from playwright.sync_api import expect
from studio_page import GRAPH, RECORDINGS, Looked, command

pytest_plugins = ["studio_world"]


HOSTILE = "</script><img src=x onerror=\"alert('run')\"><b>bold</b> \u202eevil\u202c \u200b {{7*7}}"


def hostile(body):
    """Answer as the team does, with markup and hidden characters in plan, script and reply, and far too much of it."""
    turn = tiny.team(body)
    if "instruction" in turn.text:
        return Turn(
            json.dumps(json.loads(turn.text) | {"instruction": HOSTILE}), tokens_in=100, tokens_out=20
        )
    return Turn(f"{HOSTILE}\n{turn.text}\n# {HOSTILE}" + "x" * (2 << 20), tokens_in=100, tokens_out=20)


def test_what_strangers_wrote_is_text_and_nothing_else(world, looked):
    told, _ = world
    with FaultServer(respond=hostile) as server:
        run = tiny.session(told["folder"], server.url, budget=1.0, turns=1)
        run.run()
    tiny.models(told["folder"], world[1].url)  # what was written over
    (told["folder"] / "<img src=x onerror=alert('file')>.yaml").write_text(
        GRAPH.replace("name: budgetml", "name: '<b>bold</b>'")
    )
    (told["folder"] / "runs" / "<b>damaged").mkdir()
    (told["folder"] / "runs" / "<b>damaged" / "config.json").write_text("<img src=x onerror=alert('config')>")
    look = looked()
    look.shows(run.run_id, "damaged")
    for step in (event["step"] for event in run.timeline):
        look.go("run", run.run_id, step)
        expect(look.page.get_by_role("heading", name=f"Step {step}")).to_be_visible()
        article = look.page.get_by_role("article")
        article.get_by_text("Why it went on").wait_for()
        while (shut := article.locator("details:not([open]) > summary")).count():
            shut.first.click()
        nothing_but_text(look)
    look.shows("onerror=")
    look.shows("⟨202e⟩evil")
    look.go("graphs")
    look.page.get_by_role("link", name="onerror").click()
    expect(look.page.get_by_role("heading", name="<b>bold</b>")).to_be_visible()
    nothing_but_text(look)


def nothing_but_text(look):
    strange = "() => [...document.querySelectorAll('#studio img, #studio b b, #studio script, #studio iframe')].map(e => e.outerHTML)"
    assert look.page.evaluate(strange) == []
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", look.page.inner_text("#studio"))


AXE = Path(__file__).parents[1] / "ui" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(world, looked, dark):
    told, _ = world
    look, wrong = looked(dark=dark), []
    for path in (
        [],
        ["run", told["paid"]],
        ["graphs"],
        ["graph", "budgetml"],
        ["start"],
        ["compare", told["paid"], told["paid"]],
    ):
        look.go(*path)
        look.page.locator("h1").wait_for()
        look.page.wait_for_timeout(700)
        if path[:1] == ["run"]:
            look.page.get_by_role("tab", name="Money").click()
        if path[:1] == ["graph"]:
            look.page.locator("[data-row] button").first.click()
        look.page.evaluate(AXE.read_text())
        found = look.page.evaluate(
            "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.slice(0, 4).map(n => n.html.slice(0, 160))])"
        )
        wrong += [(path, each) for each in found]
    assert wrong == []


def test_a_run_in_one_file_is_looked_at_without_a_studio(world, browser, tmp_path):
    told, _ = world
    out = tmp_path / "run.html"
    command("export", told["paid"], "--out", str(out), "--runs-dir", str(told["folder"] / "runs"))
    look = Looked(browser, out.as_uri())
    look.shows("all turns are used", "Why it went on to END")
    look.page.locator(".timeline li button").first.click()
    expect(look.page.get_by_role("heading", name="Step 1")).to_be_visible()
    look.page.get_by_role("tab", name="Money").click()
    look.shows("Where the budget went")
    expect(look.page.get_by_role("toolbar")).to_have_count(0)
    look.clean()


CELL = """\
from budgetmlagent import Session, studio
session = Session('digits', models='replay:{recording}', budget=0.25, turns=2)
studio.view(session)
"""


def test_a_run_is_stepped_and_a_graph_edited_in_a_notebook(lab, browser):
    begin = CELL.format(recording=RECORDINGS / "digits")
    edit = "from budgetmlagent import GraphSpec, studio\ngraph = GraphSpec.load('recall')\nstudio.edit(graph)"
    notebook = Notebook(lab, browser, begin, edit)
    view = notebook.cell(0).locator(".studio.widget")
    view.get_by_role("button", name="Step").first.click()
    expect(view.locator(".timeline li")).to_have_count(1)
    view.get_by_role("tab", name="Money").click()
    bench = notebook.cell(1).locator(".studio.widget")
    bench.locator("[data-row='rules/evaluator/0'] button").click()
    bench.get_by_label("Leads to").select_option("planner")
    bench.get_by_role("button", name="Save…").click()
    bench.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(bench.get_by_role("dialog")).to_have_count(0)


BUSY = """\
import pathlib, time
while pathlib.Path({begun!r}).exists() and not pathlib.Path({ended!r}).exists():
    time.sleep(0.1)
"""


def test_a_run_is_stepped_in_a_notebook_while_a_cell_runs(lab, browser, tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    busy = BUSY.format(begun=str(begun), ended=str(ended))
    notebook = Notebook(lab, browser, CELL.format(recording=RECORDINGS / "digits"), busy)
    view = notebook.cell(0).locator(".studio.widget")
    expect(view.get_by_role("button", name="Step").first).to_contain_text("costs nothing")
    begun.touch()
    notebook.cell(1).locator(".jp-InputPrompt").click()
    notebook.does("notebook:run-cell")
    notebook.shows(1, "prompt.includes('*')")
    for steps in (1, 2):
        view.get_by_role("button", name="Step").first.click()
        expect(view.locator(".timeline li")).to_have_count(steps)
    notebook.shows(1, "prompt.includes('*')")
    ended.touch()
    notebook.ended(1)
