"""What each model has shown in a run, read from its records."""

from collections.abc import Mapping

from budgetmlagent.models import shown
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.shown import Shown
from budgetmlagent.records.summary import Record
from memory.attempts import chain

USELESS = ("unparsable", "truncated", "thought")  # faults of a reply that are the model's own
ASKED = ("planner", "coder", "expert")


def keep(record: Record, specs: Mapping[str, ModelSpec]) -> None:
    """Keep what the models of a run have shown, for the guess of later runs; of one that is to itself, nothing."""
    if record.config.history != "all" or record.config.replay:
        return
    for name, what in of_models(record).items():
        shown.keep(specs[name], record.config.run_id, what)


def of_models(record: Record) -> dict[str, Shown]:
    """Return what the models of a run have shown on the way to where it stands, by name."""
    found: dict[str, Shown] = {}

    def add(model: str, shown: Shown) -> None:
        found[model] = found.get(model, Shown()) + shown

    for event in record.timeline:
        kind = event["fault"].get("kind", "")
        if event["model"] and event["reply"] and event.role in ASKED:
            add(event["model"], Shown(replies=1, usable=int(kind not in USELESS)))
    for attempt in chain(record.artifacts, record.values.get("head", "")):
        model = attempt.plan.get("wrote", "")
        if model in record.config.models:
            ran = attempt.status != "crash"
            lines = len(record.artifacts.text(attempt.script).splitlines()) if ran else 0
            add(model, Shown(scripts=1, ran=int(ran), longest=lines))
    return found
