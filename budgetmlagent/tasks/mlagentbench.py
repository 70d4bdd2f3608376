"""Which way the tasks of MLAgentBench are scored, whose own files do not say it (snap-stanford/MLAgentBench, each one's scripts/eval.py)."""

from pathlib import Path

from budgetmlagent.tasks.metrics import Direction

# By the folder's name: a line of its scorer, by which it is known from a folder of that name with another one, and the direction.
DIRECTIONS: dict[str, tuple[str, Direction]] = {
    "CLRS": ("return test_stats['score']", "max"),
    "amp-parkinsons-disease-progression-prediction": (
        's = smapep1(solution["rating"], submission["rating"])',
        "min",
    ),
    "babylm": ('perplexity = math.exp(metrics["eval_loss"])', "min"),
    "cifar10": ("return acc/len(test_dataset)", "max"),
    "fathomnet": ('s = score(solution, submission, row_id_column_name = "id")', "max"),
    "feedback": ("metrics = compute_metrics_for_regression(solution, submission)", "min"),
    "house-price": ("mae = sum(abs(submission['SalePrice'] - test_data['SalePrice']))", "min"),
    "identify-contrails": ("score = (2 * i + smooth)/(u + smooth)", "max"),
    "imdb": ('return acc/len(imdb["test"])', "max"),
    "ogbn-arxiv": ("evaluator = Evaluator(name=target_dataset)", "max"),
    "spaceship-titanic": ("accuracy = correct_matches.sum() / len(submission)", "max"),
    "vectorization": ("return float(submission.columns[0])", "min"),
}


def known(folder: str, scorer: Path, text: str) -> dict[str, Direction]:
    """Return what is known of the task in `folder`, as {where: direction}, if the `text` of its scorer is that one's; else nothing."""
    line, direction = DIRECTIONS.get(folder, ("", None))
    return {f"{scorer}: is MLAgentBench's {folder}": direction} if direction and line in text else {}
