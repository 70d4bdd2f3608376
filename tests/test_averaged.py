"""The end of a run: its best scripts' answers, averaged, without a model and without a turn."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import Session
from graphs.spec import GraphSpec

MODELS = """\
models:
  small: {{base_url: {url}, model: strong-mini, price: {{input: 1, output: 2}}}}
  large: {{base_url: {url}, model: strong, price: {{input: 10, output: 30}}}}
"""
# Wrong on every fifth row, each way on others: most of three are right everywhere.
WRONG = tiny.STARTER.replace(
    "{row['id']},0", "{row['id']},{int((float(row['x']) > 0) ^ (int(row['id']) % 5 == way))}"
)


def team(choices: Sequence[str]) -> Any:
    """Return how a team answers that chooses an action after the other, each script another way."""
    left, ways = list(choices), iter(range(100))

    def answer(body: dict[str, Any]) -> Turn:
        if "response_format" in body:
            choice = {
                "action": left.pop(0),
                "case": "",
                "change": "",
                "attempts": [],
                "instruction": "the sign of x",
            }
            return Turn(json.dumps(choice), tokens_in=100, tokens_out=20)
        return Turn(f"```python\nway = {next(ways)}\n{WRONG}```", tokens_in=200, tokens_out=1_500)

    return answer


def ended(folder: Path, choices: Sequence[str], **options: Any) -> tuple[Session, dict[str, Any], int]:
    """Return a run of `choices`, which recalls nothing else, its summary and the number of requests."""
    graph = folder / "graph.yaml"
    graph.write_text(GraphSpec.load("budgetml").dump().replace("[recall, small", "[small"))
    with FaultServer(respond=team(choices)) as server:
        models = folder / "capable.yaml"
        models.write_text(MODELS.format(url=server.url))
        given = {"graph": str(graph), "models": models, "history": "run", "turns": 3, "budget": 5.0}
        session = tiny.session(folder, server.url, **given | options)
        return session, session.run(), len(server.requests)


def rows(session: Session) -> list[list[str]]:
    """Return of each attempt behind the starter {score, status, plan}."""
    text = (session.folder.root / "results.tsv").read_text(encoding="utf-8")
    return [[line.split("\t")[n] for n in (1, 4, 5)] for line in text.splitlines()[2:]]


def test_what_is_averaged_at_the_end_is_better_than_its_best_member_and_costs_nothing(tmp_path: Path) -> None:
    session, summary, requests = ended(tmp_path, ["draft", "draft", "draft"])
    assert rows(session)[3][0] == "1"
    assert rows(session)[3][2].startswith("average: The answers of 3 of the best scripts")
    assert (summary["best"], summary["turns"], requests) == (1.0, 3, 6)
    assert summary["reason"] == "all turns are used" and summary["best_by"] == "small"
    assert len(rows(session)) == 5 and not any(
        row[0] == "1" for row in rows(session) if row != rows(session)[3]
    )


def test_a_planner_that_finishes_ends_the_run_behind_its_averages(tmp_path: Path) -> None:
    session, summary, requests = ended(tmp_path, ["draft", "draft", "finish"], turns=9)
    assert [row[2].partition(":")[0] for row in rows(session)] == ["draft", "draft", "average"]
    assert (summary["reason"], summary["turns"], requests) == ("the planner finished", 3, 5)


def test_where_money_ends_the_run_its_averages_are_made(tmp_path: Path) -> None:
    session, summary, _ = ended(tmp_path, ["draft"] * 30, turns=30, budget=0.014)
    assert summary["usd"] <= 0.014 and rows(session)[-1][2].startswith("average:")
    assert summary["reason"].startswith("what is left of the budget does not pay")


@pytest.mark.parametrize("options", [{"history": "off"}, {"graph": "single_agent", "history": "off"}])
def test_a_run_without_memory_makes_none(tmp_path: Path, options: dict[str, str]) -> None:
    session, summary, _ = ended(tmp_path, ["draft", "draft", "draft"], **options)
    assert [row[2].partition(":")[0] for row in rows(session)] == ["draft"] * 3
    assert summary["reason"] == "all turns are used"
