"""Pictures of the notebooks, as JupyterLab in Debian's chromium shows them. `make pictures` runs it.

python tests/pictures.py                those of docs/notebooks.md, afresh
python tests/pictures.py --whole DIR    each notebook from its top to its end, and the card light and dark, to be looked at
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import labs
from browser import BEGIN
from chromium import chromium
from labs import Notebook

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# What shows best what a notebook is about: which of the things on its page.
TELLING = {
    "01_first_run": (".budgetml", 1),
    "02_step_and_fork": (".budgetml", 2),
    "03_edit_the_graph": (".budgetml", 0),
    "04_a_node_of_your_own": (".budgetml", 0),
    "05_many_runs": (".jp-RenderedImage img", 0),
}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--whole", type=Path, metavar="DIR")
    whole = parser.parse_args().whole
    with opened() as (lab, browser):
        for name in NOTEBOOKS:
            notebook = Notebook(lab, browser, path=f"notebooks/{name}.ipynb")
            notebook.runs_all()
            notebook.ended(notebook.page.locator(".jp-CodeCell").count() - 1)
            if whole:
                (whole / f"{name}.png").write_bytes(notebook.whole())
            else:
                what, number = TELLING[name]
                notebook.page.locator(what).nth(number).screenshot(
                    path=ROOT / "docs" / "pictures" / f"{name}.png"
                )
            notebook.page.close()
        for width in (1280, 1600) if whole else ():
            for dark in (False, True):
                card = Notebook(lab, browser, f"{BEGIN}\n_ = session.run()\nsession", width=width)
                card.turns(dark=dark)
                card.runs_all()
                card.ended(0)
                (whole / f"card-{width}-{'dark' if dark else 'light'}.png").write_bytes(card.whole())
                card.page.close()


@contextmanager
def opened() -> Iterator[tuple[tuple[str, Path], Any]]:
    """Yield a lab with the notebooks in it, and the browser."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "notebooks", Path(folder) / "notebooks")
        (Path(folder) / "tests").symlink_to(ROOT / "tests")
        with labs.started(Path(folder)) as lab, chromium() as browser:
            yield lab, browser


if __name__ == "__main__":
    main()
