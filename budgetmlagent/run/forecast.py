"""What a run may cost at most, told before there is one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budgetmlagent.models.client import limit_of
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import Endpoints, room_to_think
from budgetmlagent.models.faults.surroundings import shown_proxies
from budgetmlagent.money.place import existing
from budgetmlagent.money.prices import Price, input_bound
from budgetmlagent.money.report import project_left
from budgetmlagent.run import forgotten
from budgetmlagent.run.options import nano, settled
from budgetmlagent.run.order import plan
from budgetmlagent.run.request import Request
from budgetmlagent.tasks.folder import TaskFolder
from memory.state import NANO

LONGEST = 8_000  # bytes of prompt beside the task's text and starter: a rendered script, briefing and menu
OUTPUT = 2_400  # tokens: room for a script of that length, beside the room to think


def forecast(asked: Request) -> dict[str, Any]:
    """Return what a run may cost at most, without making a folder or spending anything. Raises what `plan` raises."""
    asked = settled(asked)
    order, together = plan(asked, to_run=False), asked.project_budget
    forgotten.refuse(Path(asked.runs_dir), capped=together is not None)
    cap = None if together is None else nano("project_budget", together)
    together = project_left(existing(Path(asked.runs_dir)), cap)
    left = order.config.budget if together is None else min(order.config.budget, max(together, 0))
    return {
        "models": {
            name: {
                "model": spec.model,
                "base_url": spec.base_url,
                "chat": spec.chat,
                "price": order.prices[name].id,
            }
            for name, spec in order.models.items()
        },
        "hosts": order.config.hosts,
        "proxies": [] if order.config.replay else shown_proxies(order.models.values()),
        **calls(order.task, order.models, order.prices, left),
        "ladders": {node: list(ladder) for node, ladder in order.ladders.items()},
        "sandbox": order.config.sandbox,
        "sandbox_facts": order.config.sandbox_facts,
        "budget": order.config.budget / NANO,
        "project_left_usd": None if together is None else together / NANO,
        "node_budgets_usd": {
            n: node.budget for n, node in order.spec.nodes.items() if node.budget is not None
        },
    }


def calls(
    task: TaskFolder, models: Mapping[str, ModelSpec], prices: Mapping[str, Price], left: int
) -> dict[str, dict[str, Any]]:
    """Return what a call to each model may cost at most in a run of `task`, and how many such calls `left` buys.

    `left` is in nano-dollars; any number of calls to a free model is None.
    """
    longest = task.text + "x" * (len(task.starter.encode()) + LONGEST)
    bound = input_bound([{"role": "user", "content": longest}], None)
    endpoints = Endpoints()
    known = {name: endpoints.of(spec) for name, spec in models.items()}
    limits = {name: limit_of(spec, known[name], OUTPUT) for name, spec in models.items()}
    worst = {name: price.worst_case(bound, limits[name]) for name, price in prices.items()}
    return {
        "worst_case_usd": {name: sum / NANO for name, sum in worst.items()},
        "thinking_tokens": {name: room_to_think(spec, known[name]) for name, spec in models.items()},
        "calls": {name: left // sum if sum else None for name, sum in worst.items()},
    }
