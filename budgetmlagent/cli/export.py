"""`budgetml export`: a run for somebody who does not have the program."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from budgetmlagent.cli import options
from budgetmlagent.wording import counted


def export(
    run: options.Run,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR|FILE.zip", help="A new folder, or a zip. [default: RUN.zip]")
    ] = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Write a run as one folder or zip that anybody can read. A page, the machine's files, their hashes."""
    from budgetmlagent.run.view import RunView
    from budgetmlagent.share import export as exporting

    view = RunView.open(run, runs_dir)
    name = view.folder.run_id  # of its folder: what the run itself says may be a path
    target = out or Path(f"{name}.zip")
    files = exporting.files(view)
    exporting.write(target, name, files)
    print(f"budgetml: {exporting.caution(view)}", file=sys.stderr)
    told = {"out": str(target), "files": len(files), "bytes": sum(map(len, files.values()))}
    options.tell(as_json, told, [f"{target}: {counted(len(files), 'file')}, {told['bytes']} bytes"])
