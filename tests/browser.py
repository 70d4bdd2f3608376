"""The notebook in a real browser: JupyterLab in Debian's chromium. `make browser` runs it; `make test` does not need it.

Nothing is skipped: without chromium or a package it fails and says what to install. All tests look at one notebook.
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
AGAIN = BEGIN.replace("session =", "other =")
CONTROL, PLAYED, TABLES, SLOWLY, WAITS = range(5)  # the cells


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """A notebook whose cells play a whole run, begin one that goes on when the file `go` is there, and one that never does."""
    slowly = f"import pathlib, time\n{AGAIN}\n_ = other.run(until=2)\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)"
    yield Notebook(
        lab,
        browser,
        "from IPython.display import HTML\nHTML('it is $x$ of $y$')",
        f"{BEGIN}\n_ = session.run()\nsession",
        "display(session.timeline, session.cost, session.summary, session.why())",
        slowly,
        f"import time\n{AGAIN}\n_ = other.run(on_step=lambda event: print('a step') or time.sleep(600))",
    )


@pytest.fixture(scope="module")
def card(notebook):
    """What the cell says that plays a whole run."""
    notebook.runs(PLAYED)
    return notebook.ended(PLAYED)


def test_money_reads_as_money(notebook, card):
    notebook.runs(CONTROL)
    notebook.cell(CONTROL).locator("mjx-container").first.wait_for(
        state="attached"
    )  # MathJax is at work on this page
    notebook.runs(TABLES)
    told = notebook.ended(TABLES)
    spent = re.search(r"\$0\.\d{4} of \$0\.25", card)[0]
    assert spent in told and re.search(r"\$0\.\d{4} in \d+ requests", told)
    for number in (PLAYED, TABLES):
        assert notebook.cell(number).locator("mjx-container").count() == 0


def test_progress_is_seen_while_the_cell_runs_and_takes_one_place(notebook, lab):
    notebook.runs(SLOWLY)
    notebook.shows(SLOWLY, "prompt.includes('*') && text.includes('step 2 turn 0/8 evaluator: score')")
    (lab[1] / "go").touch()
    shown = notebook.ended(SLOWLY)
    assert notebook.cell(SLOWLY).locator(".jp-OutputArea-child").count() == 1
    assert shown.count("step 1 ") == 1 and shown.splitlines()[-1] == "planner …"


def test_an_interrupt_leaves_one_line(notebook, lab):
    notebook.runs(WAITS)
    notebook.shows(WAITS, "text.includes('a step')")
    for kernel in json.load(urllib.request.urlopen(f"{lab[0]}/api/kernels")):
        urllib.request.urlopen(f"{lab[0]}/api/kernels/{kernel['id']}/interrupt", data=b"")
    lines = [line for line in notebook.ended(WAITS).splitlines() if line.strip()]
    assert lines[0] == "a step" and len(lines) == 2, lines[:9]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.usefixtures("card")
def test_the_card_fits_without_scrolling_sideways_and_can_be_read(notebook, dark):
    notebook.turns(dark=dark)
    facts = notebook.page.evaluate("""() => {
        const card = document.querySelector('.budgetml'), area = card.closest('.jp-OutputArea-output');
        card.querySelector('details:last-of-type').open = true;
        const [met, whole] = card.querySelectorAll('.budgetml-pic');
        const scale = frame => frame.querySelector('svg').getBoundingClientRect().width / frame.querySelector('svg').viewBox.baseVal.width;
        const sideways = () => Math.max(...[area, document.documentElement, met].map(e => e.scrollWidth - e.clientWidth));
        const hidden = whole.scrollWidth - whole.clientWidth, fits = sideways();
        card.querySelector('input').click();
        const white = [...card.querySelectorAll('*')].filter(e => getComputedStyle(e).backgroundColor === 'rgb(255, 255, 255)');
        return {
            hidden, sideways: Math.max(fits, sideways()), scale: scale(met), whole: scale(whole),
            slabs: white.filter(e => !e.closest('.budgetml-pic')).length,
            turned: [met, whole].map(e => getComputedStyle(e).filter),
            ink: getComputedStyle(card).color,
        }
    }""")
    notebook.page.locator(".budgetml input").first.uncheck()
    assert (
        facts["sideways"] <= 0 and facts["hidden"] <= 0 and facts["scale"] >= 0.7 and facts["whole"] >= 0.95
    ), facts
    assert (int(re.findall(r"\d+", facts["ink"])[0]) > 128) == dark, facts
    assert facts["slabs"] == 0 and [told != "none" for told in facts["turned"]] == [dark, dark], facts
