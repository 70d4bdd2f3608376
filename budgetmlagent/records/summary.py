"""What a run leaves behind, projected from its three stores: `run.json`, `results.tsv` and `best/`."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budgetmlagent.money.ledger import PAID
from budgetmlagent.records import events, unknown
from budgetmlagent.records.events import Event
from budgetmlagent.records.rundir import RunConfig, RunDir, as_json, damaged, read_json
from budgetmlagent.records.success import GOAL, yardstick_of
from budgetmlagent.tasks.folder import TaskFolder
from memory.artifacts import Artifacts
from memory.attempts import Attempt, Execution, chain, doubt, status
from memory.scores import percent_better
from memory.state import NANO
from nodes.deps import OUTAGES, REPLY_FAULTS

UNFINISHED = "not finished"  # the reason of a run that has not come to its end, as far as it was told itself
BEST = "best"  # the folder of the winning script and of what it left
SURE = 2.0  # standard errors by which the gain must be larger than nothing
TOLD = ("faulted", "given_up", "nothing_recalled")  # rules whose reason is in what the step before says
# Why a run ends whose last plans were averages.
AVERAGED = {"turns": "out_of_turns", "finish": "wants", "refused": "out_of_budget"}
NO_USE = "no model ever gave a usable reply"
REASONS = {
    "out_of_turns": "all turns are used",
    "out_of_budget": "what is left of the budget does not pay for the next call",
    "wants": "the planner finished",
    "nothing_recalled": "memory has no untried case",
    "missed": "the model gave no usable reply",
    "baseline_failed": "the starter gave no score",
    "reached": "the aim is met",
    "vain": "the goal is met, and another try is unlikely to bring more",
    "hopeless": "no new script has run, and most of the turns or of the money is used",
}


@dataclass(frozen=True)
class Record:
    """What the projections are made from: the run's three stores, read."""

    config: RunConfig
    folder: RunDir
    task: TaskFolder
    artifacts: Artifacts
    calls: Sequence[Mapping[str, Any]]
    values: Mapping[str, Any]  # the newest state
    timeline: Sequence[Event]


def build(record: Record) -> dict[str, Any]:
    """Return the JSON object of the contract."""
    config, task, calls = record.config, record.task, record.calls
    values, timeline = record.values, record.timeline
    ended, final = read_json(record.folder.root / "ended.json"), final_of(record.folder, values)
    sent = [c for c in calls if c["price"] != PAID]  # a reply that was paid for before is no request
    moves = events.escalations(timeline)
    roles = {event.node: event.role for event in timeline}  # a node of no step there is what it is called
    gain = percent_better(final.get("private_baseline"), final.get("private_best"), task.direction)
    return {
        "run_id": config.run_id,
        "task": task.name,
        "graph": config.graph,
        "models": {name: spec.get("model") for name, spec in config.models.items()},
        "seed": config.seed,
        "status": ended.get("status", "stopped"),
        "reason": ended.get("reason", UNFINISHED),
        "metric": task.metric,
        "direction": task.direction,
        "baseline": values.get("task", {}).get("baseline"),
        "best": values.get("best", {}).get("score"),
        "private_baseline": final.get("private_baseline"),
        "private_best": final.get("private_best"),
        "yardstick": yardstick_of(task) if final else None,
        "gain_pct": gain,
        "gain_se_pct": noise_percent(final),
        "noise_hidden": bool(final.get("noise_hidden")),
        "success": gain is not None and gain >= GOAL and is_sure(final),
        "feedback": "reported" if scored_on(record) == "reported" else "public",
        "scored_on": scored_on(record),
        "usd": sum(c["usd_nano"] for c in calls) / NANO,
        "usd_held": unknown.held(calls) / NANO,
        "usd_by_node": {name: nano / NANO for name, nano in _sums(calls, "node", "usd_nano").items()},
        "usd_by_model": {name: nano / NANO for name, nano in _sums(calls, "model", "usd_nano").items()},
        "tokens_by_node": _sums(calls, "node", "tokens_in", "tokens_out"),
        "tokens_by_model": _sums(calls, "model", "tokens_in", "tokens_out"),
        "calls": len(sent),
        "calls_by_model": {m: sum(c["model"] == m for c in sent) for m in sorted({c["model"] for c in sent})},
        "tokens_in": sum(c["tokens_in"] for c in calls),
        "tokens_out": sum(c["tokens_out"] for c in calls),
        "cached_tokens": sum(c["cached"] for c in calls),
        "expert_calls": sum(roles.get(c["node"], c["node"]) == "expert" for c in sent),
        "escalations": moves,
        "turns": values.get("turn", 0),
        "steps": len(timeline),
        "cut_short_by": cut_short_by(timeline),
        "seconds": ended.get("seconds", 0.0),
        "budget": values.get("task", {}).get("budget", config.budget) / NANO,
        "aim": config.aim,
        "best_by": best_by(values, record.artifacts),
        "sandbox": config.sandbox,
        "sandbox_facts": config.sandbox_facts,
        "integrity": ended.get("integrity") or final.get("integrity"),
        "history": config.history,
        "replayed": bool(config.replay),
        "fork": config.fork,
        "hosts": config.hosts,
        "run_dir": str(record.folder.root),
    }


