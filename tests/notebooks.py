"""Execute the notebooks as a reader would, on recordings of real replies.

    python tests/notebooks.py [NAME ...]             execute into a temporary folder; fails where a cell does
    python tests/notebooks.py --plain [NAME ...]     the same as where no library draws pictures, which take most of the time
    python tests/notebooks.py --write [NAME ...]     and keep the outputs in notebooks/
    python tests/notebooks.py --record [NAME ...]    first make the recordings afresh with the embedded models (minutes)

A notebook names its recording in one line, `MODELS = f"replay:…"`; to record it, that line says `MODELS = None`. It leaves nothing
in its own folder: what it writes lies in a temporary one.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
RECORDINGS = ROOT / "tests" / "recordings" / "notebooks"
MODELS = re.compile(r'^MODELS = f"replay:[^"]*/notebooks/(\w+)"', re.MULTILINE)
NEEDED = ("config.json", "graph.yaml", "final.json", "run.json")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    chosen = [p for p in sorted(FOLDER.glob("*.ipynb")) if not options.names or p.stem in options.names]
    for path in chosen:
        print(path.name, file=sys.stderr, flush=True)
        if options.record:
            record(path)
        with tempfile.TemporaryDirectory() as scratch:
            notebook = execute(path, Path(scratch), plain=options.plain)
            if options.write or options.record:
                write(notebook, path, scratch)


def execute(path: Path, scratch: Path, *, live: bool = False, plain: bool = False) -> Any:
    """Return the notebook with its outputs, executed in a copy of its folder below `scratch`.

    `live` goes without a recording, `plain` without the library that draws pictures, as for a reader who has not installed it.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    if live:
        for cell in notebook.cells:
            cell.source = MODELS.sub("MODELS = None", cell.source)
    for folder in ("notebooks", "temporary"):
        (scratch / folder).mkdir()
    (scratch / "tests").symlink_to(ROOT / "tests")
    (scratch / "missing").mkdir()
    if plain:
        (scratch / "missing" / "mermaidx.py").write_text("raise ImportError('not installed')")
    settings = {
        "TMPDIR": str(scratch / "temporary"),
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join([str(scratch / "missing"), str(ROOT)]),
    }  # no folder of ours
    client = NotebookClient(notebook, timeout=3600, kernel_name="python3")
    client.execute(cwd=str(scratch / "notebooks"), env=os.environ | settings)
    if left := [path.name for path in (scratch / "notebooks").iterdir()]:
        raise SystemExit(
            f"{notebook.metadata.get('title', 'the notebook')} leaves {', '.join(left)} beside it"
        )
    return notebook


def record(path: Path) -> None:
    """Make the recording that the notebook names: its first run, with the others as its forks."""
    import nbformat

    sources = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    named = MODELS.search(sources)
    if named is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        execute(path, Path(scratch), live=True)
        runs = (Path(scratch) / "temporary").glob("*/runs/*/config.json")
        first, *others = sorted((p.parent for p in runs), key=lambda run: run.name.split("-")[-3:-1])
        target = RECORDINGS / named[1]
        shutil.rmtree(target, ignore_errors=True)
        keep(first, target, target / "artifacts")
        for number, run in enumerate(others, 1):
            keep(run, target / "forks" / f"{number}", target / "artifacts")


def keep(run: Path, target: Path, artifacts: Path) -> None:
    """Copy what a replay reads of a run."""
    from record import anonymous

    from budgetmlagent import Session
    from budgetmlagent.records import events

    target.mkdir(parents=True)
    told: list[events.Event] = []
    for branch in Session.open(run).timelines:
        told += [event for event in branch if event not in told]
    for name in NEEDED:
        if (run / name).exists():
            shutil.copyfile(run / name, target / name)
    anonymous(target, run)
    (target / "events.jsonl").write_bytes(events.as_file(told))
    shutil.copytree(run / "artifacts", artifacts, dirs_exist_ok=True)


def write(notebook: Any, path: Path, scratch: str) -> None:
    """Keep the notebook with its outputs, without what tells where and when it was executed."""
    import nbformat

    whole = re.sub(rf"{re.escape(scratch)}/(temporary/\w+|notebooks)/", "", nbformat.writes(notebook))
    whole = whole.replace(f"{sys.prefix}/bin/", "").replace(str(ROOT), "..")
    notebook = nbformat.reads(whole, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
