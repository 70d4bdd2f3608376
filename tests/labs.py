"""A JupyterLab of its own in Debian's chromium: what the tests of the notebook and the pictures for the docs look at.

Without chromium or a package it fails and says what to install.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay on the page
}
SLOW = 120_000  # milliseconds that a busy machine may take
OFTEN = 100  # milliseconds between two looks: text is laid out to be read


@contextmanager
def started(home: Path) -> Iterator[tuple[str, Path]]:
    """Yield the address of a JupyterLab with settings of its own, and the folder of its notebooks, `home`."""
    own = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    for name, settings in SETTINGS.items():
        path = home / "CONFIG" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--expose-app-in-browser"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=home, env=os.environ | own, stdout=log, stderr=log)
    note = home / "RUNTIME" / f"jpserver-{server.pid}.json"  # it takes a free port, and says which
    try:
        until(lambda: note.read_text().endswith("}"), (home / "log").read_text)
        url = json.loads(note.read_text())["url"].rstrip("/")
        until(lambda: urllib.request.urlopen(f"{url}/api").status == 200, (home / "log").read_text)
        yield url, home
    finally:
        server.terminate()
        server.wait()


def until(holds: Callable[[], bool], told: Callable[[], str]) -> None:
    """Wait until something holds; what is not there yet counts as no."""
    for _ in range(240):
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"waited in vain: {told()}")


def written(folder: Path, cells: Sequence[str]) -> str:
    """Write a notebook of these cells and return its name."""
    name = f"{len(list(folder.glob('*.ipynb')))}.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)), metadata=kernel)
    nbformat.write(made, folder / name)
    return name


class Notebook:
    """A notebook that is open in a window: `path` below the lab's folder, or one of `cells`, none of which has run yet."""

    def __init__(self, lab, browser, *cells: str, path: str = "", width: int = 1280) -> None:
        url, folder = lab
        self.path = path or written(folder, cells)
        self.page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        self.page.set_default_timeout(SLOW)
        self.page.goto(f"{url}/lab/tree/{self.path}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_function(
            "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
        )

    def runs_all(self) -> None:
        """Begin every cell, from the top."""
        self.does("notebook:run-all-cells")

    def runs(self, number: int) -> None:
        """Begin one cell."""
        self.cell(number).locator(".jp-InputPrompt").click()
        self.does("notebook:run-cell")
        self.shows(number, r"/\[[*0-9]+\]/.test(prompt)")

    def saves(self) -> None:
        """Write the file, and wait until that is done."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def turns(self, *, dark: bool) -> None:
        """Change to JupyterLab's dark theme or to its light one."""
        self.does("apputils:change-theme", {"theme": f"JupyterLab {'Dark' if dark else 'Light'}"})
        self.page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(not dark).lower()}'")

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
        self.page.wait_for_function(script, polling=OFTEN)

    def whole(self) -> bytes:
        """Return a picture of the notebook from its top to its end."""
        self.does("application:toggle-left-area")
        height = self.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
        self.page.set_viewport_size({"width": self.page.viewport_size["width"], "height": height + 120})
        self.page.wait_for_timeout(1000)  # until it is laid out anew
        self.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
        return self.page.screenshot()
