"""What a terminal tells of a run: who works, a short table at its end, what it may cost before it begins."""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budgetmlagent.records.steps import in_words, number, saw
from budgetmlagent.wording import counted
from memory.state import NANO

if TYPE_CHECKING:
    from budgetmlagent.records.events import Event


def rung(event: "Event", spec: Any) -> str:
    """Name the rung that a step made use of: a model that was asked, or what is remembered."""
    ladder = spec.nodes[event["node"]].ladder if event["node"] in spec.nodes else ()
    used = str(ladder[event["rung"]]) if ladder else ""
    if event["model"] or used == "recall":
        return used
    if event.role == "coder" and event["plan"].get("action") == "tune":
        return "code"
    return "memory" if event.role == "coder" and not event["fault"] else ""


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds: `1:05`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def ending(summary: Mapping[str, Any], graph: Any, width: int = 0) -> str:
    """Return the table at a run's end; what is longer than `width` columns goes on below itself, 0 means without end.

    `graph` is the run's, whose rules are said by their numbers and in words.
    """
    from budgetmlagent.records.summary import below_the_starter

    rows = [
        ("status", f"{summary['status']}: {summary['reason']}"),
        (
            "feedback score",
            f"{number(summary['baseline'])} → {number(summary['best'])} ({summary['scored_on']})",
        ),
        ("private score", f"{number(summary['private_baseline'])} → {number(summary['private_best'])}"),
        ("gain", _gain(summary)),
        ("money", f"${summary['usd']:.4f} of ${summary['budget']:.2f}, {counted(summary['calls'], 'call')}"),
        *_held(summary),
        *(_asked(summary) if summary["calls"] else ()),
        ("turns, steps", f"{summary['turns']}, {summary['steps']} in {summary['seconds']:.0f} s"),
        ("sandbox", str(summary["sandbox"])),
    ]
    rows += [
        (
            "escalation",
            f"step {e['step']}, {e['from']}: {in_words(e['from'], e['rule'], graph)}  {saw(e['saw'])}",
        )
        for e in summary["escalations"]
    ]
    rows += [("files", summary["run_dir"])]
    if summary["replayed"]:
        rows.insert(0, ("replayed", "from a recording; nothing was spent"))
    if worse := below_the_starter(summary):
        rows.insert(0, ("keep the starter", worse))
    return "\n".join(hanging(f"{name:15s} {text}", width, 16) for name, text in rows)


def hanging(row: str, width: int, column: int) -> str:
    """Break a row at words where it is longer than `width` (0: never); what goes on begins at `column`, as what it goes on with."""
    room = width or len(row) + 1
    return textwrap.fill(
        row, room, subsequent_indent=" " * column, break_long_words=False, break_on_hyphens=False
    )


def forecast(plan: Mapping[str, Any]) -> str:
    """Return what a run may cost at most."""
    lines = [f"{'sandbox':10s} {plan['sandbox']}", f"{'sends to':10s} {', '.join(plan['hosts']) or 'nobody'}"]
    lines += [f"{'by proxy':10s} {proxy}" for proxy in plan["proxies"]]
    facts = plan["sandbox_facts"]
    if facts.get("canaries"):
        held = ", ".join(f"{name} {became}" for name, became in facts["canaries"].items())
        lines.insert(1, f"{'probe':10s} {facts['binary'] or facts['rung']} {facts['version']}: {held}")
    if facts.get("limits"):
        kept = ", ".join(f"{name} by {who}" for name, who in facts["limits"].items())
        lines.append(f"{'limits':10s} {kept}")
    lines += [f"{node:10s} ladder: auto is {', '.join(ladder)}" for node, ladder in plan["ladders"].items()]
    lines += calls(plan)
    if plan["project_left_usd"] is not None:
        lines.append(f"{'project':10s} ${plan['project_left_usd']:.4f} left for all runs together")
    lines += [f"{node:10s} at most ${usd:.4f} a run" for node, usd in plan["node_budgets_usd"].items()]
    return "\n".join(lines)


def calls(plan: Mapping[str, Any]) -> list[str]:
    """Return a line for each model: what a call may cost at most, and how many of them the budget buys."""
    lines = []
    for name, spec in plan["models"].items():
        many, thinks = plan["calls"][name], plan["thinking_tokens"][name]
        room = f", with {thinks} tokens to think" if thinks else ""
        buys = "any number of calls" if many is None else f"{counted(many, 'call')} at the worst"
        lines.append(
            f"{name:10s} {spec['model']} at {spec['price']}: at most ${plan['worst_case_usd'][name]:.4f} a call{room}; "
            f"${plan['budget']:.2f} buys {buys}"
        )
    return lines


def _gain(summary: Mapping[str, Any]) -> str:
    if summary["gain_pct"] is None:
        return "unknown"
    from budgetmlagent.records.success import verdict
    from budgetmlagent.records.summary import gain_of

    return f"{gain_of(summary)} ({verdict(summary)}), brought by {summary['best_by'] or 'nothing'}"


def _held(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is held for requests whose outcome is unknown; a run of an older version does not say it."""
    from budgetmlagent.records.unknown import told

    if said := told(round(summary.get("usd_held", 0) * NANO), Path(summary["run_dir"])):
        yield "held", said


def _asked(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what models were asked for."""
    yield "by node", _money(summary["usd_by_node"], summary["tokens_by_node"])
    yield "by model", _money(summary["usd_by_model"], summary["tokens_by_model"])
    cached = f" ({summary['cached_tokens']} cached)"
    yield "tokens", f"{summary['tokens_in']} in{cached}, {summary['tokens_out']} out"


def _money(amounts: Mapping[str, float], tokens: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ${usd:.4f} ({tokens[name]} tokens)" for name, usd in amounts.items())
