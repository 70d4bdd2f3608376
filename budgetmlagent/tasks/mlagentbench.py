"""Which way the tasks of MLAgentBench are scored, whose own files do not say it (snap-stanford/MLAgentBench, each one's scripts/eval.py)."""

from pathlib import Path

from budgetmlagent.tasks.metrics import Direction

# By the folder's name: a word of its scorer, by which it is known from a folder of that name with another one, and the direction.
DIRECTIONS: dict[str, tuple[str, Direction]] = {
    "CLRS": ("collect_and_eval", "max"),
    "amp-parkinsons-disease-progression-prediction": ("smapep1", "min"),
    "babylm": ("perplexity", "min"),
    "cifar10": ("CIFAR10", "max"),
    "fathomnet": ("row_id_column_name", "max"),
    "feedback": ("compute_metrics_for_regression", "min"),
    "house-price": ("SalePrice", "min"),
    "identify-contrails": ("dice_score", "max"),
    "imdb": ("load_dataset", "max"),
    "ogbn-arxiv": ("ogbn-arxiv", "max"),
    "spaceship-titanic": ("Transported", "max"),
    "vectorization": ("submission.columns[0]", "min"),
}


def known(folder: str, scorer: Path, text: str) -> dict[str, Direction]:
    """Return what is known of the task in `folder`, as {where: direction}, if the `text` of its scorer is that one's; else nothing."""
    word, direction = DIRECTIONS.get(folder, ("", None))
    return {f"{scorer}: is MLAgentBench's {folder}": direction} if direction and word in text else {}
