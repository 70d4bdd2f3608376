"""Words of printed lines: which rows a number is of, and what a number is that is no score. Data alone.

All are looked for in plain words (`labels.plain`): small letters, blanks for what joins words.
"""

import re


def word(*ways: str) -> str:
    """Return an expression for any of these as a whole word."""
    return rf"(?<![a-z])(?:{'|'.join(ways)})(?![a-z])"


# Which rows a number is of. "value", "device" and "develop" are no words for rows held out.
SIDE = re.compile(
    word(
        r"(?P<held>val(?:id(?:ation|ate[ds]?|ating)?)?|cross ?val(?:idation|idated)?|cv|hold ?out|held ?out|dev|oof"
        r"|out of fold|eval(?:uation)?)(?: ?sets?)?",
        r"(?P<seen>train(?:ing)?|fit|test(?:ing)?|learn|in sample)(?: ?sets?)?",
        r"(?P<fold>folds?)",
    )
)
PAIRED = re.compile(r"[ &+]*(?:and|vs|versus)?[ &+]*")  # between two of these: "train/val loss" is of both

# What makes a number in the same clause something else than a score.
OTHER = re.compile(
    word(
        # times and speeds
        "times?", "took", "takes?", "taken", "elapsed", "duration", "seconds?", "secs?", "ms", "minutes?", "mins?", "hours?", "eta",
        "remaining", "runtime", "wall", "speed ?up", "speed", "faster", "slower", "ratio", "throughput", "latency",
        # counts and places
        "epochs?", "steps?", "iter(?:ation)?s?", "rounds?", "trials?", "seeds?", "state", "rows?", "samples?", "sizes?", "counts?",
        "numbers?", "num", "params?", "parameters?", "features?", "columns?", "classes", "images", "examples", "batch(?:es)?",
        "items", "records", "index", "rank", "place", "support", "version", "date", "depth", "memory", "mb", "gb", "gpu", "cpu",
        "estimators?", "trees", "leaves", "neighbou?rs", "components?", "layers?", "units?", "skipped", "removed", "left", "n",
        # settings
        "threshold", "thresh", "thr", "cut ?off", "cut", "lr", "rate", "alpha", "beta", "lambda", "gamma", "momentum", "dropout",
        "weights?", "weighting", "decay", "temperature", "tolerance", "tol", "patience", "limit", "budget", "penalty", "blend",
        "regulari[sz]ation", "coef\\w*", "bias", "intercept", "quantile", "percentile", "fractions?", "share", "proportion", "portion",
        "smoothing", "ratios", "price", "importances?",
        # how sure a score is
        "std", "stds", "stdev", "sd", "sem", "stderr", "deviation", "variance", "var", "spread", "confidence", "conf", "ci",
        "interval", "margin", "p ?values?", "upper", "lower", "bounds?", "error bars?",
        # by how much two differ
        "gains?", "improvements?", "improves", "improved(?! (?:to|from))", "delta", "diff", "differences?", "change[ds]?",
        "drop(?:s|ped)?", "increased?", "decreased?", "reduc\\w+", "gap", "range", "higher", "fewer", "by",
        # another score: an old one, a wanted one, that of a part, of nothing learned
        "was", "were", "from", "previous(?:ly)?", "prev", "old", "older", "before", "former", "earlier", "than", "vs", "versus",
        "target", "goal", "needed", "needs", "required", "expected", "at least", "until", "chance", "random", "dummy", "naive",
        "constant", "majority", "worst", "min", "minimum", "class", "label", "group", "category", "horizon", "per", "starter", "not", "no", "never", "without",
    )
    + "|[±<>≥≤?^]"
)  # fmt: skip
OTHER_ALONE = re.compile(
    word("split", "splits", "fraction", "part", "ready", "done", "shape", "start(?:ed|ing)?", "loss weight")
)

# What may stand between the words for a score and its number.
FILLER = {
    "is", "of", "the", "a", "an", "on", "for", "in", "at", "with", "score", "scores", "scoring", "value", "values", "set",
    "sets", "data", "dataset", "split", "mean", "average", "averaged", "avg", "final", "best", "overall", "total", "over",
    "across", "all", "and", "new", "now", "current", "our", "its", "to", "reached", "achieved", "obtained", "got",
    "equals", "s", "metric", "result", "results", "performance", "ensemble", "model", "single", "full", "whole", "sample",
    "approx", "about", "around", "roughly", "estimated", "estimate", "percent", "pct", "usd", "eur", "dollars", "euros",
    "as", "out", "running", "this", "dataloader", "report", "metrics", "after",
}  # fmt: skip

# After a number: what it is of. Marks for thousands that are no comma leave numbers that are cut.
UNIT = re.compile(
    r" ?(?:s|secs?|seconds?|ms|us|min|mins|minutes?|h|hrs?|hours?|it|its|x|×|times|k|m|bn|million|thousand|mb|gb|pp|points?"
    r"|rows|samples|folds|epochs|steps|params|parameters|features|images|examples|trees|seeds|iterations|models|batches"
    r"|ci|confidence|faster|slower|better|worse|more|less|higher|lower)(?![A-Za-z])",
    re.IGNORECASE,
)
