"""Looking: a run as it stands, one step of it in full, two runs side by side."""

import json
import time
from dataclasses import replace
from difflib import unified_diff
from shlex import quote
from typing import Any

from budgetmlagent.errors import UnavailableError
from budgetmlagent.money.ledger import PAID
from budgetmlagent.money.report import calls_of
from budgetmlagent.records import advice, events, hints, live, steps
from budgetmlagent.records.events import Event
from budgetmlagent.records.owner import is_own
from budgetmlagent.records.points import Point
from budgetmlagent.records.rundir import RunDir
from budgetmlagent.records.summary import UNFINISHED
from budgetmlagent.run.shown import Changes, plain, says
from budgetmlagent.run.view import RunView
from budgetmlagent.studio import money
from budgetmlagent.studio.cards import cards
from budgetmlagent.studio.replies import (
    BranchRow,
    Change,
    Code,
    Flight,
    Live,
    Passed,
    RunReply,
    StepReply,
    Supply,
    Told,
)
from budgetmlagent.studio.rows import edited, rule_of, run_row, standing, step_row, worded
from budgetmlagent.studio.snapshot import Snapshot
from graphs.contract import roles_of
from graphs.policy import END, decide
from graphs.registry import load_predicate
from graphs.words import said
from memory.artifacts import CorruptArtifactError
from memory.state import Fault

LONG = 400_000  # characters of a text that are sent
EDITABLE = (
    "turn",
    "plan",
    "script",
    "advice",
    "rungs",
    "counts",
    "best",
    "fault",
    "notes",
    "task",
    "run",
    "head",
    "spent",
)


def run(now: Snapshot, since: int = 0, ours: bool = False) -> RunReply:
    """Return a run as it stands, with its steps after `since`. Raises UnavailableError where it is damaged."""
    view, rows, state = now.view, [step.row for step in now.steps], now.state
    row = run_row(view.folder)
    row["usd"], row["steps"], row["turn"] = now.usd, len(rows), state.turn
    row["baseline"], row["best"] = state.task.get("baseline"), state.best.get("score")
    row["budget"] = view.ledger.cap(view.run_id) / 1e9
    question = view.question
    if question and row["stands"] in ("stopped", "new"):
        row["stands"] = "waits"
    return RunReply(
        row=row,
        live=living(view.folder, now.next, ours, waits=bool(question)),
        question=question and question | {"declined": refused(now)},
        at=now.at,
        next=now.next,
        ended=ended(now),
        graph=cards(view.spec, now.timeline, state.rungs),
        graph_text=now.read.graph,
        steps=[each for each in rows if each["step"] > since],
        branches=[
            BranchRow(name=b.name, steps=b.last, split=b.split, current=b.name == view.branches.branch)
            for b in view.branches.named
        ],
        money=money.of_run(now),
        curve=[point for point in curve(rows) if point["step"] > since],
        state=fields(now),
        edits=edited(events.newest_edits(now.path)),
        summary=now.summary,
        code=Code(
            python=f"from budgetmlagent import Session\nrun = {hints.opened(view.folder.root)}",
            command=hints.command("show", view.folder.root),
        ),
    )


def ended(run: Snapshot) -> str:
    """Say why a run has come to its end; "" where it has not.

    One that an edited graph ends has not been told so itself: nobody has gone on with it since.
    """
    if run.next != END:
        return ""
    reason = str(run.summary["reason"])
    return "the graph as it is now ends it here" if reason == UNFINISHED else reason or "at its end"


def living(folder: RunDir, node: str, ours: bool, *, waits: bool = False) -> Live:
    """Return whether somebody goes on with a run now, and what it waits for."""
    held = live.holder(folder)
    stands, _ = standing(folder, "waits for your word" if waits else "")
    return Live(
        stands=stands,
        pid=held.pid if held and held.here else None,
        since=held.since if held else None,
        node=node,
        flight=_flight(folder, held.since) if held else None,
        pausing=bool(held) and live.pausing(folder.root),
        ours=ours,
    )


def _flight(folder: RunDir, since: float) -> Flight | None:
    """Return the newest call of whoever holds the run, where its outcome is unknown."""
    calls = [
        c for c in calls_of(folder.ledger, folder.run_id) if c["created"] >= since and c["price"] != PAID
    ]
    if not calls or calls[-1]["closed"] is not None:
        return None
    call = calls[-1]
    return Flight(
        id=call["id"], step=call["step"], node=call["node"], model=call["model"], created=call["created"],
        usd_reserved=call["usd_worst"],
    )  # fmt: skip


def refused(run: Snapshot) -> dict[str, str]:
    """Return where it leads to decline the call that waits: the node, and the rule that says so.

    That imports the rules' predicates, so of a run that was begun elsewhere it is not told.
    """
    node, state, spec = run.next, run.state, run.view.spec
    if node not in spec.nodes or not is_own(run.view.folder.root):
        return {"to": "", "rule": "", "words": ""}
    after = replace(state, fault=Fault(kind="declined", detail="a person declined the call"))
    route, _ = decide(node, spec.rules_of(node), after, spec.ladders, load_predicate, roles_of(spec))
    return {"to": route["to"], "rule": route["rule"], "words": worded(spec, node, route["rule"])}


