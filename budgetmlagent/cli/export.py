"""`budgetml export`: a run for somebody who does not have the program."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from budgetmlagent.cli import options
from budgetmlagent.errors import UnavailableError
from budgetmlagent.wording import counted
from memory.files import write_whole


def export(
    run: options.Run,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE.zip|FILE.html",
            help="A new folder, a zip, or the run's page alone. [default: RUN.zip]",
        ),
    ] = None,
    runs_dir: options.ReadRuns = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Write a run as one folder or zip that anybody can read. Pages, the machine's files, their hashes; or one page alone."""
    from budgetmlagent.run.view import RunView
    from budgetmlagent.share import export as exporting
    from budgetmlagent.studio import whole

    view = RunView.open(run, runs_dir)
    name = view.folder.run_id  # of its folder: what the run itself says may be a path
    target = out or Path(f"{name}.zip")
    page = {"view.html": whole.html(view)}
    if target.suffix == ".html":
        files = {target.name: page["view.html"]}
        _write(target, page["view.html"])
    else:
        files = exporting.files(view, page)
        exporting.write(target, name, files)
    print(f"budgetml: {exporting.caution(view)}", file=sys.stderr)
    told = {"out": str(target), "files": len(files), "bytes": sum(map(len, files.values()))}
    options.tell(as_json, told, [f"{target}: {counted(len(files), 'file')}, {told['bytes']} bytes"])


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise UnavailableError(f"--out {path}: cannot be written: {error.strerror}") from None
