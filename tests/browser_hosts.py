"""The studio's page in a browser and a file: strangers' words are text, and everybody can use it. `make browser` runs it."""

import json
import re
from pathlib import Path

import pytest
import tiny
from fault_server import FaultServer, Turn
from playwright.sync_api import expect
from studio_page import GRAPH, Looked, command

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


PLACES = [[], ["run"], ["graphs"], ["graph", "budgetml"], ["start"], ["compare"]]
FOUND = """async only => (await axe.run(only ? {runOnly: [only]} : {})).violations
    .map(v => [v.id, v.nodes.slice(0, 4).map(n => n.html.slice(0, 160))])"""


@pytest.mark.parametrize("path", PLACES, ids=lambda path: " ".join(path) or "runs")
def test_axe_finds_nothing(world, looked, path):
    told, _ = world
    look = looked(*path, *[told["paid"]] * {"run": 1, "compare": 2}.get("".join(path[:1]), 0))
    look.page.locator("h1").wait_for()
    if path == ["run"]:
        look.page.get_by_role("tab", name="Money").click()
    if path[:1] == ["graph"]:
        look.page.locator("[data-row] button").first.click()
    look.rests()
    look.page.evaluate(AXE.read_text())
    assert look.page.evaluate(FOUND, "") == []
    look.page.emulate_media(color_scheme="dark")
    assert look.page.evaluate(FOUND, "color-contrast") == []


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
