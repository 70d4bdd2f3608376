"""A whole run of capable models: the dear one is asked once a cheap try has failed, and a run of that aim stops at success."""

import json

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent.errors import UsageError

MODELS = """\
models:
  small: {{base_url: {url}, model: small-able, price: {{input: 0.15, output: 0.6}}}}
  large: {{base_url: {url}, model: large-able, price: {{input: 2.5, output: 10}}}}
"""


class Team:
    """A cheap model whose scripts bring nothing until the dear one has said what to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, body: dict) -> Turn:
        system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
        role = "planner" if "response_format" in body else "expert" if "senior" in system else "coder"
        self.asked.append((role, body["model"]))
        if role == "planner":
            plan = {"action": "draft", "case": "", "change": "", "attempts": [], "instruction": "guess anew"}
            return Turn(json.dumps(plan), tokens_in=1000, tokens_out=50)
        if role == "expert":
            return Turn("1. Compare x with zero.\n2. Do nothing else.", tokens_in=1500, tokens_out=100)
        good = "Compare x with zero" in asked.rpartition("change: ")[2]
        script = tiny.GOOD if good else tiny.STARTER + f"print({len(self.asked)})\n"
        return Turn(f"```python\n{script}```\n", tokens_in=1200, tokens_out=300)


@pytest.fixture(scope="module", params=["success", "best"])
def ran(request, tmp_path_factory):
    place, team = tmp_path_factory.mktemp(request.param), Team()
    with FaultServer(respond=team) as server:
        tiny.task(place)
        (place / "able.yaml").write_text(MODELS.format(url=server.url))
        options = {"models": place / "able.yaml", "budget": 3, "turns": 3, "aim": request.param}
        session = tiny.session(place, server.url, **options)
        yield request.param, session, session.run(), team


def test_the_dear_one_is_asked_once_a_cheap_draft_has_failed(ran):
    _, session, summary, team = ran
    assert team.asked[:4] == [
        ("planner", "small-able"), ("coder", "small-able"), ("expert", "large-able"), ("coder", "small-able"),
    ]  # fmt: skip
    why = next(event for event in session.timeline if event.route["to"] == "expert")
    assert why.route["rule"].startswith("pays model=large")
    assert why.route["saw"]["hopes"] == {"small": 5.0, "large": 7.5} and why.route["saw"]["gain"] == 0.0
    assert summary["best"] == 1.0 and summary["usd"] < 0.02


def test_what_a_try_brought_is_counted_to_the_dearest_that_took_part(ran):
    ways = ran[1].state.counts["ways"]
    assert ways["large"]["gains"][0] == 20.0  # a leap of 100% counts as one
    assert not any(ways["large"]["gains"][1:])  # its idea gave the best script back
    assert ways["small"]["gains"][0] == 0.0 and ways["small"]["spent"] > 0


def test_a_run_whose_aim_is_success_stops_there_and_another_goes_on(ran):
    aim, session, summary, _ = ran
    assert summary["aim"] == aim == session.config.aim == session.state.task["aim"]
    ended = {
        "success": (1, "the aim is met"),
        "best": (3, "all turns are used"),
    }
    assert (summary["turns"], summary["reason"]) == ended[aim]


def test_an_aim_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(UsageError, match="aim='fame': one of success, best is needed"):
        tiny.session(tmp_path, "http://127.0.0.1:9", aim="fame")
