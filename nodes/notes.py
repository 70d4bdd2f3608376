"""Notes that nodes leave for others: small JSON under `state.notes`, each node's under its own name."""

import json

from memory.state import RunState

NOTE_BYTES = 2048  # of JSON, at most, that an added node may keep under state.notes
IN_VAIN = "in_vain"  # in an expert's notes: the newest attempt when its answer was of no use


def note(text: str) -> dict[str, str]:
    """Return a node's answer as its note: on one line, cut to what a node may keep."""
    text = " ".join(text.split())
    while len(json.dumps({"text": text})) > NOTE_BYTES:  # a character is one to twelve bytes there
        text = text[: len(text) * 9 // 10]
    return {"text": text}


def told_by_others(state: RunState, node: str) -> dict[str, str]:
    """Return the texts that other nodes than `node` have left, by their names; empty where none has."""
    kept = {name: said.get("text") for name, said in state.notes.items() if isinstance(said, dict)}
    return {name: text for name, text in kept.items() if text and name != node}


def asked_in_vain(state: RunState) -> bool:
    """Tell whether an expert's answer was of no use and no attempt has been made since: the question would be the same."""
    notes = [said for said in state.notes.values() if isinstance(said, dict)]
    return bool(state.head) and any(said.get(IN_VAIN) == state.head for said in notes)
