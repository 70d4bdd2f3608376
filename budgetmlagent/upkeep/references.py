"""Which artifacts a run's stores name, and where: what must be there for the run to be whole."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from memory.artifacts import Artifacts, CorruptArtifactError
from memory.attempts import Attempt
from memory.files import parsed
from memory.ideas import noted
from nodes.craft import looks

ATTEMPT, EXECUTION, SNAPSHOT = "attempt", "execution", "snapshot"
MADE_FROM = ("case", "idea", "sketch", "look")  # fields of a plan
FILE = "file"  # names nothing further, whatever is written in it


class Name(NamedTuple):
    """An artifact's id, what names it, in words, and what it is."""

    id: str
    where: str
    kind: str = FILE


def shown(name: str) -> str:
    """Return a file's name as a terminal may see it: the script that chose it may mean harm."""
    return name if name.isprintable() else repr(name)


def by_state(values: Mapping[str, Any], step: int) -> Iterator[Name]:
    """Yield what one checkpoint's state names."""
    where = f"the state after step {step}"
    task, best, plan, run, fault = (
        values.get(field, {}) for field in ("task", "best", "plan", "run", "fault")
    )
    yield Name(values.get("head", ""), f"{where} (head)", ATTEMPT)
    yield Name(best.get("attempt", ""), f"{where} (best)", ATTEMPT)
    yield Name(run.get("execution", ""), f"{where} (execution)", EXECUTION)
    yield Name(run.get("output", ""), f"{where} (output)")
    yield Name(task.get("briefing", ""), f"{where} (briefing)")
    for field in MADE_FROM:
        yield Name(plan.get(field, ""), f"{where} ({field})")
    yield Name(fault.get("reply", ""), f"{where} (a reply that was of no use)")
    yield from (Name(name, f"{where} (an idea in the notes)") for name in noted(values.get("notes", {})))
    for look in looks.noted(values.get("notes", {})):
        yield from (
            Name(look[field], f"{where} (a look into the data: {field})") for field in ("said", "script")
        )
    for field in ("script", "advice"):
        yield Name(values.get(field, ""), f"{where} ({field})")
    for item in values.get("history", []):
        yield Name(item["id"], f"{where} (history)")


def by_call(call: Mapping[str, Any]) -> Iterator[Name]:
    """Yield what a line of the ledger names."""
    for field in ("prompt", "reply"):
        yield Name(call[field] or "", f"the ledger's call at step {call['step']} ({field})")


def _by_attempt(record: Mapping[str, Any]) -> Iterator[Name]:
    attempt = Attempt.of(record)
    where = f"the attempt of step {attempt.step}"
    yield Name(attempt.parent, f"{where} (parent)", ATTEMPT)
    yield Name(attempt.execution, f"{where} (execution)", EXECUTION)
    yield Name(attempt.script, f"{where} (script)")
    for field in MADE_FROM:
        yield Name(str(attempt.plan.get(field, "")), f"{where} ({field})")


def _by_execution(execution: Mapping[str, Any]) -> Iterator[Name]:
    where = f"the execution of script {execution['script'][:12]}"
    yield Name(execution["script"], f"{where} (script)")
    yield Name(execution["output"], f"{where} (output)")
    for name, artifact in execution["files"].items():
        yield Name(artifact, f"{where} ({shown(name)})")
    yield Name(execution.get("snapshot", ""), f"{where} (snapshot)", SNAPSHOT)
    for early in execution.get("earlier", []):
        yield Name(early, f"{where} (before a repair)", EXECUTION)
    for cure in execution.get("cures", []):
        yield from (Name(cure[end], f"{where} ({end} a repair)") for end in ("from", "to"))


def _by_snapshot(manifest: Mapping[str, Any]) -> Iterator[Name]:
    for file in manifest["files"]:
        if file["stored"]:
            yield Name(file["sha256"], f"the snapshot of a workspace ({shown(file['path'])})")


FOLLOWED = {ATTEMPT: _by_attempt, EXECUTION: _by_execution, SNAPSHOT: _by_snapshot}


def lost(artifacts: Artifacts, names: Iterable[Name]) -> tuple[int, list[str]]:
    """Follow `names` through all that they lead to: how many there are, and a sentence for each that is not whole."""
    waiting, seen, sentences = list(names), set[str](), []
    while waiting:
        name = waiting.pop()
        if not name.id or name.id in seen:
            continue
        seen.add(name.id)
        try:
            raw = artifacts.read(name.id)
        except OSError:
            sentences.append(f"{name.id}, named by {name.where}, is missing: put it back from a copy")
        except CorruptArtifactError:
            sentences.append(f"{name.id}, named by {name.where}, was changed: put it back from a copy")
        else:
            if name.kind in FOLLOWED:
                try:
                    waiting += FOLLOWED[name.kind](parsed(raw))
                except (CorruptArtifactError, ValueError, LookupError, TypeError, AttributeError):
                    sentences.append(
                        f"{name.id}, named by {name.where}, is no {name.kind} of a run: put it back from a copy"
                    )
    return len(seen), sorted(sentences)
