"""Pictures of the studio for README.md and docs/studio.md: a replayed run, and a graph that is edited. `make pictures` takes them.

python tests/studio_pictures.py             those of the docs, afresh
python tests/studio_pictures.py --whole DIR   each page light and dark, to be looked at
"""

import argparse
import tempfile
from pathlib import Path

from chromium import chromium
from studio_page import GRAPH, RECORDINGS, Looked, studio

from budgetmlagent import Session

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
TELLING = 27  # the step at which memory has nothing more, and the planner moves up


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--whole", type=Path, metavar="DIR")
    whole = parser.parse_args().whole
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        folder = Path(scratch)
        run = Session(
            "digits", models=f"replay:{RECORDINGS / 'digits'}", budget=0.25, turns=8, runs_dir=folder / "runs"
        )
        run.run()
        (folder / "my_graph.yaml").write_text(GRAPH)
        places = {
            "studio_run": (["run", run.run_id, TELLING], "[data-card]"),
            "studio_graph": (["graph", "my_graph.yaml"], "[data-row='rules/evaluator/2'] button"),
        }
        others = {
            "runs": ([], "tbody tr"),
            "graphs": (["graphs"], "h1"),
            "start": (["start"], "aside h2"),
            "compare": (["compare", run.run_id, run.run_id], "h1"),
        }
        with studio(folder) as address:
            for name, (path, shown) in (places | others if whole else places).items():
                for dark in (False, True) if whole else (False,):
                    out = (
                        whole / f"{name}-{'dark' if dark else 'light'}.png"
                        if whole
                        else PICTURES / f"{name}.png"
                    )
                    taken(Looked(browser, address, *path, dark=dark), shown, out)


def taken(look: Looked, shown: str, out: Path) -> None:
    """Take a picture once something is shown; what can be chosen in a graph is chosen."""
    place = look.page.locator(shown).first
    place.wait_for()
    if shown.endswith("button"):
        place.click()
    look.page.wait_for_timeout(2000)  # until prices and the picture are there
    look.page.screenshot(path=out)
    look.clean()


if __name__ == "__main__":
    main()
