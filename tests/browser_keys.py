"""The studio in a real browser by its keys alone: what can be clicked can be reached and done. `make browser` runs it."""

import json

import pytest
from playwright.sync_api import expect
from studio_page import GRAPH, stands

pytest_plugins = ["studio_world"]

# What can be clicked or typed into and is seen, each by a number of its own; of radio buttons Tab reaches one a group.
NUMBER = """() => {
    const seen = e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0 && !e.closest('[inert]');
    const all = [...document.querySelectorAll('#studio :is(a[href], button, input, select, textarea, summary)')].filter(seen);
    const clicked = [...document.querySelectorAll('#studio *')].filter(e => getComputedStyle(e).cursor === 'pointer' && e.checkVisibility());
    const stray = clicked.filter(e => !e.closest('a, button, input, select, textarea, summary, label, [disabled]'));
    all.forEach((e, n) => e.dataset.number = n);
    return [all.length, stray.map(e => e.outerHTML.slice(0, 80))];
}"""
HERE = "() => document.activeElement.dataset.number ?? null"
MOST = 400  # presses


def reached(page):
    """Press Tab until it begins anew; return the numbers of what had the focus."""
    found = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        number = page.evaluate(HERE)
        if number is not None and number in found:
            break
        found.append(number)
    return {int(number) for number in found if number is not None}


PLACES = [[], ["run"], ["graphs"], ["graph", "recall"], ["start"]]


@pytest.mark.parametrize("path", PLACES, ids=lambda path: " ".join(path) or "runs")
def test_tab_reaches_all_that_can_be_clicked(world, looked, path):
    told, _ = world
    look = looked(*path, *([told["paid"]] if path == ["run"] else []))
    look.page.locator("h1").wait_for()
    look.rests()
    count, stray = look.page.evaluate(NUMBER)
    assert stray == [] and count > 3
    missed = sorted(set(range(count)) - reached(look.page))
    html = "n => document.querySelector(`[data-number='${n}']`).outerHTML.slice(0, 120)"
    assert [look.page.evaluate(html, number) for number in missed] == []


def to(look, element, key="Enter"):
    """Go to an element by Tab alone, and press a key there."""
    element.wait_for()
    element.evaluate("e => e.dataset.goal = 1")
    for _ in range(MOST):
        if look.page.evaluate("() => document.activeElement.dataset.goal === '1'"):
            break
        look.page.keyboard.press("Tab")
    else:
        raise AssertionError("Tab does not reach it")
    element.evaluate("e => delete e.dataset.goal")
    if key:
        look.page.keyboard.press(key)


def test_a_run_is_begun_stepped_and_forked_by_keys(world, looked):
    told, _ = world
    look = looked()
    keys, page = look.page.keyboard, look.page
    to(look, page.get_by_role("link", name="New run"))
    models = page.get_by_label("Models")
    to(look, models, key="")
    keys.type(models.locator("option", has_text=told["replayed"]).text_content())
    to(look, page.get_by_label("Turns"), key="")
    keys.press("Control+A")
    keys.type("2")
    to(look, page.get_by_label("only make it ready"), key="Space")
    look.shows("a replay: no dollar is spent")
    expect(look.button("Make it ready")).to_be_enabled()
    to(look, look.button("Make it ready"))
    look.shows("not begun")
    expect(look.button("Step")).to_contain_text("costs nothing")
    to(look, look.button("Step"))
    expect(page.locator(".timeline li")).to_have_count(1)
    expect(look.button("Step")).to_be_focused()  # so that one can go on with Enter
    to(look, look.button("Run until"))
    to(look, page.get_by_label("a node has run"), key="ArrowDown")
    to(look, page.get_by_role("dialog").get_by_label("Step", exact=True), key="Control+A")
    keys.type("3")
    to(look, page.get_by_role("dialog").get_by_role("button", name="Run"))
    expect(page.locator(".timeline li")).to_have_count(3)
    to(look, look.button("Fork…"))
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("() => document.activeElement.textContent").startswith("Fork"), "the focus is lost"


def inside(look, element):
    """Wait until an element lies in the picture's window, its whole height and width."""
    script = """e => {
        const [box, seen] = [e.getBoundingClientRect(), e.closest('.react-flow').getBoundingClientRect()];
        return box.left >= seen.left && box.right <= seen.right && box.top >= seen.top && box.bottom <= seen.bottom;
    }"""
    look.page.wait_for_function(script, arg=element.element_handle())


def test_what_is_reached_or_chosen_is_seen(world, looked):
    told, _ = world
    graph = GRAPH.replace("{when: baseline_failed, to: END}", "{when: baseline_failed, to: nowhere}")
    (told["folder"] / "high.yaml").write_text(graph)
    look = looked("graph", "high.yaml")
    look.page.set_viewport_size({"width": 900, "height": 620})
    rows = look.page.locator("[data-card=evaluator] .row")
    to(look, rows.last.locator("button"), key="")
    inside(look, rows.last)
    look.page.locator(".findings button").first.click()
    inside(look, rows.first)
    to(look, rows.first.locator("button"), key="Alt+ArrowDown")
    expect(rows.nth(1).locator("button")).to_be_focused()
    inside(look, rows.nth(1))
    look.button("zoom out").click()
    to(look, look.page.locator("[data-card=expert] .name"))
    inside(look, look.page.locator("[data-card=expert] > header"))


def test_a_graph_is_edited_and_saved_by_keys(world, looked):
    told, _ = world
    path = told["folder"] / "keyed.yaml"
    path.write_text(GRAPH)
    look = looked("graph", "keyed.yaml")
    page, keys = look.page, look.page.keyboard
    to(look, page.locator("[data-card=executor] .name"))
    to(look, page.get_by_role("button", name="+ crashed"))
    added = page.locator("[data-row='rules/executor/1']")
    expect(added).to_contain_text("a crash")
    to(look, page.get_by_label("Leads to"), key="")
    keys.type("coder")
    expect(added).to_contain_text("coder")
    to(look, added.locator("button"), key="Alt+ArrowUp")
    expect(page.locator("[data-row='rules/executor/0']")).to_contain_text("a crash")
    to(look, page.locator("[data-row='rules/executor/0'] button"), key="Delete")
    expect(page.locator("[data-card=executor] .row")).to_have_count(2)
    keys.press("Control+z")
    expect(page.locator("[data-card=executor] .row")).to_have_count(3)
    name = page.locator("[data-card=executor] .name")
    before = stands(look, "executor")
    to(look, name, key="Alt+ArrowRight")
    keys.press("Alt+ArrowDown")
    keys.press("Alt+ArrowDown")
    expect(name).to_be_focused()
    after = stands(look, "executor")
    assert after == [before[0] + 24, before[1] + 48]
    to(look, look.button("Save…"))
    to(look, page.get_by_role("dialog").get_by_role("button", name="Save keyed.yaml"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "{when: crashed, repairs: 1, to: coder}" in path.read_text()
    kept = json.loads((told["folder"] / "keyed.layout.json").read_text())["positions"]["executor"]
    assert kept == pytest.approx(after, abs=0.5)
