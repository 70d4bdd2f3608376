"""Two runs of the whole program at an endpoint, the second knowing what the first found out, and what is to be seen of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tiny
from endpoints import KINDS
from fault_server import FaultServer
from manners import answering

from budgetmlagent import Session
from budgetmlagent.errors import BudgetMLError
from memory.state import NANO

GRAPH = Path(__file__).with_name("asked_all.yaml")
ROLES = {"planner", "coder", "expert"}
TURNS, BUDGET = 2, 1.0
REFUSED = ("HTTP 400", "HTTP 422")  # how the note of a request begins that was not taken
MOST_REFUSED = 3  # in a first run
MISCOUNTED = 0.1  # of the thinking; where it is no count of the endpoint's, its text is measured
MODELS = """\
models:
  small: {{base_url: {url}, model: {small}, price: {{input: 1, output: 2, cached: 0.25}}}}
  large: {{base_url: {url}, model: {large}, price: {{input: 10, output: 30, cached: 2.5}}}}
"""
# The same in nano-dollars a token: in, cached, out.
RATES = {"small-model": (1000, 250, 2000), "large-model": (10_000, 2500, 30_000)}


@dataclass(frozen=True)
class Seen:
    """What is to be seen of one run. Amounts are nano-dollars."""

    turns: int
    answered: frozenset[str]  # nodes whose model said something
    refused: int  # requests that the endpoint did not take
    short: int  # replies that were paid for and are empty or cut off
    thought: int  # tokens
    charged: int
    billed: int | None  # by the server's own log; None where it shows none
    truly: int | None  # tokens thought, by the same log
    outcome: str  # what a person is told


def at_kind(kind: str, folder: Path) -> tuple[Seen, Seen]:
    """Run twice at a server that does as `kind` does. The caller has set BUDGETML_CACHE to a fresh folder."""
    manners = KINDS[kind]
    with FaultServer(manners.first, answering(manners, tiny.team)) as server:
        models = write_models(folder, server.url)

        def log() -> tuple[int, int]:
            """Nano-dollars of all that the server answered, and tokens that it thought."""
            nano = 0
            for asked in server.requests:
                if asked.billed:
                    (fresh, kept, said), (tokens_in, cached, out) = RATES[asked.body["model"]], asked.billed
                    nano += (tokens_in - cached) * fresh + cached * kept + out * said
            return nano, sum(asked.thought for asked in server.requests)

        return one_run(folder, models, log), one_run(folder, models, log)


def at_url(url: str, model: str, folder: Path) -> tuple[Seen, Seen]:
    """Run twice at a real server with one model for all roles."""
    models = write_models(folder, url, model, model)
    return one_run(folder, models), one_run(folder, models)


def write_models(folder: Path, url: str, small: str = "small-model", large: str = "large-model") -> Path:
    """Write a models.yaml with a cheap and a dear model at `url`, and the task beside it where it is not there yet."""
    if not (folder / "tiny").exists():
        tiny.task(folder)
    path = folder / "models.yaml"
    path.write_text(MODELS.format(url=url, small=small, large=large))
    return path


def one_run(folder: Path, models: Path, log: Callable[[], tuple[int, int]] | None = None) -> Seen:
    """Run, and look at what the ledger says and what the server billed meanwhile."""
    before = log() if log else (0, 0)
    run = Session(str(folder / "tiny"), str(GRAPH), models, BUDGET, TURNS, 0, "off", folder / "runs")
    try:
        outcome = str(run.run()["reason"])
    except BudgetMLError as error:
        outcome = str(error).replace(run.run_id, "RUN")
    calls = run.ledger.calls(run.run_id)
    after = log() if log else (None, None)
    billed, truly = (None if new is None else new - old for new, old in zip(after, before, strict=True))
    replies = [call for call in calls if call.text is not None]
    return Seen(
        turns=run.summary["turns"],
        answered=frozenset(call.node for call in replies if (call.text or "").strip()),
        refused=sum(call.note.startswith(REFUSED) for call in calls),
        short=sum(call.finish == "length" or not (call.text or "").strip() for call in replies),
        thought=sum(call["thought"] for call in run.calls),
        charged=sum(call.nano for call in calls),
        billed=billed,
        truly=truly,
        outcome=outcome,
    )


def shortcomings(first: Seen, second: Seen) -> list[str]:
    """Return what should not be so, a line each."""
    lines = []
    for name, seen in (("first", first), ("second", second)):
        if seen.turns < TURNS:
            lines.append(f"{name} run: {seen.turns} of {TURNS} turns: {seen.outcome}")
        elif silent := ROLES - seen.answered:
            lines.append(f"{name} run: no word of {', '.join(sorted(silent))}: {seen.outcome}")
        if seen.billed not in (None, seen.charged):
            lines.append(f"{name} run: {dollars(seen.charged)} charged, {dollars(seen.billed or 0)} billed")
        if seen.truly is not None and abs(seen.thought - seen.truly) > MISCOUNTED * seen.truly:
            lines.append(f"{name} run: {seen.thought} tokens of thinking told, {seen.truly} thought")
        if "\n" in seen.outcome:
            lines.append(f"{name} run: more than one line: {seen.outcome!r}")
    if first.refused > MOST_REFUSED:
        lines.append(f"first run: {first.refused} requests refused")
    if second.refused:
        lines.append(f"second run: {second.refused} requests refused, though the first found out")
    return lines


def dollars(nano: int) -> str:
    """Write nano-dollars so that none is lost."""
    return f"${nano / NANO:.9f}".rstrip("0").rstrip(".")
