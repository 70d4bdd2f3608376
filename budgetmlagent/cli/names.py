"""What a shell completes: names of tasks, graphs, runs and models, and words to choose from; a path it completes itself.

Little is read, and what cannot be read is no name.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import typer

from budgetmlagent.instead import REPLAY

HERE = Path(__file__).parents[2]
TASKS, GRAPHS = HERE / "budgetmlagent" / "tasks" / "bundled", HERE / "graphs"
MODELS = HERE / "budgetmlagent" / "models" / "models.yaml"
MOST = 1 << 16  # characters of a file that are looked at
Completer = Callable[[str], list[str]]


def among(words: Iterable[str]) -> Completer:
    """Return what completes one of a few words."""

    def completed(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return completed


def several(one: Completer) -> Completer:
    """Return what completes names with commas between them, where `one` completes a single name."""

    def completed(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in one(last)]

    return completed


def tasks(incomplete: str) -> list[str]:
    """Bundled tasks, and task folders that lie here."""
    bundled = (path.parent.name for path in TASKS.glob("*/task.yaml"))
    return _begun(bundled, incomplete) + _begun(
        (path.parent.name for path in Path().glob("*/env")), incomplete
    )


def graphs(incomplete: str) -> list[str]:
    """Shipped graphs, and files of graphs that lie here."""
    shipped = (path.stem for path in GRAPHS.glob("*.yaml"))
    return _begun(shipped, incomplete) + _begun(_files("nodes"), incomplete)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Runs of the runs folder, the newest first."""
    return _begun((path.name for path in _folders(ctx)), incomplete)[::-1]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Files such as models.yaml that lie here, and, once a letter is typed, recorded runs to replay."""
    recorded = (f"{REPLAY}{path}" for path in _folders(ctx)) if incomplete else iter(())
    return _begun(_files("models"), incomplete) + _begun(recorded, incomplete)[::-1]


def models_files(incomplete: str) -> list[str]:
    """Files such as models.yaml that lie here."""
    return _begun(_files("models"), incomplete)


def embedded(incomplete: str) -> list[str]:
    """The models that come with the program."""
    with suppress(OSError):
        names = re.findall(r"^  (\w+):", MODELS.read_text(encoding="utf-8"), re.MULTILINE)
        return _begun(names, incomplete)
    return []


def providers(incomplete: str) -> list[str]:
    """The providers of which a models.yaml can be written."""
    from budgetmlagent.models.providers import PROVIDERS

    return _begun(PROVIDERS, incomplete)


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    """Return those that begin as what was typed; none where a folder cannot be read. What needs quotes a shell does better."""
    with suppress(OSError, ValueError):
        return sorted(name for name in names if name.startswith(incomplete) and shlex.quote(name) == name)
    return []


def _folders(ctx: typer.Context) -> Iterator[Path]:
    folder = Path(ctx.params.get("runs_dir") or "runs")
    return (path.parent for path in folder.glob("*/config.json"))


def _files(key: str) -> Iterator[str]:
    """Yield the YAML files here that have this key."""
    for path in chain(Path().glob("*.yaml"), Path().glob("*.yml")):
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                if re.search(f"^{key}:", file.read(MOST), re.MULTILINE):
                    yield path.name
