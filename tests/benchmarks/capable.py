"""What a capable model is asked at each turn of a long run that never was: for `prefix.py`, which measures the prompts.

The data and its briefing are of the bundled task `flights`, the best script is the first of the bank's cases for it, and
each turn adds an attempt with a long instruction, of which every seventh is a new best.
"""

import importlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import memory
from budgetmlagent import testing
from budgetmlagent.tasks.folder import load_task
from memory.cases import as_item, load_cases, menu
from memory.state import RunState
from nodes.able import Able
from nodes.coder import coder
from nodes.craft.render import render
from nodes.deps import Deps, Here
from nodes.expert import expert
from nodes.planner import planner

BYTES = 3  # of a token
CAN = Able(plans="free", lines=300, edits=True, window=128_000)
ASKED = {
    "planner": (
        planner,
        json.dumps({"action": "improve", "case": "", "change": "", "instruction": "Use less."}),
    ),
    "coder": (coder, "```python\nprint('none')\n```"),
    "expert": (expert, "1. Use less."),
}
WHAT = (
    "Add the mean air time of each pair of origin and destination, smoothed with 20 rows of the whole mean, and the ratio of the"
    " distance to it; fit LightGBM with 800 rounds at 0.03 on the residuals of a line through the distance, number {turn}."
)
ENDS: tuple[dict[str, Any], ...] = (
    {"status": "discard", "score": 7.31},
    {"status": "crash", "fault": "time", "problem": "the script was stopped: it went over its limit of time (60 s); let it do less"},
    {"status": "crash", "fault": "crash", "problem": "KeyError: 'route' (line 31: means = train.groupby('route').air_time.mean())"},
    {"status": "discard", "score": 7.4},
)  # fmt: skip


@cache
def facts() -> tuple[dict[str, Any], str]:
    """Return the briefing of the task, as the sandbox would make it, and the script of its first case."""
    task, program = load_task("flights"), importlib.import_module("budgetmlagent.inside.briefing.__main__")
    meta = {key: getattr(task, key) for key in ("name", "text", "metric", "direction", "starter", "data")}
    with TemporaryDirectory() as folder:
        (Path(folder) / "submission.csv").write_bytes((task.scoring / "answers.csv").read_bytes())
        found = program.plain(program.brief(task.env, Path(folder), meta))
    found["machine"] |= {"gpu": False, "network": False}
    bank = [
        as_item(case) for case in menu(load_cases(Path(memory.__file__).parent / "cases"), found["kinds"])
    ]
    first = next(case for case in bank if case.get("template"))
    return found, render(first, found, seed=0, seconds=60)


def prompts(role: str, turns: Iterable[int]) -> list[str]:
    """Return what the role is asked at each of these turns."""
    node, reply = ASKED[role]
    asked = []
    for turn in turns:
        state, deps = at(role, turn, reply)
        node(state, deps)
        asked.append("".join(f"## {m['role']}\n{m['content']}\n" for m in deps.models.asked[0]["messages"]))
    return asked


def at(role: str, turn: int, reply: str) -> tuple[RunState, Deps]:
    """Return the state before a turn, and what the role is given there."""
    task, (found, script) = load_task("flights"), facts()
    artifacts = testing.MemoryArtifacts()
    attempts = [attempt(artifacts, past, script) for past in range(turn)]
    given = testing.Task(
        name=task.name, text=task.text, metric=task.metric, direction=task.direction, seconds=task.seconds,
        allowed=task.allowed(), starter=task.starter, rows=True,
    )  # fmt: skip
    told = {
        "turns": turn + 9,
        "budget": 10**9,
        "direction": task.direction,
        "briefing": artifacts.put_json(found),
    }
    plan = {"action": "improve", "instruction": WHAT.format(turn=turn), "case": "", "by": "m"}
    here = Here(node=role, role=role, prompt=f"{role}.free", model="m", ladder=("m",), step=4 * turn)
    history = testing.MemoryHistory(artifacts)
    deps = testing.deps(
        models=testing.ScriptedModels(reply, can=CAN),
        artifacts=artifacts,
        task=given,
        here=here,
        history=history,
    )
    return testing.state(artifacts, *attempts, task=told, turn=turn - 1, plan=plan), deps


def attempt(artifacts: testing.MemoryArtifacts, turn: int, script: str) -> dict[str, Any]:
    """Return what the run tried at a turn; at turn 0 the starter."""
    end = {"status": "keep", "score": 8.0 - turn / 50} if turn % 7 == 0 else ENDS[turn % len(ENDS)]
    text = f"{script}# {turn}\n"
    failed = end["status"] == "crash"
    record = {
        "script": artifacts.put(text), "exit": 1 if failed else 0, "seconds": 12.0 + turn, "output": "",
        "tail": "".join(f"fold {i}: {7.2 + i / 10} after {100 * i} rounds\n" for i in range(40)),
    }  # fmt: skip
    plan = {"action": "improve" if turn else "baseline", "instruction": WHAT.format(turn=turn)}
    made = {
        "score": None,
        "script": text,
        "turn": turn,
        "plan": plan,
        "execution": artifacts.put_json(record),
    }
    return made | {"score_before": 8.0} | end
