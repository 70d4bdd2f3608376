"""The notebook in a real browser: JupyterLab in Debian's chromium. `make browser` runs it; `make test` does not need it.

Nothing is skipped: without chromium or a package it fails and says what to install.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

RECORDING = Path(__file__).parent / "recordings" / "digits"
BEGIN = f"from budgetmlagent import Session\nsession = Session('digits', models='replay:{RECORDING}', budget=0.25, turns=8)"
SLOWLY = "\nimport time\ntime.sleep(4)"  # so that there is time to look at what a running cell shows
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay on the page
}
SLOW = 120_000  # milliseconds that a busy machine may take


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with settings of its own, and the folder of its notebooks."""
    home = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    for name, settings in SETTINGS.items():
        path = home / "CONFIG" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    command += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--expose-app-in-browser"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=home, env=os.environ | own, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: urllib.request.urlopen(f"{url}/api").status == 200, (home / "log").read_text)
        yield url, home
    finally:
        server.terminate()
        server.wait()


def until(holds, told):
    """Wait until something holds; what is not there yet counts as no."""
    for _ in range(240):
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.5)
    pytest.fail(f"waited in vain: {told()}")


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium")
    assert path, "the tests need Debian's browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Notebook:
    """A notebook that is open in a window of 1,280 pixels."""

    def __init__(self, lab, browser, *cells: str, dark: bool = False) -> None:
        self.url, folder = lab
        path = folder / f"{len(list(folder.glob('*.ipynb')))}.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        made = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)), metadata=kernel)
        nbformat.write(made, path)
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(SLOW)
        self.page.goto(f"{self.url}/lab/tree/{path.name}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_function(
            "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
        )
        if dark:
            self.does("apputils:change-theme", {"theme": "JupyterLab Dark"})
        self.does("notebook:run-all-cells")

    def does(self, command: str, given=None) -> None:
        """Carry out a command of JupyterLab's, without waiting for its end."""
        self.page.evaluate(
            f"() => {{ window.jupyterapp.commands.execute('{command}', {json.dumps(given or {})}) }}"
        )

    def cell(self, number: int):
        return self.page.locator(".jp-CodeCell").nth(number)

    def ended(self, number: int) -> str:
        """Wait until a cell has run and return all of what it shows."""
        self.shows(number, "!prompt.includes('*') && /[0-9]/.test(prompt)")
        return self.cell(number).locator(".jp-Cell-outputArea").inner_text()

    def shows(self, number: int, holds: str) -> None:
        """Wait until something holds of a cell's prompt and of the text below it, at one moment."""
        script = f"""() => {{
            const cell = document.querySelectorAll('.jp-CodeCell')[{number}];
            if (!cell) return false;
            const prompt = cell.querySelector('.jp-InputPrompt').innerText;
            const text = cell.querySelector('.jp-Cell-outputArea').innerText;
            return {holds};
        }}"""
        self.page.wait_for_function(script)


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
