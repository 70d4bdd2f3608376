"""Which artifacts a run's stores name, and where: what must be there for the run to be whole."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from memory.artifacts import Artifacts, CorruptArtifactError

Name = tuple[str, str]  # an artifact's id, and what names it, in words
STATE = ("head", "script", "advice")  # fields of the state that are an id, "" where there is none
PARTS = (("task", "briefing"), ("best", "attempt"), ("plan", "case"), ("run", "execution"), ("run", "output"))


def by_state(values: Mapping[str, Any], step: int) -> Iterator[Name]:
    """Yield what one checkpoint's state names."""
    where = f"the state after step {step}"
    for field in STATE:
        yield values.get(field, ""), f"{where} ({field})"
    for field, key in PARTS:
        yield values.get(field, {}).get(key, ""), f"{where} ({field}.{key})"
    for item in values.get("history", []):
        yield item["id"], f"{where} (history)"


def by_call(call: Mapping[str, Any]) -> Iterator[Name]:
    """Yield what a line of the ledger names."""
    for field in ("prompt", "reply"):
        yield call[field] or "", f"the ledger's call at step {call['step']} ({field})"


def by_artifact(value: Any) -> Iterator[Name]:
    """Yield what an attempt or an execution names."""
    if not isinstance(value, dict):
        return
    if value.get("kind") == "attempt" and "execution" in value:
        where = f"the attempt of step {value['step']}"
        yield value["parent"], f"{where} (parent)"
        yield value["script"], f"{where} (script)"
        yield value["execution"], f"{where} (execution)"
        yield value["plan"].get("case", ""), f"{where} (case)"
    elif "tail" in value and "output" in value:
        where = f"the execution of script {value['script'][:12]}"
        yield value["script"], f"{where} (script)"
        yield value["output"], f"{where} (output)"
        for name, artifact in value["files"].items():
            yield artifact, f"{where} ({name})"
        for early in value.get("earlier", []):
            yield early, f"{where} (before a repair)"
        for cure in value.get("cures", []):
            yield cure["from"], f"{where} (before a repair)"
            yield cure["to"], f"{where} (a repair)"


def lost(artifacts: Artifacts, names: Iterable[Name]) -> tuple[int, list[str]]:
    """Follow `names` through all that they lead to: how many there are, and a sentence for each that is not whole."""
    waiting, seen, sentences = [name for name in names if name[0]], set[str](), []
    while waiting:
        id, where = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        try:
            waiting += [name for name in by_artifact(_json(artifacts.read(id))) if name[0]]
        except FileNotFoundError:
            sentences.append(f"{id}, which {where} names, is missing: put it back from a copy")
        except (CorruptArtifactError, OSError, ValueError):
            sentences.append(f"{id}, which {where} names, was changed: put it back from a copy")
    return len(seen), sorted(sentences)


def _json(raw: bytes) -> Any:
    """Return an artifact's value where it is JSON of ours; scripts and outputs name nothing."""
    import json

    if not raw.startswith(b"{"):
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return None
