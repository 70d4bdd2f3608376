"""What `budgetml doctor` looks at: this machine, or the three stores of one run against each other."""

import platform
import sqlite3
from pathlib import Path
from typing import Any

from budgetmlagent import rundir
from budgetmlagent.errors import BudgetMLError
from memory.artifacts import Artifacts, CorruptArtifactError

Row = dict[str, Any]


def of_machine(runs_dir: Path) -> list[Row]:
    """Check Python, sandbox, embedded models and the ledger's folder."""
    from budgetmlagent.models.catalog import list_models
    from budgetmlagent.models.config import load_models

    rows = [_row("python", True, platform.python_version()), *_sandbox()]
    for model in list_models(load_models()):
        present = model["present"]
        detail = f"{model['path']}" if present else f"not fetched; `budgetml models pull {model['name']}`"
        rows.append(_row(f"model {model['name']}", True, detail))
    runs = rundir.all_runs(runs_dir)
    return [*rows, _row("runs", True, f"{len(runs)} in {runs_dir.resolve()}")]


def _sandbox() -> list[Row]:
    """Tell the rung that was reached, what it is made of, and what became of each canary."""
    from budgetmlagent.sandbox.probe import probed

    try:
        found = probed()
    except BudgetMLError as error:
        return [_row("sandbox", False, str(error))]
    facts = found.facts()
    made_of = (
        f"{facts['binary'] or facts['rung']}, version {facts['version'] or 'unknown'}, from {facts['origin']}"
    )
    rows = [_row("sandbox", True, found.rung.words), _row("sandbox binary", True, made_of)]
    rows += [_row("sandbox passed over", True, fault) for fault in facts["passed_over"]]
    return rows + [_row(f"canary {name}", True, became) for name, became in facts["canaries"].items()]


def of_run(run: str, runs_dir: Path, *, rebuild: bool) -> list[Row]:
    """Check a run's artifacts, checkpoints and ledger against each other; make its projections again if asked."""
    from budgetmlagent import summary
    from budgetmlagent.session import Session

    found = rundir.find(run, runs_dir)
    rows = [
        _artifacts(found.artifacts),
        _database("checkpoints", found.checkpoints),
        _database("ledger", found.ledger),
    ]
    if all(row["ok"] for row in rows):
        session = Session.open(found.root)
        timeline, calls = session.timeline, session.calls
        loose = len(calls) - sum(event["calls"] for event in timeline)
        words = f"{len(calls)} calls, {len(timeline)} steps, {loose} calls of abandoned or unfinished steps"
        rows.append(_row("money", True, words))
        if rebuild:
            summary.write(session.record)
            rows.append(_row("rebuilt", True, "run.json, events.jsonl, results.tsv, best/"))
    return rows


def _artifacts(folder: Path) -> Row:
    artifacts, bad = Artifacts(folder), []
    names = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
    for name in names:
        try:
            artifacts.read(name)
        except CorruptArtifactError:
            bad.append(name)
    return _row("artifacts", not bad, f"{len(names)} files" if not bad else f"changed: {', '.join(bad)}")


def _database(what: str, path: Path) -> Row:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    return _row(what, verdict == "ok", f"{path}: {verdict}")


def _row(what: str, ok: bool, detail: str) -> Row:
    return {"what": what, "ok": ok, "detail": detail}
