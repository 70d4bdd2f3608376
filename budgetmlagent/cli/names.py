"""What a shell completes: names of tasks, graphs, runs and models. Little is read, and what cannot be read is no name."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

HERE = Path(__file__).parents[2]
TASKS, GRAPHS = HERE / "budgetmlagent" / "tasks" / "bundled", HERE / "graphs"
MODELS = HERE / "budgetmlagent" / "models" / "models.yaml"
REPLAY = "replay:"


def _begun(names: Iterator[str], incomplete: str) -> list[str]:
    """Return those that begin as what was typed; none where a folder cannot be read."""
    with suppress(OSError, ValueError):
        return sorted(name for name in names if name.startswith(incomplete))
    return []


def _paths(incomplete: str, fits: Callable[[Path], bool]) -> Iterator[str]:
    """Yield the paths that begin as what was typed, folders with a slash to go on from."""
    base = Path(incomplete if incomplete.endswith("/") else Path(incomplete).parent)
    for path in base.iterdir():
        if path.is_dir() and not path.name.startswith("."):
            yield f"{path}/"
        elif fits(path):
            yield str(path)


def _is_yaml(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")


def tasks(incomplete: str) -> list[str]:
    """Bundled tasks, and folders."""
    bundled = _begun((path.parent.name for path in TASKS.glob("*/task.yaml")), incomplete)
    return bundled + _begun(_paths(incomplete, lambda _: False), incomplete)


def graphs(incomplete: str) -> list[str]:
    """Shipped graphs, and files."""
    shipped = _begun((path.stem for path in GRAPHS.glob("*.yaml")), incomplete)
    return shipped + _begun(_paths(incomplete, _is_yaml), incomplete)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Runs of the runs folder, the newest first."""
    folder = Path(ctx.params.get("runs_dir") or "runs")
    return _begun((path.parent.name for path in folder.glob("*/config.json")), incomplete)[::-1]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Files, and recorded runs to replay."""
    if incomplete.startswith(REPLAY):
        folder = Path(ctx.params.get("runs_dir") or "runs")
        found = (f"{REPLAY}{path.parent}" for path in folder.glob("*/config.json"))
        return _begun(found, incomplete)[::-1]
    return _begun(_paths(incomplete, _is_yaml), incomplete) + _begun(iter([REPLAY]), incomplete)


def embedded(incomplete: str) -> list[str]:
    """The models that come with the program."""
    with suppress(OSError):
        names = re.findall(r"^  (\w+):", MODELS.read_text(encoding="utf-8"), re.MULTILINE)
        return _begun(iter(names), incomplete)
    return []
