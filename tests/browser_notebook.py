"""The studio in a notebook: stepped, edited, and while a cell runs. `make browser` runs it. All tests but the last look at one notebook."""

import subprocess
import sys

import pytest
from labs import Notebook
from playwright.sync_api import expect
from studio_page import RECORDINGS, row

pytest_plugins = ["studio_world"]

SHOWN = f"""\
from budgetmlagent import GraphSpec, Session, studio
session = Session('digits', models='replay:{RECORDINGS / "digits"}', budget=0.25, turns=2)
studio.view(session)
"""
EDITED = "graph = GraphSpec.load('recall')\nstudio.edit(graph)"
# It shows a widget, too, and runs until the file is there that ends it.
BUSY = """\
import pathlib, time
display(studio.view(session))
while not pathlib.Path('ended').exists():
    time.sleep(0.1)
print(graph.rules['evaluator'][0].to)
"""


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """A notebook with a run and a graph in it, and a page that knows no `crypto.randomUUID`, as on a server without TLS."""
    found = Notebook(lab, browser, SHOWN, EDITED, BUSY)
    found.page.evaluate("() => delete Crypto.prototype.randomUUID")
    for number in (0, 1):
        found.runs(number)
        found.ended(number)
    return found


def widget(notebook, number):
    return notebook.cell(number).locator(".studio.widget")


def stepped(view, steps):
    """Take a step and wait until so many are there."""
    step = view.get_by_role("button", name="Step").first
    expect(step).to_contain_text("costs nothing")
    step.click()
    expect(view.locator(".timeline li")).to_have_count(steps)


def leads(bench, to):
    """Let the evaluator's first rule lead to a node, and save that into the notebook's graph."""
    row(bench, "rules/evaluator/0").click()
    bench.get_by_label("Leads to").select_option(to)
    bench.get_by_role("button", name="Save…").click()
    bench.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(bench.get_by_role("dialog")).to_have_count(0)


def test_a_run_is_stepped_and_a_graph_edited(notebook):
    view = widget(notebook, 0)
    stepped(view, 1)
    view.get_by_role("tab", name="Money").click()
    expect(view).to_contain_text("Where the budget went")
    view.get_by_role("tab", name="Steps").click()
    leads(widget(notebook, 1), "planner")


def test_all_that_works_while_a_cell_runs_and_a_widget_comes_up_in_it(notebook, lab):
    notebook.runs(2)
    one, other = widget(notebook, 0), widget(notebook, 2)
    expect(other).to_contain_text("Step")
    begun = other.locator(".timeline li").count()
    stepped(other, begun + 1)
    expect(one.locator(".timeline li")).to_have_count(begun + 1)
    stepped(one, begun + 2)
    leads(widget(notebook, 1), "coder")
    notebook.shows(2, "prompt.includes('*')")
    (lab[1] / "ended").touch()
    assert notebook.ended(2).endswith("coder\n")


def test_an_export_without_a_kernel_says_what_was_there(notebook, lab, browser):
    notebook.saves()
    export = [sys.executable, "-m", "nbconvert", "--to", "html", notebook.path]
    subprocess.run(export, cwd=lab[1], check=True, capture_output=True)
    page = browser.new_page(offline=True)
    page.goto((lab[1] / notebook.path).with_suffix(".html").as_uri())
    expect(page.get_by_text("<the studio: run digits-")).to_have_count(2)
