"""How much of a prompt the one before it of the same role began with: what a provider's prompt cache can give back.

    python tests/benchmarks/prefix.py [RUN ...]

RUN is a run's folder, the recordings of the tests by default. Printed for each run and role, over its consecutive
prompts: how many pairs, which share of the later prompt is the earlier one's beginning (mean and least), which share is
stable (instructions, task and data, which no step changes), and which share of its tokens the server had in its cache.

Without a RUN also, of a made run with a capable model (`capable.py`): the input tokens of each role's prompt at turns 3 and 30, at
three bytes a token, and which share of a prompt is the beginning of the one before it.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import capable

from budgetmlagent.tasks.folder import load_task

EARLY, LATE = 3, 30  # turns
NEAR = 200  # characters, at most, between two parts that no step changes
RECORDINGS = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True)
class Asked:
    """One prompt as it was sent, and what the server said of it."""

    step: int
    text: str
    stable: int  # characters, from the beginning on, that no step changes
    tokens: int
    cached: int


@dataclass(frozen=True)
class Pair:
    """Two consecutive prompts of a role."""

    earlier: Asked
    later: Asked

    @property
    def common(self) -> int:
        """Characters that both begin with."""
        return begun_alike(self.earlier.text, self.later.text)


def begun_alike(earlier: str, later: str) -> int:
    """Return how many characters two texts both begin with."""
    two = zip(earlier, later, strict=False)
    return next((i for i, (a, b) in enumerate(two) if a != b), min(len(earlier), len(later)))


def asked(run: Path) -> dict[str, list[Asked]]:
    """Return the prompts of a run by role, in their order."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    told = known(run, events)
    found = defaultdict(list)
    for event in events:
        if event["prompt"]:
            messages = artifact(run, event["prompt"])["messages"]
            text = "".join(f"## {m['role']}\n{m['content']}\n" for m in messages)
            one = Asked(event["step"], text, stable(text, told), event["tokens_in"], event["cached"])
            found[event["node"]].append(one)
    return dict(found)


def artifact(run: Path, name: str) -> Any:
    """Read a JSON artifact of a run."""
    return json.loads((run / "artifacts" / name).read_text(encoding="utf-8"))


def stable(text: str, known: Sequence[str]) -> int:
    """Return where the last of what is known beforehand, the task and the summary of its data, ends in a prompt.

    Each follows closely on the one before: a model's instruction further down may repeat any of them.
    """
    first, *rest = known
    end = text.index(first) + len(first)
    for told in rest:
        at = text.find(told, end)
        end = at + len(told) if 0 <= at <= end + NEAR else end
    return end


def known(run: Path, events: list[dict[str, Any]]) -> list[str]:
    """Return what no step of a run changes: what begins the user's part, the task's text, the summary of the data."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    briefing = next((artifact(run, e["briefing"]) for e in events if e.get("briefing")), {})
    told = ["## user\n", load_task(config["task"]).text.strip(), str(briefing.get("summary", ""))]
    return [each for each in told if each]


def pairs(prompts: list[Asked]) -> list[Pair]:
    """Return each two prompts that follow one another."""
    return [Pair(*two) for two in pairwise(prompts)]


def row(name: str, role: str, found: list[Pair]) -> str:
    """Return a line of the table."""
    shares = [100 * pair.common / len(pair.later.text) for pair in found]
    stables = [100 * pair.later.stable / len(pair.later.text) for pair in found]
    tokens = sum(pair.later.tokens for pair in found)
    cached = 100 * sum(pair.later.cached for pair in found) / tokens if tokens else 0.0
    cells = [f"{sum(s) / len(s):.0f}" for s in (shares, stables)]
    return f"| {name} | {role} | {len(found)} | {cells[0]} | {min(shares):.0f} | {cells[1]} | {cached:.0f} |"


def rows(runs: list[Path]) -> Iterator[str]:
    """Yield a line for each run and role that was asked twice, and one for each role over all runs."""
    whole = defaultdict(list)
    for run in runs:
        for role, prompts in sorted(asked(run).items()):
            if found := pairs(prompts):
                whole[role] += found
                yield row(run.name, role, found)
    for role, found in sorted(whole.items()):
        yield row("all", role, found)


def recordings() -> list[Path]:
    """Return the folders of the recorded runs."""
    return sorted(path.parent for path in RECORDINGS.rglob("events.jsonl") if "forks" not in path.parts)


def made(role: str, turns: Sequence[int] = range(1, LATE + 1)) -> tuple[dict[int, int], list[float]]:
    """Return the tokens of a capable role's prompt by turn, and which share of each prompt the one before began."""
    asked = dict(zip(turns, capable.prompts(role, turns), strict=True))
    tokens = {turn: len(text.encode()) // capable.BYTES for turn, text in asked.items()}
    two = [(asked[turn - 1], text) for turn, text in asked.items() if turn - 1 in asked]
    return tokens, [begun_alike(earlier, later) / len(later) for earlier, later in two]


def main() -> None:
    """Print the tables."""
    print("| run | role | pairs | common % | least % | stable % | cached % |\n|" + " --- |" * 7)
    for line in rows([Path(name) for name in sys.argv[1:]] or recordings()):
        print(line)
    if sys.argv[1:]:
        return
    print(f"\n| capable | turn {EARLY} | turn {LATE} | ratio | common % | least % |\n|" + " --- |" * 6)
    for role in capable.ASKED:
        tokens, shares = made(role)
        early, late = tokens[EARLY], tokens[LATE]
        mean, least = 100 * sum(shares) / len(shares), 100 * min(shares)
        print(f"| {role} | {early} | {late} | {late / early:.2f} | {mean:.0f} | {least:.0f} |")


if __name__ == "__main__":
    main()
