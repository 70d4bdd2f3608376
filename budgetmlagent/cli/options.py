"""Options that several commands share, and the one way to print JSON."""

import json
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetmlagent.cli import names


def _runs_dir(ctx: typer.Context, param: typer.CallbackParam, value: Path) -> Path:
    """Return the folder that is given, or else the project's own. Raises UsageError for an archive and for a file."""
    from budgetmlagent.errors import UsageError

    if value.is_file():
        raise UsageError(f"--runs-dir {value}: a folder is needed, and this is a file")
    if _url(value):
        raise UsageError(
            f"--runs-dir {_url(value)}: a folder is needed here; list, show, why, diff, cost and export read an archive"
        )
    source = ctx.get_parameter_source(str(param.name))
    if source is None or source.name != "DEFAULT":
        return value
    from budgetmlagent.settings import runs_folder

    return runs_folder()


def folder(param: typer.CallbackParam, value: Path) -> Path:
    """Return a folder that is written to. Raises UsageError for a URL, of which a folder of that name would be made, and for a file."""
    from budgetmlagent.errors import UsageError

    name = f"--{str(param.name).replace('_', '-')}"
    if value.is_file():
        raise UsageError(f"{name} {value}: a folder is needed, and this is a file")
    if _url(value):
        raise UsageError(
            f"{name} {_url(value)}: a folder is needed; `archive` in budgetml.toml keeps runs at a URL, too"
        )
    return value


def _read_runs(ctx: typer.Context, param: typer.CallbackParam, value: Path) -> Path:
    """Return the folder, or that of a copy of the archive that is given."""
    url = _url(value)
    if not url:
        return _runs_dir(ctx, param, value)
    from budgetmlagent.errors import UsageError
    from budgetmlagent.records.copies import refreshed
    from budgetmlagent.storage import Storage

    try:
        return refreshed(Storage(url))
    except ValueError as error:
        raise UsageError(f"--runs-dir: {error}") from None


def _url(path: Path) -> str:
    """Return the URL that was made a path of; "" for a path."""
    found = re.match(r"([a-z][a-z0-9+.-]+):/(?=[^/])", str(path))
    if not found:
        return ""
    slashes = ":///" if found[1] in ("file", "local") else "://"
    return found[1] + slashes + str(path)[found.end() :]


def _models(value: Path | None) -> Path | None:
    """Return the file that is given, or else the project's own; None where it has none."""
    from budgetmlagent.settings import of_runs, runs_folder

    set_here = None if value else of_runs(runs_folder(), trust=False).get("models")
    return Path(set_here) if set_here else value


RunsDir = Annotated[
    Path,
    typer.Option(
        "--runs-dir",
        metavar="DIR",
        help="Where runs, ledger and shared memory lie.",
        callback=_runs_dir,
    ),
]
ReadRuns = Annotated[
    Path,
    typer.Option(
        "--runs-dir",
        metavar="DIR|URL",
        help="Where runs, ledger and shared memory lie; or an archive of runs.",
        callback=_read_runs,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON value on standard output and nothing else.")
]
Otel = Annotated[
    bool,
    typer.Option("--otel", help="Send OpenTelemetry traces of the steps to $OTEL_EXPORTER_OTLP_ENDPOINT."),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Start the interpreter that the task names, as you, and obey budgetml.toml; remembered.",
    ),
]
Models = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="FILE",
        help="A models.yaml. [default: embedded]",
        autocompletion=names.models_files,
        callback=_models,
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's id, its beginning, or its folder.", autocompletion=names.runs
    ),
]


def choice(words: str, told: str) -> Any:
    """Return an option that takes one of the words `a|b|c`, which a shell completes; it is checked where it is used."""
    return typer.Option(metavar=words, help=told, autocompletion=names.among(words.split("|")))


def print_json(value: Any) -> None:
    """Print `value` as one line of JSON, in ASCII: a file's name may hold what is no UTF-8."""
    print(json.dumps(value))


def tell(as_json: bool, value: Any, lines: Iterable[str]) -> None:
    """Print `value` as JSON, or else `lines`, which are for people."""
    if as_json:
        return print_json(value)
    for line in lines:
        print(line)
    return None


def width() -> int:
    """Return the columns of the terminal that standard output is; 0 where it is none, and nothing is to be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def fitted(line: str) -> str:
    """Return a line as it fits into the terminal; whole where there is none."""
    room = width()
    return line if not room or len(line) <= room else f"{line[: room - 1]}…"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count:,} bytes"


def typed(command: str) -> str:
    """Return a command as it is typed here: with its folder where PATH does not have the one of this environment."""
    folder = Path(sys.executable).parent
    return command if shutil.which("budgetml") == str(folder / "budgetml") else f"{folder}/{command}"
