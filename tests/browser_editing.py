"""The studio in a real browser: graphs are edited, judged and saved. `make browser` runs it."""

from playwright.sync_api import expect
from studio_page import GRAPH, row

pytest_plugins = ["studio_world"]


def test_a_graph_is_edited_judged_and_saved(world, looked):
    told, _ = world
    path = told["folder"] / "own.yaml"
    look = looked("graph", "own.yaml")
    improved = row(look.page, "rules/evaluator/6")
    improved.click()
    improved.press("Alt+ArrowDown")
    look.shows("graph.move_rule(node='evaluator', index=7, to=8)")
    expect(look.page.locator("[data-row='rules/evaluator/7']")).to_contain_text("a new best")
    look.page.locator("[data-row='rules/evaluator/7']").drag_to(
        look.page.locator("[data-row='rules/evaluator/6']")
    )
    expect(look.page.locator("[data-row='rules/evaluator/6']")).to_contain_text("a new best")
    row(look.page, "rules/evaluator/4").click()
    percent = look.page.get_by_label("percent")
    percent.fill("20")
    percent.press("Enter")
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text(
        "better than the starter by 20%"
    )
    look.page.get_by_label("aim").select_option("best")
    look.button("Undo").click()
    look.button("Undo").click()
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text("by 12%")
    look.button("Redo").click()
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text("by 20%")
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
    row(look.page, "rules/evaluator/4").click()
    look.page.get_by_label("percent").fill("30")
    look.page.get_by_label("percent").press("Enter")
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text("by 30%")
    theirs = GRAPH.replace("percent: 12", "percent: 13")
    path.write_text(theirs)
    look.button("Save…").click()
    look.page.get_by_role("dialog").get_by_role("button", name="Save mine.yaml").click()
    look.shows("The file was changed meanwhile")
    assert path.read_text() == theirs
    look.button("Read it anew").click()
    expect(look.page.locator("[data-row='rules/evaluator/4']")).to_contain_text("by 13%")
