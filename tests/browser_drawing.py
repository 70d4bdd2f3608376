"""The studio in a real browser: a graph is drawn with the mouse, and its prompts are copied. `make browser` runs it."""

import json
import re

import pytest
from playwright.sync_api import expect
from studio_page import GRAPH, stands

pytest_plugins = ["studio_world"]


def drawn(look, handle, target):
    """Draw an arrow from the end of a row to a card."""
    begin, end = handle.bounding_box(), target.bounding_box()
    mouse = look.page.mouse
    mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    mouse.down()
    mouse.move(end["x"] + 40, end["y"] + 30, steps=8)
    mouse.move(end["x"] + 2, end["y"] + end["height"] / 2, steps=8)
    mouse.up()


def moved(look, card, right, down):
    """Drag a card by its head and return where it stands then."""
    head = look.page.locator(f"[data-card={card}] header")
    box = head.bounding_box()
    mouse = look.page.mouse
    mouse.move(box["x"] + box["width"] - 30, box["y"] + 8)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 30 + right, box["y"] + 8 + down, steps=6)
    mouse.up()
    return stands(look, card)


def test_nodes_and_rules_are_dragged_from_the_palette_and_arrows_drawn(world, looked):
    told, _ = world
    path = told["folder"] / "drawn.yaml"
    path.write_text(GRAPH)
    look = looked("graph", "drawn.yaml")
    palette = look.page.get_by_role("complementary", name="Palette")
    canvas = look.page.locator(".bench .canvas")
    palette.get_by_role("button", name="+ wants").drag_to(look.page.locator("[data-card=executor] header"))
    added = look.page.locator("[data-row='rules/executor/1']")
    expect(added).to_contain_text("the planner")
    look.page.get_by_label("action").fill("look")
    look.page.get_by_label("action").press("Enter")
    palette.get_by_role("button", name="+ expert").drag_to(canvas, target_position={"x": 60, "y": 400})
    expect(look.page.locator("[data-card=expert2]")).to_be_visible()
    look.button("zoom out").click()
    look.button("fit view").click()
    look.rests()
    handle = added.locator(".react-flow__handle.source").last
    drawn(look, handle, look.page.locator("[data-card=expert2] header .react-flow__handle").first)
    look.shows("graph.set_rule(")
    expect(added).to_contain_text("expert2")
    before = stands(look, "expert2")
    after = moved(look, "expert2", 60, 40)
    assert after[0] > before[0] and after[1] > before[1]
    look.button("Save…").click()
    look.page.get_by_role("dialog").get_by_role("button", name="Save drawn.yaml").click()
    expect(look.page.get_by_role("dialog")).to_have_count(0)
    kept = json.loads((told["folder"] / "drawn.layout.json").read_text())["positions"]["expert2"]
    assert kept == pytest.approx(after, abs=0.5)
    assert "{when: wants, action: look, to: expert2}" in path.read_text()


def test_a_copy_keeps_where_cards_were_put(world, looked):
    told, _ = world
    look = looked("graph", "recall")
    look.page.locator("[data-card=planner]").wait_for()
    after = moved(look, "executor", 50, 130)
    look.button("Save a copy").click()
    look.page.get_by_label("File").fill("put.yaml")
    look.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    look.page.wait_for_url("**/graph/put.yaml")
    look.page.reload()
    look.page.locator("[data-card=planner]").wait_for()
    assert stands(look, "executor") == pytest.approx(after, abs=0.5)
    assert not (told["folder"] / "recall.layout.json").exists()


def test_a_prompt_is_edited_as_a_copy_beside_the_graph(world, looked):
    told, _ = world
    path = told["folder"] / "prompted.yaml"
    path.write_text(GRAPH)
    look = looked("graph", "prompted.yaml")
    look.page.locator("[data-card=executor] .name").click()
    look.page.get_by_label("Prompt").select_option("coder")
    look.button("Undo").click()
    look.page.locator("[data-card=planner] .name").click()
    look.button("Edit…").click()
    dialog = look.page.get_by_role("dialog")
    expect(dialog).to_contain_text("is saved as a copy: planner.md")
    text = dialog.get_by_label("Text")
    expect(text).not_to_have_value("")
    text.fill("Think twice.\n\n" + text.input_value())
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(look.page.get_by_label("Prompt")).to_have_value("planner.md")
    assert (told["folder"] / "planner.md").read_text().startswith("Think twice.\n")
    look.button("Edit…").click()  # its own file now: it is changed where it is
    expect(look.page.get_by_role("dialog").get_by_label("Text")).to_have_value(re.compile("^Think twice"))
    look.page.keyboard.press("Escape")
    look.button("Save…").click()
    look.page.get_by_role("dialog").get_by_role("button", name="Save prompted.yaml").click()
    expect(look.page.get_by_role("dialog")).to_have_count(0)
    changed = [line for line in path.read_text().splitlines() if line not in GRAPH.splitlines()]
    assert len(changed) == 1 and "planner.md" in changed[0]
