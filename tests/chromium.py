"""Debian's chromium, driven by Playwright. Nothing is skipped: without it a test fails and says what to install.

Its headless shell draws the same and takes two thirds of the processor time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the browser."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not path:
        raise SystemExit("Debian's browser is needed: as root, apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
