"""The studio in a real browser, on replayed runs and on a scripted team that costs money. `make browser` runs it."""

import json
import re
import threading
from pathlib import Path

import pytest
import tiny
from browser import Notebook, lab  # noqa: F401 - a fixture
from fault_server import FaultServer, Turn
from playwright.sync_api import expect, sync_playwright
from studio_page import Looked, chromium, command, studio

from budgetmlagent import Session

RECORDINGS = Path(__file__).parent / "recordings"
GRAPH = (Path(__file__).parents[1] / "graphs" / "budgetml.yaml").read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A studio's address and folder, with a replayed run, a paid one, and one that waits for a word."""
    folder = tmp_path_factory.mktemp("studio")
    runs = folder / "runs"
    with FaultServer(respond=tiny.team) as server:
        replayed = Session(
            "digits", models=f"replay:{RECORDINGS / 'digits'}", budget=0.25, turns=8, runs_dir=runs
        )
        replayed.run()
        paid = tiny.session(folder, server.url, budget=1.0, turns=2)
        paid.run()
        (folder / "own.yaml").write_text(GRAPH)
        with studio(folder) as address:
            yield (
                {"address": address, "folder": folder, "replayed": replayed.run_id, "paid": paid.run_id},
                server,
            )


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture
def looked(world, browser):
    """Open a place in the page; at the end all that was opened has to be clean."""
    opened = []

    def look(*path, dark=False):
        opened.append(Looked(browser, world[0]["address"], *path, dark=dark))
        return opened[-1]

    yield look
    for each in opened:
        each.clean()


def test_runs_are_found_and_one_is_looked_at_step_by_step(world, looked):
    told, _ = world
    look = looked()
    look.page.get_by_label("Search runs").fill("digits finished")
    expect(look.page.locator("tbody tr")).to_have_count(1)
    look.page.get_by_role("link", name="digits", exact=True).click()
    look.shows("0.97651", "+21.8%", "$0.2500", "all turns are used", "replayed")
    look.page.get_by_label("Search steps").fill("nothing recalled")
    look.page.locator(".timeline li button").first.click()
    step = look.page.get_by_role("article")
    expect(step).to_contain_text("memory has nothing more: planner moves up")
    expect(step.locator(".fired")).to_contain_text('fault = "nothing_recalled"')
    step.get_by_text("passed over").click()
    expect(step.locator(".tried .folded")).to_contain_text("no turn is left")
    expect(look.page.locator(".row.fired")).to_have_count(1)
    look.page.get_by_label("Search steps").fill("")
    row = look.page.locator("[data-card=coder] .row button").first
    row.click()
    look.shows("of 35 steps")
    look.button("All steps").click()
    look.page.reload()
    expect(look.page.get_by_role("article")).to_contain_text("coder")  # a reload loses nothing
    look.page.locator(".timeline li button").first.click()
    look.page.locator(".timeline li button").first.press("ArrowDown")
    expect(look.page.get_by_role("heading", name="Step 2")).to_be_visible()
    assert told["replayed"] in look.page.url


def test_a_replay_is_begun_stepped_forked_and_gone_back_in(world, looked):
    told, _ = world
    look = looked("start")
    models = look.page.get_by_label("Models")
    models.select_option(models.locator("option", has_text=told["replayed"]).get_attribute("value"))
    look.page.get_by_label("Turns").fill("3")
    look.page.get_by_label("only make it ready").check()
    look.shows("a replay: no dollar is spent")
    look.button("Make it ready").click()
    look.shows("not begun")
    look.button("Step").click()
    expect(look.page.locator(".timeline li")).to_have_count(1)
    look.shows("run.step()")  # the same, to copy
    look.button("Run until").click()
    look.page.get_by_label("Node", exact=True).select_option("coder")
    look.page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(look.page.locator(".timeline li")).to_have_count(4)
    look.button("Run to the end").click()
    look.shows("all turns are used")
    look.button("Back…").click()
    look.page.get_by_label("To after step").fill("3")
    look.button("Go back").click()
    expect(look.page.locator(".timeline li")).to_have_count(3)
    look.button("More…").click()
    look.page.get_by_role("dialog").get_by_label("Turns").fill("4")
    look.button("Give more").click()
    look.shows("of 4")
    begun = look.page.url
    look.button("Fork…").click()
    dialog = look.page.get_by_role("dialog")
    dialog.get_by_label("Change a field").select_option("plan")
    plan = dialog.get_by_label("plan", exact=True)
    plan.fill(re.sub(r'"instruction": "[^"]*"', '"instruction": "what I think"', plan.input_value()))
    dialog.get_by_role("button", name="Fork").click()
    look.page.wait_for_url(lambda url: url != begun)
    look.shows("fork of")
    look.button("Step").click()
    expect(look.page.locator(".timeline .hand")).to_contain_text("plan")


