"""A run's three stores held against each other: what is lost, where, and what to do. Nothing is changed here."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetmlagent.disk import DATABASE_ERRORS
from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.database import statements
from budgetmlagent.postgres import Address
from budgetmlagent.records import events, hints, summary
from budgetmlagent.records.rundir import RunDir, read_json
from budgetmlagent.run.view import RunView
from budgetmlagent.upkeep import references, shared
from budgetmlagent.upkeep.rows import Row, row, rows
from budgetmlagent.wording import counted
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.files import read_plain
from memory.state import NANO
from memory.tables import only_tables

if TYPE_CHECKING:
    from budgetmlagent.records.events import Event
    from budgetmlagent.records.points import Point

# How the run ended, its private scores, and what the verdict on them rests on.
ENDS = ("ended.json", "final.json", "sealed.json")


def of_files(run: RunDir) -> list[Row]:
    """Check each store by itself: the databases' own verdict, and every artifact's hash."""
    return [
        *_artifacts(run.artifacts),
        shared.of_states(states)
        if isinstance(states := run.states, Address)
        else _database("checkpoints", states, "the states are lost and the run cannot go on"),
        shared.of_ledger(ledger)
        if isinstance(ledger := run.ledger, Address)
        else _database("ledger", ledger, "what was paid is not known"),
        *leftovers(run),
    ]


def _artifacts(folder: Path) -> list[Row]:
    if not folder.is_dir():
        return [row("artifacts", False, f"{folder} is missing: put it back from a copy")]
    artifacts, wrong = Artifacts(folder), []
    names = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    for name in names:
        try:
            artifacts.read(name)
        except CorruptArtifactError:
            wrong.append(f"{name} was changed, its hash is another: put it back from a copy")
        except OSError as error:
            wrong.append(f"{name} cannot be read: {error.strerror}")
    return rows("artifacts", wrong, f"{counted(len(names), 'file')}, each with the hash that is its name")


def _database(what: str, path: Path, lost: str) -> Row:
    copy = f"{lost}, unless you put the file back from a copy; artifacts/ and best/ do not depend on it"
    if not path.is_file():
        return row(what, False, f"{path} is missing: {copy}")
    if link := next((p for p in path.parent.glob(f"{path.name}*") if p.is_symlink()), None):
        return row(what, False, f"{link}: is a symbolic link; put what it leads to in its place")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            only_tables(db, statements())
            verdict = str(db.execute("PRAGMA integrity_check").fetchone()[0])
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except DATABASE_ERRORS as error:
        verdict, tables = str(error), 1
    if not tables:
        verdict = "it is empty"
    return row(what, verdict == "ok", f"{path}: " + ("whole" if verdict == "ok" else f"{verdict}: {copy}"))


def leftovers(run: RunDir) -> list[Row]:
    """Name what a killed process left half written: it harms nothing."""
    found = [p.relative_to(run.root).as_posix() for p in run.half_written()]
    words = f"{len(found)} half-written files of a killed process ({', '.join(found[:3])}): `--rebuild` removes them"
    return [row("leftovers", True, words)] if found else []


def of_run(view: RunView) -> list[Row]:
    """Check the stores against each other, and the projections against the stores. Raises what reading them raises."""
    ways, calls = view.branches.ways, view.calls
    return [
        *_named(view, ways, calls),
        *_asking(view, [list(events.timeline(way, calls)) for way in ways]),
        *_money(ways, calls),
        *_projected(view),
        *_scored(view),
    ]


def _named(view: RunView, ways: "Sequence[Sequence[Point]]", calls: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every artifact that a checkpoint, an attempt, an execution or the ledger names is there."""
    points = [point for way in ways for point in way]
    names = [name for point in points for name in references.by_state(point.values, point.step)]
    names += [references.Name(point.graph, "a checkpoint (graph)") for point in points if point.graph]
    names += [name for call in calls for name in references.by_call(call)]
    count, wrong = references.lost(view.artifacts, names)
    return rows("named", wrong, f"{count} artifacts are named by the stores, and all are there")


def _asking(view: RunView, timelines: "Sequence[Sequence[Event]]") -> list[Row]:
    """Every step that asked a model has its call."""
    entered = {(event.step, event.node) for timeline in timelines for event in timeline if event.calls}
    wrong = [
        f"step {step}, {node}, asked a model, but the ledger has no call of it: put the ledger back from a copy"
        for step, node in sorted(_asked(view, timelines) - entered)
    ]
    return rows("steps", wrong, f"each of {len(entered)} steps that asked a model has its call in the ledger")


