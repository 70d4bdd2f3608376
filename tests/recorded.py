"""The recorded run that tests replay where any real run will do."""

from pathlib import Path

RECORDING = Path(__file__).parent / "recordings" / "digits"
GRAPH, MODELS = str(RECORDING / "graph.yaml"), f"replay:{RECORDING}"
REPLAY = ["run", "digits", "--graph", GRAPH, "--models", MODELS, "--turns", "8"]
