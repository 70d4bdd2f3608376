"""What a task's score is a measure of, and in which unit: told from the task, and best by what its starter prints."""

import math
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from budgetmlagent.inside.briefing.metric import clauses, own_function, printed
from budgetmlagent.scoring.reported.claims import Claim
from budgetmlagent.scoring.reported.labels import MIXED, best, kind, metric, named_in, plain
from budgetmlagent.tasks.folder import TaskFolder

# Metrics of at most 1: what is larger was printed in percent.
SHARES = {
    "accuracy", "balanced_accuracy", "error", "f1", "f1_macro", "f1_micro", "f1_weighted", "f1_samples", "f_beta", "precision",
    "recall", "specificity", "auc", "average_precision", "map_at_k", "recall_at_k", "ndcg", "mrr", "gini", "kappa", "qwk", "mcc",
    "r2", "explained_variance", "pearson", "spearman", "kendall", "concordance", "iou", "dice", "ssim", "win_rate",
}  # fmt: skip
PARTS = {
    "",
    "mape",
    "smape",
    "wape",
    "rmspe",
    "bleu",
    "rouge",
    "eer",
    "wer",
    "cer",
}  # printed as shares and in percent alike
OWN = {"smape", "mape"}  # metrics for which a starter's own function is known by its name
FACTOR = 10  # two values of these that are further apart may be of two units
HUNDRED = 100.0
AVERAGE = re.compile(r"average\s*=\s*[\"'](macro|micro|weighted|samples)")
ROOT = re.compile(r"sqrt|\*\*\s*\(?(?:0?\.5|1\s*/\s*2)|squared\s*=\s*False")


@dataclass(frozen=True)
class Measure:
    """What a claim must be of, for it to be the task's score. By default nothing is known, and all will do."""

    kinds: frozenset[str] = frozenset()  # as in `labels.kind`; none where that is unknown
    words: frozenset[str] = frozenset()  # that name an unknown metric, or the starter's own function
    bare: bool = True  # whether a number counts beside which no metric is named
    named: bool = True  # where no kind is known: whether one counts beside which any is named
    direction: str = ""  # "max" or "min", "" where unknown
    first: Claim | None = None  # the starter's own number

    def score(self, claim: Claim) -> float | None:
        """Return the score that a claim tells, in the metric's unit; NaN for a claim of none, None where it does not fit."""
        return self._in_unit(claim) if self._fits(claim) else None

    def _fits(self, claim: Claim) -> bool:
        if claim.words in self.words or (not claim.words and self._is_called(claim)):
            return True
        if claim.kind:
            return claim.kind in self.kinds if self.kinds else self.named and self._agrees(claim)
        if claim.words:
            return not (self.kinds or self.words or claim.whole or math.isnan(claim.value)) and self.named
        return self.bare and not claim.whole

    def _is_called(self, claim: Claim) -> bool:
        return any(f" {words} " in f" {claim.said} " for words in self.words)

    def _agrees(self, claim: Claim) -> bool:
        return claim.kind != MIXED and self.direction in ("", best(claim.kind))

    def _in_unit(self, claim: Claim) -> float | None:
        """Bring a claim to the metric's unit: `69.60%` of an accuracy is 0.696, and so is 69.6."""
        value = claim.value
        name = metric(claim.kind or min(self.kinds, default=""))
        if math.isnan(value):
            return value
        if name in SHARES:
            share = value / HUNDRED if claim.percent or 1 < value <= HUNDRED else value
            return share if share <= 1 else None
        return self._beside_the_first(claim, name)

    def _beside_the_first(self, claim: Claim, name: str) -> float | None:
        """Bring a claim to the unit of the starter's own number, None where its unit cannot be known."""
        share = claim.value / HUNDRED if claim.percent else claim.value
        first = self.first
        if first is None or (first.percent and claim.percent):
            return share
        known = first.value / HUNDRED if first.percent else first.value
        if first.percent == claim.percent:
            return share if name not in PARTS or not _apart(share, known) else None
        near = [value for value in (claim.value, claim.value / HUNDRED) if _near(value, known)]
        return near[0] if len(near) == 1 else None


def _near(value: float, known: float) -> bool:
    return value * known > 0 and 1 / FACTOR < value / known < FACTOR


def _apart(value: float, known: float) -> bool:
    """Whether one looks like a share and the other like the same in percent."""
    less, more = sorted((abs(value), abs(known)))
    return less <= 1 < more <= HUNDRED and not _near(value, known)


def measured(task: TaskFolder, said: Sequence[Claim], *, values: bool = True) -> Measure:
    """Return what the task's score is a measure of. `said` is what its starter claims, the last first.

    The name in task.yaml decides, where it is known; or else what stands beside the starter's number, or what the task's
    words or its scorer's source name. `values`: whether the numbers that were said are its true ones.
    """
    named = [claim for claim in said if claim.kind not in ("", MIXED) and best(claim.kind) == task.direction]
    bare = [claim for claim in said if not claim.kind and not (claim.whole and not claim.words)]
    kinds = _kinds(task, [claim.kind for claim in named])
    # Where the starter itself names the metric, the others must.
    newest = None if any(claim.kind in kinds for claim in named) else next(iter(bare), None)
    measure = Measure(
        kinds=kinds,
        words=_words(task, kinds, newest),
        bare=not newest.words if newest else not (kinds or named),
        named=not bare,
        direction=task.direction,
    )
    return replace(measure, first=chosen(said, measure) if values else None)


def chosen(said: Iterable[Claim], measure: Measure) -> Claim | None:
    """Return the first of what is said that fits; what is of one fold, or of a baseline, where nothing else does."""
    part = None
    for claim in said:
        if measure.score(claim) is None:
            continue
        if not claim.part:
            return claim
        part = part or claim
    return part


def _kinds(task: TaskFolder, beside: Sequence[str]) -> frozenset[str]:
    """Return the kinds that are the task's metric. "f1" may be short for the average that others name."""
    told = _named(task) or _told(task)
    chosen = told if _named(task) or told in beside or not beside else beside[0]
    kinds = {chosen} - {""}
    if chosen.startswith("f1"):
        also = {told, *beside, *(f"f1_{average}" for average in AVERAGE.findall(task.starter))}
        kinds |= {kind for kind in also if kind.startswith("f1") and "f1" in (kind, chosen)}
    return frozenset(kinds)


def _words(task: TaskFolder, kinds: Set[str], newest: Claim | None) -> frozenset[str]:
    """Return the words by which scripts call a metric that is not known, or that the starter has its own function for."""
    own = own_function(task.starter).get("function", "") if kinds <= OWN else ""
    name = "" if kinds or task.layout == "mlagentbench" else task.metric
    ways = {" ".join(plain(way).split()) for way in (own, name, newest.words if newest else "")}
    return frozenset(ways - {"", "score"})


def _named(task: TaskFolder) -> str:
    """Return the kind that task.yaml names, "" where it is unknown."""
    named = kind(plain(task.metric))
    return "" if named == MIXED else named


def _told(task: TaskFolder) -> str:
    """Return the one kind that the task's words name, a line that prints in its starter, or its scorer; "" for none."""
    scorer = (task.scoring / "eval.py").read_text("utf-8", "replace")
    for text in (*clauses(task.text), *reversed(printed(task.starter)), scorer):
        found = {kind for kind in named_in(text) if best(kind) == task.direction}
        if text is scorer and found == {"mse"} and ROOT.search(scorer):
            found = {"rmse"}
        if len(found) == 1:
            return found.pop()
    return ""