def curve(rows: Any) -> list[dict[str, Any]]:
    """Return score and money over the steps."""
    told, usd = [], 0.0
    for row in rows:
        usd += row["usd"]
        told.append({"step": row["step"], "score": row["score"], "best": row["best"], "usd": round(usd, 9)})
    return told


def fields(run: Snapshot) -> dict[str, Any]:
    """Return the state's fields that a fork can change; texts in the place of their artifacts' ids."""
    state, told = run.state, dict[str, Any]()
    for name in EDITABLE:
        value = getattr(state, name)
        told[name] = _text(run.view, value) if name in ("script", "advice") and value else value
    return told


def step(view: RunView, number: int, branch: str = "") -> StepReply:
    """Return one step; only its own points are read. Raises UsageError for an unknown one."""
    points = view.branches.around(number, branch)
    calls = view.calls
    (event,) = events.timeline(points, calls)
    before, after = points[-2], points[-1]
    made = [call for call in calls if call["task"] in before.tasks]
    was, now = before.values, after.values
    script, old = now.get("script", ""), points[0].values.get("script", "")
    named = {
        mark.step
        for mark in view.branches.saver.way(branch or view.branches.branch)
        if mark.loop and mark.step > 0
    }
    return StepReply(
        row=step_row(view, event, after.ts, any(call["price"] in (PAID, "recorded") for call in made)),
        prompt=_messages(view, event.prompt),
        reply=_told(view, event.reply),
        calls=made,
        state=[
            Change(field=name, before=one, after=other)
            for name, one, other in Changes(
                {k: (was.get(k), v) for k, v in now.items() if v != was.get(k)}
            )._table()[1]
        ],
        script=_told(view, script),
        script_diff=_diff(view, old, script),
        output=_told(view, now.get("run", {}).get("output") if event.execution else None),
        history=[_supply(view, item) for item in was.get("history", [])],
        rules=_rules(view, event),
        advised=_advised(view, event, points),
        edits=list(event.edits),
        around=[step for step in (number - 1, number + 1) if step in named],
        code=Code(
            python=f"run.why({number})\nrun.diff({number})",
            command=hints.command("why", view.folder.root, str(number)),
        ),
    )


def _advised(view: RunView, event: Event, points: list[Point]) -> str:
    """Say where the idea of a step comes from; of an expert's own that takes the steps before it."""
    own = event["plan"].get("action") == "expert" and event.role == "planner"
    return advice.chosen_at(event, view.timeline if own else [event], view.artifacts) if points else ""


def _rules(view: RunView, event: Event) -> list[Passed]:
    route = event.route
    tried = [(passed, False) for passed in route["passed"]] + [(route, True)]
    told = []
    for each, fired in tried:
        rule = rule_of(view.spec, event.node, each["rule"])
        told.append(
            Passed(
                rule=each["rule"],
                words=said(rule) if rule else each["rule"],
                saw=steps.saw(each["saw"]),
                fired=fired,
            )
        )
    return told


def _messages(view: RunView, prompt: str | None) -> list[dict[str, Any]]:
    if not prompt:
        return []
    try:
        messages = view.artifacts.json(prompt)["messages"]
    except (FileNotFoundError, CorruptArtifactError, LookupError, TypeError) as error:
        return [{"role": "", **_cut(f"cannot be read: {error}")}]
    return [{"role": str(m.get("role", "")), **_cut(_plain(m.get("content", "")))} for m in messages]


def _plain(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _told(view: RunView, name: str | None) -> Told | None:
    return _cut(_text(view, name)) if name else None


def _text(view: RunView, name: str) -> str:
    try:
        return view.artifacts.text(name)
    except (FileNotFoundError, CorruptArtifactError, UnicodeDecodeError) as error:
        return f"cannot be read: {error}"


def _cut(text: str) -> Told:
    return Told(text=text[:LONG], whole=len(text))


def _diff(view: RunView, old: str, new: str) -> list[str]:
    if not new or old == new:
        return []
    before, after = (_text(view, name)[:LONG].splitlines() if name else [] for name in (old, new))
    return list(unified_diff(before, after, "before", "after", lineterm=""))


def _supply(view: RunView, item: dict[str, Any]) -> Supply:
    try:
        content = view.artifacts.json(item["id"])
        told = says(content) if isinstance(content, dict) else ""
    except (FileNotFoundError, CorruptArtifactError) as error:
        told = f"cannot be read: {error}"
    return Supply(
        id=item["id"],
        kind=item["kind"],
        source=item["source"],
        similarity=item["similarity"],
        says=plain(told),
    )


def compare(one: RunView, other: RunView) -> dict[str, Any]:
    """Return two runs side by side: what `budgetml diff` says, and the curve of each. Raises UsageError for two tasks."""
    try:
        told = one.compare(other).as_json()
    except (FileNotFoundError, CorruptArtifactError) as error:
        raise UnavailableError(f"{one.run_id} and {other.run_id} cannot be compared: {error}") from None
    code = Code(
        python=f"{hints.opened(one.folder.root)}.compare({other.run_id!r})",
        command=hints.command("diff", one.folder.root, quote(other.run_id)),
    )
    return told | {
        "curves": [curve([step.row for step in Snapshot.of(run).steps]) for run in (one, other)],
        "code": code,
        "time": time.time(),
    }
