"""Where graph files lie: the shipped ones beside this module, a user's own anywhere."""

from pathlib import Path

from graphs.finding import Finding, GraphError
from graphs.registry import nearest
from memory.files import read_plain

SHIPPED = Path(__file__).parent
SUFFIXES = (".yaml", ".yml")


def shipped() -> list[str]:
    """Names of the graphs that come with the program."""
    return sorted(p.stem for p in SHIPPED.glob("*.yaml"))


def read(graph: str | Path) -> tuple[str, str]:
    """Return the text of a shipped graph by name, or of any file, and what findings call it. Raises GraphError."""
    path = _find(graph)
    try:
        text = read_plain(path).decode("utf-8")
    except OSError as error:
        raise GraphError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GraphError(
            Finding(str(path), 1, 1, "yaml", "not YAML: it is no UTF-8 text; save it as UTF-8")
        ) from None
    return text, path.name if path.parent == SHIPPED else str(graph)


def _find(graph: str | Path) -> Path:
    if not isinstance(graph, str | Path):
        raise GraphError(f"the name of a graph or the path of its file is needed, not {graph!r:.80}")
    path = Path(graph)
    if path.suffix in SUFFIXES:
        if not path.is_file():
            raise GraphError(f"{path}: no such file")
        return path
    if str(graph) not in shipped():
        names, hint = ", ".join(shipped()), nearest(str(graph), shipped())
        raise GraphError(f"unknown graph {str(graph)!r}{hint}; shipped: {names}; or a .yaml file")
    return SHIPPED / f"{graph}.yaml"