def test_two_calls_wait_for_a_word_and_one_is_declined(world, looked):
    _, server = world
    look = looked("start")
    look.page.get_by_label("Task", exact=True).select_option("tiny")
    look.page.get_by_label("Models").select_option("models.yaml")
    look.page.get_by_label("Ask me before calls").select_option("all")
    look.page.get_by_text("More", exact=True).click()
    look.page.get_by_label("History").select_option("off")
    look.page.get_by_label("Budget in dollars").fill("1,5")
    look.shows("should be a valid number")
    look.page.get_by_label("Budget in dollars").fill("0.5")
    expect(look.button("Begin")).to_contain_text("at most $0.5000")
    asked = len(server.requests)
    look.button("Begin").click()
    look.shows("May planner ask small?", "If you decline")
    assert len(server.requests) == asked, "it was asked before a word"
    look.button("Approve").dblclick()
    expect(look.page.locator(".timeline li")).to_have_count(4)
    assert len(server.requests) == asked + 1, "two clicks asked twice"
    look.button("Run to the end").click()
    look.shows("May coder ask small?")
    look.page.get_by_label("then run on").check()
    look.button("Approve").click()
    look.shows("May planner ask small?")
    look.button("Decline").click()
    look.shows("was declined")


def test_a_call_in_flight_is_seen_and_stopped_and_stays_reserved(world, looked):
    told, _ = world
    held = threading.Event()
    with FaultServer(respond=lambda body: held.wait(60) and tiny.team(body)) as server:
        run = tiny.session(told["folder"], server.url, budget=0.5, turns=1)
        look = looked("run", run.run_id)
        look.button("Run to the end").click()
        look.shows("asks small for")
        expect(look.page.locator(".card.runs")).to_contain_text("planner")
        look.button("Pause").click()
        expect(look.button("Pause")).to_be_disabled()
        look.button("Stop").click()
        look.shows("stopped", "of it reserved")
        held.set()
    tiny.models(told["folder"], world[1].url)  # what was written over


def test_the_budget_is_cut_into_parts_that_lead_to_their_steps(world, looked):
    told, _ = world
    look = looked("run", told["paid"])
    look.page.get_by_role("tab", name="Money").click()
    for cut in ("Node", "Model", "Rule"):
        look.button(cut, exact=True).click()
        expect(look.page.locator(".cuts button")).not_to_have_count(0)
    look.button("Node", exact=True).click()
    look.page.locator(".parts").get_by_role("button", name="coder").click()
    expect(look.page.locator(".timeline li .node").first).to_contain_text("coder")
    expect(look.page.locator(".timeline li .usd").first).to_contain_text(re.compile(r"^\$0\.\d{4}$"))


def test_two_runs_stand_side_by_side(world, looked):
    told, _ = world
    look = looked("compare", told["replayed"], told["replayed"])
    look.shows("They are the same, as far as both went", "Score against dollars")


