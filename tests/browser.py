"""The notebook in a real browser: JupyterLab in Debian's chromium. `make browser` runs it; `make test` does not need it.

Nothing is skipped: without chromium or a package it fails and says what to install.
"""

import json
import re
import urllib.request
from pathlib import Path

import pytest
from labs import Notebook

pytest_plugins = ["studio_world"]

RECORDING = Path(__file__).parent / "recordings" / "digits"
BEGIN = f"from budgetmlagent import Session\nsession = Session('digits', models='replay:{RECORDING}', budget=0.25, turns=8)"
SLOWLY = "\nimport time\ntime.sleep(4)"  # so that there is time to look at what a running cell shows


def test_money_reads_as_money(lab, browser):
    control = "from IPython.display import HTML\nHTML('it is $x$ of $y$')"
    tables = "from IPython.display import display\ndisplay(session.timeline, session.cost, session.summary, session.why())"
    notebook = Notebook(lab, browser, control, f"{BEGIN}\n_ = session.run(until=6)\nsession", tables)
    card, told = notebook.ended(1), notebook.ended(2)
    notebook.cell(0).locator("mjx-container").first.wait_for(
        state="attached"
    )  # MathJax is at work on this page
    assert (
        "$0.0000 of $0.25" in card
        and "$0.0000 in 0 requests" in told
        and "$0.0000 of $0.25, 0 requests" in told
    )
    assert (
        notebook.cell(1).locator("mjx-container").count()
        == notebook.cell(2).locator("mjx-container").count()
        == 0
    )


def test_progress_is_seen_while_the_cell_runs_and_takes_one_place(lab, browser):
    notebook = Notebook(lab, browser, BEGIN, f"_ = session.run(until=6){SLOWLY}")
    notebook.shows(1, "prompt.includes('*') && text.includes('step 6 turn 1/8 evaluator: score')")
    shown = notebook.ended(1)
    assert notebook.cell(1).locator(".jp-OutputArea-child").count() == 1
    assert shown.count("step 1 ") == 1 and shown.splitlines()[-1] == "planner …"


def test_an_interrupt_leaves_one_line(lab, browser):
    wait = "import time\n_ = session.run(on_step=lambda event: print('a step') or time.sleep(600))"
    notebook = Notebook(lab, browser, BEGIN, wait)
    notebook.shows(1, "text.includes('a step')")
    for kernel in json.load(urllib.request.urlopen(f"{lab[0]}/api/kernels")):
        urllib.request.urlopen(f"{lab[0]}/api/kernels/{kernel['id']}/interrupt", data=b"")
    lines = [line for line in notebook.ended(1).splitlines() if line.strip()]
    assert lines[0] == "a step" and len(lines) == 2, lines[:9]


@pytest.mark.parametrize("dark", [False, True])
def test_the_card_fits_without_scrolling_sideways_and_can_be_read(lab, browser, dark):
    notebook = Notebook(lab, browser, f"{BEGIN}\n_ = session.run()\nsession", dark=dark)
    notebook.ended(0)
    facts = notebook.page.evaluate("""() => {
        const card = document.querySelector('.budgetml'), graph = card.querySelector('.pic svg');
        const area = card.closest('.jp-OutputArea-output');
        card.querySelector('details:last-of-type').open = true;
        return {
            sideways: Math.max(area.scrollWidth - area.clientWidth,
                document.documentElement.scrollWidth - document.documentElement.clientWidth,
                card.querySelector('.pic').scrollWidth - card.querySelector('.pic').clientWidth),
            scale: graph.getBoundingClientRect().width / graph.viewBox.baseVal.width,
            whole: [...card.querySelectorAll('.pic svg')].at(-1).getBoundingClientRect().width / [...card.querySelectorAll('.pic svg')].at(-1).viewBox.baseVal.width,
            ink: getComputedStyle(card).color, dark: document.body.dataset.jpThemeLight,
        }
    }""")
    assert facts["sideways"] <= 0 and facts["scale"] >= 0.7 and facts["whole"] >= 0.95, facts
    light = int(re.findall(r"\d+", facts["ink"])[0]) > 128
    assert facts["dark"] == str(not dark).lower() and light == dark, facts
