"""What something costs at most, told before it is done; and the line of Python or the command that does the same."""

import shlex
from pathlib import Path
from typing import Any

from budgetmlagent.instead import REPLAY
from budgetmlagent.money.prices import price_of
from budgetmlagent.records import hints
from budgetmlagent.run.forecast import calls, forecast
from budgetmlagent.run.order import specs_of, used_models
from budgetmlagent.run.request import Request
from budgetmlagent.run.view import RunView
from budgetmlagent.studio.place import Place
from budgetmlagent.studio.protocol import DriveAsked, StartAsked
from budgetmlagent.studio.replies import Code, Price
from graphs.model import RECALL
from memory.state import NANO

FREE = "this costs nothing"


def price(place: Place, start: StartAsked | None, drive: DriveAsked | None) -> Price:
    """Return what a start or a drive costs at most. Raises what either raises before it begins."""
    if start:
        return _start(place, start)
    return (
        _drive(place.view(drive.run), drive)
        if drive
        else Price(usd=0.0, about=None, left=None, words=FREE, models=[], code=Code(python="", command=""))
    )


def _start(place: Place, asked: StartAsked) -> Price:
    request = Request(**asked.model_dump(exclude={"go", "once"}), runs_dir=place.runs_dir)
    told = forecast(request)
    left = told["project_left_usd"]
    replayed = str(asked.models or "").startswith(REPLAY)
    most = told["budget"] if left is None else min(told["budget"], max(0.0, left))
    free = replayed or not any(told["worst_case_usd"].values())
    usd = 0.0 if free else most
    words = (
        "a replay: no dollar is spent"
        if replayed
        else FREE
        if free
        else f"at most {_dollars(usd)}: the budget is a hard cap"
    )
    return Price(
        usd=usd, about=None, left=left, words=words, models=_models(told), code=started(asked, place.runs_dir)
    )


def _models(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name, "model": model["model"], "host": model["base_url"],
            "worst_case_usd": told["worst_case_usd"][name], "calls": told["calls"][name],
        }
        for name, model in told["models"].items()
    ]  # fmt: skip


def _drive(view: RunView, asked: DriveAsked) -> Price:
    left = max(0, view.ledger.left(view.run_id)) / NANO
    about = None
    if asked.action == "step" and asked.step is None:
        usd, words, about = _step(view, left)
    else:
        usd, words = _most(view, asked, left)
    if view.config.replay and usd:
        usd, words, about = 0.0, "a replay: no dollar is spent", None
    return Price(
        usd=usd, about=about, left=left, words=words, models=[], code=driven(asked, view.folder.root.parent)
    )


def _most(view: RunView, asked: DriveAsked, left: float) -> tuple[float, str]:
    """Return the most that an action may cost, in dollars and in words."""
    if asked.action in ("pause", "stop", "back"):
        return 0.0, FREE
    if asked.action in ("fork", "graph", "extend", "decline") and not asked.go:
        return 0.0, f"{FREE}; going on may"
    if asked.action == "extend":
        more = left if asked.budget is None else max(0.0, asked.budget - view.cost.usd)
        return more, f"at most {_dollars(more)}, what the new total leaves"
    if asked.action == "approve" and not asked.go and (question := view.question):
        return question["usd"], f"at most {_dollars(question['usd'])} for this call of {question['model']}"
    return left, f"at most {_dollars(left)}, what is left of the budget"


