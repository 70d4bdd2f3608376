"""Scores that outlive whoever asked for them: a step that a crash interrupted gets the score that it had.

Some metrics are never twice the same, as a time is. Scored anew, the step's attempt would be another than the one that
the history may know already.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from memory.files import write_whole
from nodes.deps import Execution, Score, Scorer


class KeptScorer:
    """`nodes.deps.Scorer` that scores an execution once; what it said lies in `workdir` until the run's end."""

    def __init__(self, scorer: Scorer, workdir: Path) -> None:
        self.scorer, self.workdir = scorer, workdir

    def score(self, execution: Execution) -> Score:
        """Raises what the scorer raises."""
        told = json.dumps(asdict(execution), sort_keys=True)
        kept = self.workdir / f"score-{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()[:16]}.json"
        if kept.exists():
            said = json.loads(kept.read_text())
            return Score(**said | {"samples": tuple(said["samples"])})
        score = self.scorer.score(execution)
        self.workdir.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(asdict(score)).encode(), durable=True)
        return score
