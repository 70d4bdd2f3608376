"""A studio with runs of its own, and its page in Debian's chromium, whose requests and reports are kept."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

RECORDINGS = Path(__file__).parent / "recordings"
GRAPH = (Path(__file__).parents[1] / "graphs" / "budgetml.yaml").read_text()
SLOW = 60_000  # milliseconds that a busy machine may take
REPORTS = "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
# The size of the picture is measured before it is shown; a button's price is blank until Python has said it.
RESTS = """() => {
    const now = document.querySelector('#studio').innerHTML, same = now === window.before;
    window.before = now;
    const priced = [...document.querySelectorAll('#studio .spends small')].every(e => e.textContent.trim());
    return same && priced && !/Reading |>…</.test(now);
}"""
expect.set_options(timeout=SLOW)


@contextmanager
def studio(folder: Path) -> Iterator[str]:
    """Start `budgetml studio` in a folder and give its address."""
    command = [sys.executable, "-m", "budgetmlagent", "studio", "--no-open"]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with (folder / "studio.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        timer = threading.Timer(SLOW / 1000, process.kill)
        timer.start()
        try:
            address = process.stdout.readline().strip()
            timer.cancel()
            assert address, (folder / "studio.log").read_text()
            yield address
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def command(*arguments: str) -> None:
    """Carry out a command of budgetml's."""
    done = subprocess.run(
        [sys.executable, "-m", "budgetmlagent", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class Looked:
    """A page in a window of 1,280 pixels. `clean` says that it asked nobody else, and that nothing went wrong in it."""

    def __init__(self, browser: Browser, address: str, *path: str | int, dark: bool = False) -> None:
        self.address, self.requests, self.wrong = address, list[str](), list[str]()
        self.page: Page = browser.new_page(
            viewport={"width": 1280, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.page.set_default_timeout(SLOW)
        self.page.add_init_script(REPORTS)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self._heard(said.type, said.text, said.location["url"]))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}") or dialog.dismiss()
        )
        self.go(*path)

    def _heard(self, kind: str, text: str, url: str) -> None:
        if kind == "error" and not text.startswith(
            "Failed to load resource: the server responded with a status of 4"
        ):
            self.wrong.append(f"{text} ({url})")

    def go(self, *path: str | int) -> None:
        """Go to a place in the page."""
        self.page.goto("/".join([self.address, *map(str, path)]))

    def clean(self) -> None:
        """Assert that no request left for another host, and that there was neither an error nor a report."""
        own = self.address.partition("#")[0]
        assert [url for url in self.requests if not url.startswith((own, "data:"))] == []
        assert not self.wrong, self.wrong
        self.page.close()

    def rests(self) -> None:
        """Wait until nothing is asked any more but for what changes, each button that spends says how much, and the picture stands."""
        self.page.wait_for_function(RESTS, polling=100)

    def button(self, name: str, exact: bool = False) -> Any:
        return self.page.get_by_role("button", name=name, exact=exact).first

    def shows(self, *texts: str) -> None:
        """Wait until each text is seen."""
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible()


def row(within: Any, keys: str) -> Any:
    """Return the button of a rule's row in a page or a widget, brought into the picture's window as by the Tab key."""
    button = within.locator(f"[data-row='{keys}'] button")
    button.focus()
    return button


def stands(look: Looked, card: str) -> list[float]:
    """Return where a card stands in the picture, however that is zoomed."""
    style = look.page.locator(f".react-flow__node:has([data-card={card}])").get_attribute("style") or ""
    found = re.search(r"translate\(([-\d.]+)px, ?([-\d.]+)px\)", style)
    assert found, style
    return [float(number) for number in found.groups()]
