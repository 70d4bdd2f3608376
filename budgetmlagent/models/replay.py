"""Replay: a recorded run's replies again, found by model, prompt and n-th occurrence. No model is asked.

It charges the ledger that it is given with the recorded sums, so that a rule which looks at the money decides as it
did in the recording.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budgetmlagent.errors import RunFailedError
from budgetmlagent.models.recorded import recorded_events
from budgetmlagent.models.stored import call_of, prompt_record
from budgetmlagent.money.ledger import RECORDED, Account, Answer, Refused
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.state import NANO
from nodes.able import WEAKEST, Able
from nodes.deps import REPLY_FAULTS, Here, Message, Reply
from nodes.deps import Artifacts as ArtifactStore


class ReplayModels:
    """Serves `recording`, a run's folder (`nodes.deps.Models`)."""

    def __init__(
        self,
        recording: Path,
        account: Account,
        artifacts: ArtifactStore,
        able: Mapping[str, Able] | None = None,
    ) -> None:
        """Read the recording and its forks; `able` is what its run believed of its models, by name.

        Raises UsageError where the folder holds none.
        """
        self.believed = able or {}
        self.recording, self.account, self.artifacts = recording, account, artifacts
        self.asked: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.unsent: dict[tuple[int, str], Mapping[str, str]] = {}
        for event in recorded_events(recording):
            fault = event.get("fault") or {}
            if event.get("model") and event.get("prompt"):
                same = self.asked[event["model"], event["prompt"]]
                if (event["step"], event["reply"]) not in [(e["step"], e["reply"]) for e in same]:
                    same.append(event)  # once, where several branches share the step
            elif fault.get("kind") in REPLY_FAULTS:
                self.unsent[event["step"], event["node"]] = fault
        self.recorded = Artifacts(recording / "artifacts")

    def spent(self) -> int:
        """Nano-dollars that the recording's calls cost so far."""
        return self.account.spent()

    def able(self, model: str) -> Able:
        """What the recorded run believed of `model`; the weakest for what is no model."""
        return self.believed.get(model, WEAKEST)

    def ask(self, here: Here, messages: Sequence[Message], *, least: int = 0, **options: Any) -> Reply:  # noqa: ARG002
        """The recorded reply. Raises RunFailedError where there is none, or where its artifact was changed."""
        prompt = self.artifacts.put_json(prompt_record(messages, **options))
        call = call_of(self.account.run, here, "replay", RECORDED, prompt)
        if stored := self.account.paid(call):
            return self._reply(self.asked[here.model, prompt][int(stored.request)])
        ledger = self.account.ledger
        same = [e for e in ledger.calls(self.account.run) if (e.model, e.prompt) == (here.model, prompt)]
        nth = len({e.step for e in same if e.step < here.step})  # a later one lies on a branch that was left
        events = self.asked.get((here.model, prompt), [])
        if nth >= len(events):
            return self._unsent(here)
        event = events[nth]
        reply, nano = self._reply(event), round(event["usd"] * NANO)
        room = ledger.reserve(call, nano, here.budget)
        if isinstance(room, Refused):
            return Reply(fault="refused", detail=room.sentence(call), cap=room.cap)
        kept = self.artifacts.put(reply.text) if event["reply"] else ""
        counts = {name: event.get(name, 0) for name in ("tokens_in", "tokens_out", "cached", "thought")}
        ledger.settle(room.id, nano, Answer(text=reply.text, reply=kept, request=str(nth), **counts))
        return reply

    def _reply(self, event: Mapping[str, Any]) -> Reply:
        self._read(event["prompt"])
        fault = event.get("fault") or {}
        text = self._read(event["reply"]) if event["reply"] else ""
        if fault.get("kind") in REPLY_FAULTS:
            return Reply(text, fault["kind"], fault["detail"], fault.get("cap", ""))
        return Reply(text)

    def _read(self, name: str) -> str:
        try:
            return self.recorded.text(name)
        except CorruptArtifactError as error:
            raise RunFailedError(f"replay: {error}") from None
        except OSError as error:
            raise RunFailedError(f"replay: artifact {error.filename}: {error.strerror}") from None

    def _unsent(self, here: Here) -> Reply:
        """A request that the recording too could not send; anything else that was not recorded is a miss."""
        fault = self.unsent.get((here.step, here.node))
        if fault is None:
            raise RunFailedError(
                f"replay of {self.recording}: step {here.step}, node {here.node!r}, model {here.model!r}:"
                " the prompt differs from the recording; record the run afresh"
            )
        return Reply(fault=fault["kind"], detail=fault["detail"], cap=fault.get("cap", ""))
