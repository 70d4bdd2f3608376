"""`budgetml studio`: runs and graphs in the browser."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from budgetmlagent.cli import options


def studio(
    port: Annotated[int, typer.Option(metavar="N", help="Of this machine; 0 takes a free one.")] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address; open no browser.")] = False,
    runs_dir: options.RunsDir = Path("runs"),
) -> None:
    """See, edit and steer graphs and runs in the browser.

    It is served on this machine alone; graphs are saved below the folder in which it is started.
    """
    from budgetmlagent.studio.host import serve
    from budgetmlagent.studio.place import Place

    def ready(url: str) -> None:
        print(url, flush=True)
        print(
            "budgetml: the address holds a secret: whoever has it can spend; Ctrl-C ends it",
            file=sys.stderr,
            flush=True,
        )
        if not no_open:
            webbrowser.open(url)

    serve(Place(Path.cwd().resolve(), runs_dir.resolve()), port, ready)