def scored_on(record: Record) -> str:
    """Name what the scores during the run are of: "public" answers, rows "held-out" by budgetml, or what was "reported"."""
    best = record.values.get("best")
    if record.task.feedback != "reported" or not best:
        return record.task.feedback
    return "reported" if Attempt.read(record.artifacts, best["attempt"]).reported else "held-out"


def final_of(folder: RunDir, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the private scores that the state's best was given; empty where there are none but of an earlier end."""
    final = read_json(folder.root / "final.json")
    return final if final.get("attempt") == values.get("best", {}).get("attempt") else {}


def _sums(calls: Sequence[Mapping[str, Any]], key: str, *amounts: str) -> dict[str, int]:
    """Return the sum of `amounts` over the calls of each node or model, as `key` says."""
    names = sorted({c[key] for c in calls})
    return {name: sum(c[a] for c in calls if c[key] == name for a in amounts) for name in names}


def noise_percent(final: Mapping[str, Any]) -> float | None:
    """Return the standard error of the private gain in percent of the baseline; None where it is unknown."""
    base, noise = final.get("private_baseline"), final.get("private_noise")
    return round(100.0 * noise / abs(base), 2) if base and noise is not None else None


def is_sure(final: Mapping[str, Any]) -> bool:
    """Whether the private scores differ by more than chance makes likely; an unknown noise is none, unless it was hidden."""
    base, best = final["private_baseline"], final["private_best"]
    return not final.get("noise_hidden") and bool(
        abs(best - base) > SURE * (final.get("private_noise") or 0.0)
    )


def gain_of(summary: Mapping[str, Any]) -> str:
    """Return a run's gain with its noise, as `+21.8% ± 2.7`; "unknown" where there is none."""
    gain, error = summary["gain_pct"], summary.get("gain_se_pct")
    if gain is None:
        return "unknown"
    return f"{gain:+.1f}%" + ("" if error is None else f" ± {error:.1f}")


def best_by(values: Mapping[str, Any], artifacts: Artifacts) -> str:
    """Name what brought the best: "starter", "memory" or the model that wrote it."""
    if not values.get("best"):
        return ""
    return Attempt.read(artifacts, values["best"]["attempt"]).plan.get("wrote") or "starter"


def nothing_came(record: Record) -> bool:
    """Tell whether no model has ever replied and the starter is still the best: there is nothing to deliver."""
    return best_by(record.values, record.artifacts) == "starter" and not any(c["reply"] for c in record.calls)


def below_the_starter(summary: Mapping[str, Any]) -> str:
    """Say that what a run delivers is worse than what it began with, "" where it is not."""
    gain, noise = summary["gain_pct"], summary.get("gain_se_pct")
    if gain is None or gain >= 0:
        return ""
    doubt = f", within the noise of ±{noise:g}%" if noise and -gain <= noise else ""
    return f"the best of this run is {-gain:g}% worse than it on answers that it never saw{doubt}"


def reason(values: Mapping[str, Any]) -> str:
    """Say why a run came to its end: what the provider answered, or else the rule that ended it, in words.

    Of money it says which budget it was.
    """
    rule, fault = str(values.get("route", {}).get("rule", "")), values.get("fault", {})
    if fault.get("kind") in OUTAGES:
        return str(fault["detail"])
    word = rule.split(" ", maxsplit=1)[0]
    if fault.get("kind") in ("no_turn", "declined", "nothing_recalled") and word in TOLD:
        return str(fault["detail"])
    if word == "given_up":
        word = "out_of_budget" if fault.get("kind") == "refused" else "missed"
    word = AVERAGED.get(values.get("plan", {}).get("after", ""), word)
    words = REASONS.get(word, rule)
    if fault.get("kind") == "thought":
        return f"{words}: {fault['detail']}; give it more `max_tokens`, or less `reasoning`, in models.yaml"
    return f"{words}: {fault['detail']}" if fault.get("kind") == "refused" or word == "missed" else words


def ending(record: Record) -> str:
    """Say why a run came to its end, and what a reader should know of it: no reply was of use, or money is held.

    Where it was the run's own budget that refused a call, also how to go on with more.
    """
    values, root = record.values, record.folder.root
    said = [reason(values)]
    if no_use(record.timeline):
        said.append(NO_USE)
    fault = values.get("fault", {})
    if fault.get("kind") == "refused" and (held := unknown.of_run(record.calls, root)):
        said.append(held)
        if fault.get("cap") == "run":
            more = unknown.resumed(record.calls, values["task"].get("budget", record.config.budget), root)
            said.append(f"`{more}` goes on with more")
    return "; ".join(said)


def no_use(timeline: Sequence[Event]) -> bool:
    """Tell whether models were asked, and none ever gave a reply that could be read."""
    asked = [event for event in timeline if event.calls]
    return bool(asked) and all(event.fault.get("kind") in (*REPLY_FAULTS, "unparsable") for event in asked)


def cut_short_by(timeline: Sequence[Event]) -> str:
    """Name whose budget kept a run from what it would have done: "project", "run" or "node"; "" for none.

    That of all runs, wherever it refused a call, as the same run would have been another with more of it. That of the run, or of
    a node, where it refused the last call: before, the graph went on with what could be paid for, as it is meant to.
    """
    caps = [event.fault.get("cap", "") for event in timeline if event.calls or event.fault.get("cap")]
    return "project" if "project" in caps else "".join(caps[-1:])


def read_summary(path: Path) -> dict[str, Any]:
    """Read a run.json. Raises UnavailableError where it is damaged."""
    whole = read_json(path)
    named = all(isinstance(whole.get(key), str) for key in ("run_id", "graph", "status"))
    priced = isinstance(whole.get("usd"), int | float)
    if not (named and priced and isinstance(whole.get("gain_pct"), int | float | None)):
        raise damaged(path, "it lacks what every summary has")
    return whole


def projections(record: Record) -> dict[str, bytes]:
    """Return all that is made from the run's stores: the name of each file in the run's folder and its content."""
    artifacts, best = record.artifacts, record.values.get("best")
    files = {
        "run.json": as_json(build(record)),
        "events.jsonl": events.as_file(record.timeline),
        "results.tsv": _results(list(chain(artifacts, record.values.get("head", "")))[::-1]),
    }
    if best:
        attempt = Attempt.read(artifacts, best["attempt"])
        left = Execution.of(artifacts.json(attempt.execution)).files
        files |= {f"{BEST}/train.py": artifacts.read(attempt.script)}
        files |= {f"{BEST}/{name}": artifacts.read(id) for name, id in left.items()}
    return files


def write(record: Record) -> dict[str, Any]:
    """Write every projection of the run and return the JSON object."""
    files = projections(record)
    for old in (record.folder.root / BEST).glob("*"):
        if f"{BEST}/{old.name}" not in files:
            old.unlink()  # of a best that was gone back from
    for name, content in files.items():
        record.folder.write_bytes(name, content)
    whole: dict[str, Any] = json.loads(files["run.json"])
    return whole


def _results(tried: Sequence[Attempt]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(["step", "score", "seconds", "dollars", "status", "plan"])
    for a in tried:
        score = "" if a.score is None else f"{a.score:.6g}"
        plan = " ".join(f"{a.plan.get('action', '')}: {a.plan.get('instruction', '')}".split())[:200]
        told = f"{plan} ({doubt(a)})" if doubt(a) else plan
        table.writerow([a.step, score, f"{a.seconds:.1f}", f"{a.cost / NANO:.6f}", status(a), told])
    return text.getvalue().encode()