def test_a_graph_is_edited_judged_and_saved(world, looked):
    told, _ = world
    path = told["folder"] / "own.yaml"
    look = looked("graph", "own.yaml")
    row = look.page.locator("[data-row='rules/evaluator/4'] button")
    row.click()
    row.press("Alt+ArrowDown")
    look.shows("graph.move_rule(node='evaluator', index=5, to=6)")
    expect(look.page.locator("[data-row='rules/evaluator/5']")).to_contain_text("a new best")
    look.page.locator("[data-row='rules/evaluator/5']").drag_to(
        look.page.locator("[data-row='rules/evaluator/4']")
    )
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text("a new best")
    look.page.locator("[data-row='rules/evaluator/2'] button").click()
    percent = look.page.get_by_label("percent")
    percent.fill("20")
    percent.press("Enter")
    expect(look.page.locator("[data-row='rules/evaluator/2']")).to_contain_text(
        "better than the starter by 20%"
    )
    look.page.get_by_label("aim").select_option("best")
    look.button("Undo").click()
    look.button("Undo").click()
    expect(look.page.locator("[data-row='rules/evaluator/2']")).to_contain_text("by 12%")
    look.button("Redo").click()
    expect(look.page.locator("[data-row='rules/evaluator/2']")).to_contain_text("by 20%")
    look.page.locator(".gated").get_by_label(told["replayed"]).check()
    look.shows("decisions would be others")
    look.page.locator("[data-card=executor]").get_by_role("button", name="+ rule").click()
    look.page.get_by_role("heading", name="Rule 2 executor").wait_for()
    look.page.get_by_label("Leads to").select_option("coder")
    look.page.get_by_label("When").select_option("crashed")
    expect(look.page.locator("[data-row='rules/executor/1']")).to_contain_text("a crash")
    expect(look.page.locator("[data-row='rules/executor/1']")).to_contain_text("coder")
    look.button("Remove the rule").click()
    look.button("Save…").click()
    dialog = look.page.get_by_role("dialog")
    expect(dialog.locator(".diff")).to_contain_text("percent: 20")
    dialog.get_by_role("button", name="Save own.yaml").click()
    expect(dialog).to_have_count(0)
    before, after = GRAPH.splitlines(), path.read_text().splitlines()
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    assert changed == [next(line for line in before if "percent: 12" in line)]
    path.write_text(GRAPH + "# of somebody else\n")
    path.touch()


def test_a_finding_stands_on_its_row_and_a_shipped_graph_is_saved_as_a_copy(world, looked):
    told, _ = world
    look = looked("graph", "recall")
    look.page.locator(".card .name").first.click()
    look.page.get_by_role("button", name="+ stuck").click()
    attempts = look.page.get_by_role("textbox", name="attempts")
    attempts.fill("many")
    attempts.press("Enter")
    expect(look.page.locator(".row .finding").first).to_be_visible()
    attempts.fill("3")
    attempts.press("Enter")
    expect(look.page.locator(".row .finding")).to_have_count(0)
    look.button("Save a copy").click()
    look.page.get_by_label("File").fill("stricter.yaml")
    look.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    look.page.wait_for_url("**/graph/stricter.yaml")
    assert "stuck" in (told["folder"] / "stricter.yaml").read_text()


def test_a_file_that_changed_meanwhile_is_not_overwritten(world, looked):
    told, _ = world
    path = told["folder"] / "mine.yaml"
    path.write_text(GRAPH)
    look = looked("graph", "mine.yaml")
    look.page.locator("[data-row='rules/evaluator/2'] button").click()
    look.page.get_by_label("percent").fill("30")
    look.page.get_by_label("percent").press("Enter")
    expect(look.page.locator("[data-row='rules/evaluator/2']")).to_contain_text("by 30%")
    theirs = GRAPH.replace("percent: 12", "percent: 13")
    path.write_text(theirs)
    look.button("Save…").click()
    look.page.get_by_role("dialog").get_by_role("button", name="Save mine.yaml").click()
    look.shows("The file was changed meanwhile")
    assert path.read_text() == theirs
    look.button("Read it anew").click()
    expect(look.page.locator("[data-row='rules/evaluator/2']")).to_contain_text("by 13%")


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


def test_two_tabs_agree_and_a_studio_begun_again_shows_the_run_as_it_is(world, looked):
    told, _ = world
    one, other = looked("start"), looked()
    models = one.page.get_by_label("Models")
    models.select_option(models.locator("option", has_text=told["replayed"]).get_attribute("value"))
    one.page.get_by_label("Turns").fill("2")
    one.page.get_by_label("only make it ready").check()
    one.button("Make it ready").click()
    one.shows("not begun")
    run = one.page.url.partition("/run/")[2]
    other.shows(run)
    other.go("run", run)
    one.button("Step").click()
    for tab in (one, other):
        expect(tab.page.locator(".timeline li")).to_have_count(1)


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


def test_a_run_is_stepped_and_a_graph_edited_in_a_notebook(lab, browser):  # noqa: F811
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
