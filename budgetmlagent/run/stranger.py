"""Going on with a run that somebody else began: what costs the person money, keys or the sandbox is the person's own word.

A run's config says whether its scripts have a sandbox, what may be spent, which hosts are asked and which variable holds the
key for them. Of a run that was begun here (`records/owner.py`) that is the person's word already.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetmlagent import settings
from budgetmlagent.errors import UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.config import ModelSpec, load_models
from budgetmlagent.records.owner import is_own
from budgetmlagent.records.rundir import RunConfig, RunDir
from budgetmlagent.run import order
from budgetmlagent.run.options import nano
from budgetmlagent.run.request import DEFAULTS
from budgetmlagent.sandbox.cages.confirmed import confirm
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.run.view import RunView

# A run of one's own may not be known either.
NOT_YOURS = "is not known as yours (begun by somebody else, or by an older version)"
PLACE = ("name", "base_url", "chat", "key")  # where a model is asked; all else of it:
TERMS = [field.alias or name for name, field in ModelSpec.model_fields.items() if name not in PLACE]
LONG = 200  # characters of what a stranger wrote, in a line


@dataclass(frozen=True)
class Word:
    """What a person says when a run is gone on with. It holds for each run; what is left out, a run of one's own says."""

    models: str | Path | None = None
    """A models.yaml that says where the run's models are asked, by their names; None: the default one."""
    unsafe: bool = False
    trust: bool = False


def config_for(run: "RunView", word: Word, cap: int | None) -> tuple[RunConfig, bool]:
    """Return the config that `run` goes on with, and whether it has still to be written as this person's.

    `cap` is the total that the person gives, in nano-dollars. Each difference to what a stranger's run says is told in a line.
    Raises UsageError where the person has to say more, before anything is sent or started.
    """
    taken = _config_for(run, word, cap)
    settings.confirm(run.folder.root.parent, trust=word.trust)
    return taken


def _config_for(run: "RunView", word: Word, cap: int | None) -> tuple[RunConfig, bool]:
    config = run.config
    if config.replay:  # nothing is sent or started
        return config, False
    own = is_own(run.folder.root)
    if own and word.models is None and not word.unsafe:
        confirm(run.task.python, trust=word.trust)
        return config, False
    models, unsafe = _models(run, word, own), word.unsafe or (own and config.unsafe)
    taken = replace(config, **order.terms(run.task, run.spec, models, config.history, unsafe=unsafe))
    confirm(run.task.python, trust=word.trust)
    if not own:
        taken = replace(taken, budget=_total(run, cap))
    for line in _differences(config, taken):
        _tell(line)
    return taken, True


def _total(run: "RunView", cap: int | None) -> int:
    """Have the ledger give a stranger's run what the person lets it spend in all, and return that in nano-dollars."""
    if run.run_id != run.folder.root.name:  # by its id the ledger knows a run, and by "" all of them
        raise UsageError(
            f"{run.folder.root}: the folder of a stranger's run has to bear its name, {run.run_id!r}"
        )
    said = run.ledger.cap(run.run_id)
    total = min(said, nano("budget", DEFAULTS["budget"])) if cap is None else cap
    run.ledger.take_over(run.run_id, total)
    _tell(f"run {run.run_id} {NOT_YOURS}: its sandbox, money, hosts and keys are yours to say")
    if total != said:
        spent = run.ledger.spent(run.run_id)
        _tell(
            f"it says ${said / NANO:.2f}: it may spend ${total / NANO:.2f} in all, of which ${spent / NANO:.4f} is spent"
            " (--budget, or extend(budget=…), gives another total)"
        )
    return total


def require_own(run: RunDir, config: RunConfig) -> None:
    """Raise UsageError for a stranger's run, where there is nobody to say more."""
    if not config.replay and not is_own(run.root):
        raise UsageError(f"run {run.run_id} {NOT_YOURS}: begin another, in a new thread")


def _models(run: "RunView", word: Word, own: bool) -> dict[str, ModelSpec]:
    """The models of the run: its own, or those that the person's file has under its names."""
    if own and word.models is None:
        return {name: ModelSpec(**model) for name, model in run.config.models.items()}
    mine = load_models(None if word.models is None else Path(word.models))
    file = "the default models.yaml" if word.models is None else str(word.models)
    for name in run.spec.models:
        said = _place(run.config.models.get(name, {}))
        has = _place(_written(mine[name])) if name in mine else ""
        if not has or (word.models is None and has != said):
            what = f"asks it {has}" if has else "does not have it"
            raise UsageError(
                f"run {run.run_id} {'' if own else f'{NOT_YOURS} and '}asks its model {name!r} {said}, but {file} {what}:"
                " say where it is to be asked, by --models FILE (models=FILE)"
            )
    return mine


def _differences(before: RunConfig, after: RunConfig) -> Iterator[str]:
    """Yield a line for each thing that is otherwise than the run says."""
    if before.unsafe != after.unsafe:
        sandbox = (
            "run without a sandbox"
            if after.unsafe
            else "run in the sandbox (--unsafe, unsafe=True: without one)"
        )
        yield f"it says unsafe: {str(before.unsafe).lower()}: its scripts {sandbox}"
    for name in (name for name in after.models if name in before.models):
        said, holds = before.models[name], after.models[name]
        if _place(said) != _place(holds):
            yield f"it asks its model {name!r} {_place(said)}: it is asked {_place(holds)}"
        if other := [field for field in TERMS if said.get(field) != holds.get(field)]:
            yield f"its model {name!r} is yours in {', '.join(other)}"
    if before.network != after.network:
        yield f"its task's scripts have {'the' if after.network else 'no'} network"


def _place(model: Mapping[str, Any]) -> str:
    """Where a model is asked, and with which key, in words; of a stranger's model, which may be anything."""
    params = model.get("params")
    inner = params.get("base_url", "") if isinstance(params, Mapping) else ""
    place = (
        " ".join(str(part) for part in (model.get("base_url"), model.get("chat"), inner) if part) or "nowhere"
    )
    key = model.get("key")
    where = EMBEDDED if place == EMBEDDED else f"at {place}"
    return visible(" ".join(f"{where} with {f'the key in {key}' if key else 'no key'}".split()))[:LONG]


def _written(model: ModelSpec) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_defaults=True)


def _tell(line: str) -> None:
    print(visible(f"budgetml: {line}"), file=sys.stderr)