def _money(ways: "Sequence[Sequence[Point]]", calls: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Every call belongs to a step of a branch, or is told by itself; then the sum."""
    tasks = frozenset[str]().union(*(point.tasks for way in ways for point in way))
    for call in calls:
        told = f"call {call['id']} of step {call['step']}, {call['node']}"
        if call["state"] == "reserved":
            words = f"its outcome is unknown, and its worst case of ${call['usd']:.6f} stays counted as spent"
            yield row("open call", True, f"{told}: {words}")
        elif call["task"] not in tasks:
            words = f"of a step that was abandoned or not finished; it cost ${call['usd']:.6f}"
            yield row("loose call", True, f"{told}: {words}")
    total = sum(c["usd_nano"] for c in calls) / NANO
    yield row("money", True, f"{counted(len(calls), 'call')} for ${total:.6f}, each with its price")


def _asked(view: RunView, timelines: "Iterable[Sequence[Event]]") -> set[tuple[int, str]]:
    """Return the steps of which something other than the ledger says that they asked a model."""
    models, found = set(view.config.models), set()
    for timeline in timelines:
        plan: Mapping[str, Any] = {}
        for event in timeline:
            by, wrote = event.plan.get("by"), event.plan.get("wrote")
            if event.role == "planner" and by in models and event.plan != plan:
                found.add((event.step, event.node))
            # A script that is said to be of the planner's model may be a tuning, for which no model was asked.
            if event.role == "coder" and wrote in models - {by} and wrote != plan.get("wrote"):
                found.add((event.step, event.node))
            plan = event.plan
    steps = {(event.step, event.node) for timeline in timelines for event in timeline}
    return found | (_told(view.folder.root / "events.jsonl") & steps)


def _told(path: Path) -> set[tuple[int, str]]:
    """Return the steps that asked a model by what events.jsonl says, where it can be read."""
    try:
        return {(event["step"], event["node"]) for event in events.read(path) if event["calls"]}
    except (OSError, UnavailableError):
        return set()


def _projected(view: RunView) -> list[Row]:
    """Each projection is what the stores give; of run.json the money is told in dollars."""
    try:
        files = summary.projections(view.record)
    except (FileNotFoundError, CorruptArtifactError) as error:
        return [row("projections", False, f"they cannot be made again: {error}")]
    wrong = [sentence for name, content in files.items() for sentence in _differs(view, name, content)]
    there = {f"{summary.BEST}/{path.name}" for path in (view.folder.root / summary.BEST).glob("[!.]*")}
    loose = sorted(there - files.keys())
    wrong += [f"{name} is not of the best attempt: `--rebuild` removes it" for name in loose]
    return rows("projections", wrong, f"{', '.join(files)} are what the stores give")


def _differs(view: RunView, name: str, content: bytes) -> Iterator[str]:
    path, again = view.folder.root / name, "`--rebuild` makes it again"
    if not path.is_file():
        yield f"{name} is missing: {again}"
    elif read_plain(path) != content and (told := _told_otherwise(view, path)) is not None:
        yield f"{name} is not what the stores give{told}: {again}"


def _told_otherwise(view: RunView, path: Path) -> str | None:
    """Say what run.json has of the money; None where it differs in nothing but the folder, which may have been moved."""
    if path.name != "run.json":
        return ""
    try:
        told = read_json(path)
    except UnavailableError:
        return " (it cannot be read)"
    older = {"usd_held": view.summary["usd_held"]}  # which a run.json of before does not say
    if older | told | {"run_dir": ""} == view.summary | {"run_dir": ""}:
        return None
    usd = view.cost.usd
    return "" if told.get("usd") == usd else f" (it says ${told.get('usd')}, the ledger ${usd:.6f})"


def _scored(view: RunView) -> Iterator[Row]:
    """Where the run came to its end, its private scores are those of its best."""
    best = view.state.best.get("attempt")
    again = f"`--rebuild`, then `{hints.command('resume', view.folder.root)}` makes it again"
    for name in ENDS:
        try:
            value = read_json(view.folder.root / name)
        except UnavailableError:
            yield row("scores", False, f"{name} is damaged: {again}")
            continue
        if name == "final.json" and value and view.done and value.get("attempt") != best:
            yield row("scores", False, f"final.json has the scores of another attempt than the best: {again}")
