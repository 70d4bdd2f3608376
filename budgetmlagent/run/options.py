"""The options of a run: what is left open is the recorded run's, or the default; a value that no run can have is refused."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from budgetmlagent.errors import OptionError, UsageError
from budgetmlagent.foreign import visible
from budgetmlagent.instead import REPLAY
from budgetmlagent.models.approval import WHEN
from budgetmlagent.models.recorded import recorded_events
from budgetmlagent.records.rundir import RunConfig, RunDir
from budgetmlagent.run.request import DEFAULTS, Request
from budgetmlagent.settings import HISTORY, of_runs
from budgetmlagent.wording import one_of
from graphs.spec import GraphError, GraphSpec
from memory.artifacts import Artifacts, CorruptArtifactError
from memory.state import NANO

AIMS = ("success", "best")
WORDS = {
    bool: "True or False", Integral: "a whole number", Real: "a number", str: "a word", Path: "a path",
    GraphSpec: "a GraphSpec",
}  # fmt: skip
KINDS: dict[str, tuple[type, ...]] = {
    "task": (str, Path), "graph": (str, Path, GraphSpec), "models": (str, Path), "budget": (Real,), "turns": (Integral,),
    "seed": (Integral,), "history": (str,), "runs_dir": (str, Path), "unsafe": (bool,), "direction": (str,),
    "project_budget": (Real,), "approve": (str,), "above": (Real,), "minutes": (Real,), "aim": (str,), "trust": (bool,),
}  # fmt: skip
OPEN = (*DEFAULTS, "models", "direction", "project_budget", "minutes")  # what None leaves open


def settled(asked: Request) -> Request:
    """Return what is asked for with nothing left open, checked. Raises UsageError, naming the option."""
    for option, kinds in KINDS.items():
        _is_one_of(option, getattr(asked, option), kinds)
    for option, check in LIMITS.items():
        if (value := getattr(asked, option)) is not None:
            check(value)
    if asked.history not in (None, *HISTORY):
        raise OptionError("history", asked.history, one_of(HISTORY, asked.history))
    if asked.approve not in ("", *WHEN):
        raise OptionError("approve", asked.approve, one_of(WHEN, asked.approve))
    if asked.aim not in (None, *AIMS):
        raise OptionError("aim", asked.aim, one_of(AIMS, asked.aim))
    here = of_runs(Path(asked.runs_dir), trust=asked.trust)
    asked = replace(asked, models=here.get("models") if asked.models is None else asked.models)
    began = begun_with(folder) if (folder := recording(asked.models)) else DEFAULTS | here
    return replace(asked, **{name: value for name, value in began.items() if getattr(asked, name) is None})


def _is_one_of(option: str, value: Any, kinds: tuple[type, ...]) -> None:
    if value is None and option in OPEN:
        return
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise OptionError(option, value, f"{' or '.join(WORDS[kind] for kind in kinds)} is needed")


def nano(option: str, dollars: float) -> int:
    """Return dollars as nano-dollars. Raises OptionError for what is no sum of money."""
    if not isinstance(dollars, Real) or isinstance(dollars, bool) or not 0 <= dollars < 1e6:
        raise OptionError(option, dollars, "a number of dollars, 0 or more and below a million, is needed")
    if dollars and not round(dollars * NANO):
        raise OptionError(option, dollars, "a billionth of a dollar is the smallest sum, or 0 for none")
    return round(dollars * NANO)


def whole(option: str, value: int) -> int:
    """Return a number of turns. Raises OptionError for what is none."""
    _is_one_of(option, value, (Integral,))
    if value < 1:
        raise OptionError(option, value, "at least 1 is needed")
    return int(value)


def minutes(value: float) -> float:
    """Return a run's time. Raises OptionError for what is none."""
    _is_one_of("minutes", value, (Real,))
    if not 0 < value < 1e6:
        raise OptionError("minutes", value, "a number above 0 and below a million is needed")
    return float(value)


LIMITS: dict[str, Callable[[Any], object]] = {
    **{option: partial(nano, option) for option in ("budget", "project_budget", "above")},
    "turns": partial(whole, "turns"), "minutes": minutes,
}  # fmt: skip
"""By what each limit of a run is checked: raises OptionError for one that no run can have."""


def recording(models: str | Path | None) -> Path | None:
    """Return the folder of the recorded run that is to be replayed; None where none is. Raises UsageError for none there."""
    if not str(models).startswith(REPLAY):
        return None
    folder = Path(str(models)[len(REPLAY) :]).expanduser()
    if not (folder / "config.json").is_file():
        raise UsageError(f"models {REPLAY}{folder}: no recorded run there (config.json is missing)")
    return folder


def begun_with(folder: Path) -> dict[str, Any]:
    """Return what the recorded run in `folder` was begun with, as options.

    Raises UsageError and UnavailableError where it cannot be read.
    """
    config = RunDir(folder).config()
    told = {name: getattr(config, name) for name in ("turns", "seed", "history", "direction", "aim")}
    return {"graph": _graph(folder, config), "budget": config.budget / NANO, **told}


def _graph(folder: Path, config: RunConfig) -> GraphSpec | str:
    """The graph of its first step, as the run may have gone on under another; where that is not kept, the one of its name."""
    named = (event["graph"] for event in recorded_events(folder) if isinstance(event.get("graph"), str))
    try:
        first = next(named, None)
        text = Artifacts(folder / "artifacts").text(first) if first else ""
        return GraphSpec.parse(text, str(folder / "graph.yaml"), check=False)
    except (OSError, ValueError, CorruptArtifactError, GraphError):
        return config.graph


def tell_differences(config: RunConfig, spec: GraphSpec) -> None:
    """Say what a replay has otherwise than the recorded run, whose replies may then not fit."""
    if config.replay and (found := list(_differences(config, spec))):
        told = f"it was recorded with {', '.join(found)}; it may end where the recording differs"
        print(visible(f"budgetml: replay of {config.replay}: {told}"), file=sys.stderr)


def _differences(config: RunConfig, spec: GraphSpec) -> Iterator[str]:
    folder = Path(config.replay)
    task, began = RunDir(folder).config().task, begun_with(folder)
    if Path(task).name != Path(config.task).name:
        yield f"task {task}, not {config.task}"
    if spec != began.pop("graph"):
        yield "another graph"
    now = {"budget": config.budget / NANO} | {
        name: getattr(config, name) for name in began if name != "budget"
    }
    for name, was in began.items():
        if was is not None and now[name] != was:
            yield f"{name} {was}, not {now[name]}"
