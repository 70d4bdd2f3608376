"""The recorded runs that tests replay where any real run will do."""

from pathlib import Path

RECORDING, SHORT = (Path(__file__).parent / "recordings" / name for name in ("digits", "glosses"))


def again(recording: Path) -> list[str]:
    """The command that replays it."""
    graph, models = recording / "graph.yaml", f"replay:{recording}"
    return ["run", recording.name, "--graph", str(graph), "--models", models, "--turns", "8"]


GRAPH, MODELS = str(RECORDING / "graph.yaml"), f"replay:{RECORDING}"
REPLAY = again(RECORDING)