def _step(view: RunView, left: float) -> tuple[float, str, float | None]:
    """Return the most that the next step may cost, that in words, and what it costs at most with a prompt of usual length.

    How long its prompt is is known when it is asked. Then the ledger reserves no more than is left, to the run and to a node with a
    budget of its own, so that is the most.
    """
    node = view.spec.nodes.get(view.next)
    if node is None or not node.ladder:
        return 0.0, f"{view.next} asks no model: {FREE}", None
    rung = node.ladder[min(view.state.rungs.get(view.next, 0), len(node.ladder) - 1)]
    if rung == RECALL:
        return 0.0, f"{view.next} only remembers: {FREE}", None
    of = "what is left"
    if node.budget is not None:
        own = max(0, view.ledger.left(view.run_id, view.next, round(node.budget * NANO))) / NANO
        left, of = (own, f"what is left of {view.next}'s own budget") if own < left else (left, of)
    models = used_models(view.spec, specs_of(view.config))
    prices = {name: price_of(spec) for name, spec in models.items()}
    about = calls(view.task, models, prices, round(left * NANO))["worst_case_usd"][rung]
    if not about:
        return 0.0, f"{view.next} asks {rung}, whose price is 0", None
    usual = f"; about {_dollars(about)} for a prompt of usual length" if about < left else ""
    words = f"{view.next} asks {rung} once, or nobody: at most {_dollars(left)}, {of}{usual}"
    return left, words, about if about < left else None


def _dollars(usd: float) -> str:
    return f"${usd:.4f}"


def started(asked: StartAsked, runs_dir: Path) -> Code:
    """Return how the same run is begun in Python and on the command line."""
    given = {
        name: value
        for name, value in asked.model_dump(exclude={"go", "once", "task"}).items()
        if value != StartAsked.model_fields[name].default
    }
    arguments = ", ".join([repr(asked.task), *(f"{name}={value!r}" for name, value in given.items())])
    run = ".run()" if asked.go else ""
    flags = " ".join(
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
        for name, value in given.items()
    )
    typed = ["budgetml run", shlex.quote(asked.task), flags, hints.among(runs_dir)]
    return Code(
        python=f"from budgetmlagent import Session\nrun = Session({arguments}{hints.kept_in(runs_dir)}){run}",
        command=" ".join(filter(None, typed)) if asked.go else "",
    )


def driven(asked: DriveAsked, runs_dir: Path) -> Code:
    """Return how the same is done in Python, and on the command line where that can."""
    run, go = runs_dir / asked.run, ("\nrun.run()" if asked.go else "")
    back = f"run.goto({asked.step})\n" if asked.step is not None else ""
    totals = {k: v for k in ("budget", "turns", "minutes") if (v := getattr(asked, k)) is not None}
    said = ", ".join(f"{k}={v!r}" for k, v in totals.items())
    flags = " ".join(f"--{k} {v}" for k, v in totals.items())
    until = next((v for v in (asked.until_node, asked.until_step) if v is not None), None)
    if asked.until_rule:
        stop = f"run.run(until=lambda event: event.route['rule'] == {asked.until_rule!r})"
    else:
        stop = f"run.run(until={until!r})"
    edits = ", ".join(
        [
            f"replies={asked.replies!r}",
            *([said] if said else []),
            *(f"{k}={v!r}" for k, v in asked.fields.items()),
        ]
    )
    python, command = {
        "step": ("run.step()", ""),
        "run": ("run.run()", "" if back else hints.command("resume", run)),
        "until": (stop, ""),
        "pause": ("run.pause()", ""),
        "stop": ("# an interrupt: Ctrl-C where it runs", ""),
        "approve": (f"run.approve(){go}", hints.command("resume", run, "--approve yes") if asked.go else ""),
        "decline": (
            f"run.approve(False){go}",
            hints.command("resume", run, "--approve no") if asked.go else "",
        ),
        "extend": (f"run.extend({said}){go}", hints.command("resume", run, flags) if asked.go else ""),
        "back": ("run.stay()", ""),
        "fork": (f"fork = run.fork({edits})" + ("\nfork.run()" if asked.go else ""), ""),
        "graph": (f"run.graph = GraphSpec.load('GRAPH.yaml'){go}", ""),
    }[asked.action]
    opened = f"from budgetmlagent import Session\nrun = {hints.opened(run)}\n"
    return Code(python=f"{opened}{back}{python}", command=command)
