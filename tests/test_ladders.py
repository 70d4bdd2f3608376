"""`ladder: auto`: all models, cheapest success first, fixed when a run begins."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer

from budgetmlagent.cli import call
from budgetmlagent.errors import UsageError
from budgetmlagent.models import profiles
from budgetmlagent.models.config import ModelSpec, load_models
from budgetmlagent.models.profiles import Tally
from budgetmlagent.run.ladders import fixed, order
from graphs.drawing.mermaid import mermaid, outline
from graphs.linter.schema import schema
from graphs.spec import GraphSpec

URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    return tmp_path


def models(**prices: Any) -> dict[str, ModelSpec]:
    return {
        name: ModelSpec(
            name=name, base_url=URL, model=f"{name}-model", price=price and {"input": price, "output": price}
        )
        for name, price in prices.items()
    }


def answers(asked: int, right: int, *, tokens: int = 200) -> Tally:
    """So many answers of so many tokens each."""
    return Tally(asked, right, tokens_in=300 * asked, tokens_out=tokens * asked)


def auto(**ladders: Any) -> GraphSpec:
    spec = GraphSpec.load("budgetml")
    for node, ladder in (
        {"planner": ["recall", "auto"], "coder": "auto", "expert": "auto"} | ladders
    ).items():
        spec.set_node(node, ladder=ladder)
    return spec


def test_models_stand_in_the_order_of_what_a_success_costs_in_the_role(folder: Path) -> None:
    team = models(dear=10, cheap=0.1, middle=1)
    assert order(team, "coder") == ["cheap", "middle", "dear"], "without profiles by price"
    # The cheap one nearly never writes a script that runs; as planner it does well.
    profiles.keep(team["cheap"], {"write-20": answers(9, 1), "choose": answers(9, 9)})
    profiles.keep(team["middle"], {"write-20": answers(9, 9), "choose": answers(9, 9)})
    profiles.keep(team["dear"], {"write-20": answers(9, 9), "choose": answers(9, 0)})
    assert order(team, "coder") == ["cheap", "middle", "dear"], (
        "a ninth of the answers for a tenth of the price"
    )
    profiles.keep(team["cheap"], {"write-20": answers(19, 1), "choose": answers(9, 9)})
    assert order(team, "coder") == ["middle", "cheap", "dear"]
    assert order(team, "planner") == ["cheap", "middle"], "who never succeeded is left out"
    profiles.keep(team["cheap"], {"choose": answers(9, 0)})
    profiles.keep(team["middle"], {"choose": answers(9, 0)})
    assert order(team, "planner") == ["cheap", "middle", "dear"], "unless nobody has"


def test_the_price_is_todays(folder: Path) -> None:
    before = models(one=10, two=1)
    for spec in before.values():
        profiles.keep(spec, {"choose": replace(answers(3, 3), usd=1.0)})
    assert order(before, "planner") == ["two", "one"]
    assert order(models(one=0.1, two=1), "planner") == ["one", "two"]


def test_who_fails_a_short_script_is_not_cheaper_for_being_asked_no_longer_one(folder: Path) -> None:
    team = models(weak=1, strong=1)
    easy, hard = answers(3, 3), answers(3, 3, tokens=9_000)
    profiles.keep(team["weak"], {"write-20": easy, "write-60": answers(2, 0)})
    profiles.keep(team["strong"], {"write-20": easy, "write-60": easy, "write-150": hard})
    assert order(team, "coder") == ["strong", "weak"]
    assert order(models(weak=0.4, strong=1), "coder") == ["strong", "weak"], "it would fail the longest, too"
    # What one of them was not asked for lack of time is left out for both.
    profiles.keep(team["strong"], {"write-20": easy})
    profiles.keep(team["weak"], {"write-20": answers(3, 3, tokens=50), "write-60": hard, "write-150": hard})
    assert order(team, "coder") == ["weak", "strong"]


def test_who_was_right_in_another_exercise_alone_is_not_left_out(folder: Path) -> None:
    team = models(one=1, two=1)
    profiles.keep(team["one"], {"choose": answers(2, 0), "plan": answers(3, 3)})
    profiles.keep(team["two"], {"choose": answers(1, 1)})
    assert order(team, "planner") == ["two", "one"]
    profiles.keep(team["one"], {"plan": answers(3, 0)})
    assert order(team, "planner") == ["two"], "nor is one that never was compared by what it was not asked"


def test_one_that_was_asked_more_often_is_not_dearer(folder: Path) -> None:
    team = models(often=1, once=1)
    profiles.keep(team["often"], {"choose": answers(9, 9), "plan": answers(1, 1, tokens=9_000)})
    profiles.keep(team["once"], {"choose": answers(1, 1), "plan": answers(9, 9, tokens=9_001)})
    assert order(team, "planner") == ["often", "once"]


def test_a_model_without_a_profile_is_taken_to_need_the_tokens_of_others(folder: Path) -> None:
    team = models(known=1, unknown=0.9)
    profiles.keep(team["known"], {"choose": answers(3, 3, tokens=50)})
    assert order(team, "planner") == ["unknown", "known"]
    profiles.keep(team["known"], {"choose": answers(3, 2, tokens=50), "plan": Tally()})
    assert order(models(known=1, unknown=1.4), "planner") == ["unknown", "known"]
    assert order(models(known=1, unknown=1.6), "planner") == ["known", "unknown"]
    profiles.keep(team["known"], {"choose": answers(9, 9, tokens=50), "plan": answers(1, 1, tokens=9_000)})
    assert order(models(known=1, unknown=1.1), "planner") == ["known", "unknown"], (
        "each exercise counts alike"
    )
    assert order(models(known=1, unknown=0.9), "coder") == ["unknown", "known"], "it has shown nothing there"


def test_of_models_that_cost_the_same_the_faster_goes_first(folder: Path) -> None:
    free = models(slow=0, quick=0)
    profiles.keep(free["slow"], {"ideas": Tally(3, 3, seconds=90.0)})
    profiles.keep(free["quick"], {"ideas": Tally(3, 2, seconds=10.0)})
    assert order(free, "expert") == ["quick", "slow"]


def test_an_unknown_price_is_an_error(folder: Path) -> None:
    nobody = {"x": ModelSpec(name="x", base_url=URL, model="nobodys")}
    with pytest.raises(UsageError, match="the price of 'nobodys' is unknown"):
        order(nobody, "coder")


def test_it_is_written_either_way_and_kept_in_the_file(folder: Path) -> None:
    one, two = auto(), auto(coder=["auto"])
    assert one == two and one.nodes["coder"].ladder == ("auto",) and one.findings() == []
    assert "coder: {run: coder, prompt: coder, ladder: auto}" in one.dump()
    assert one.models == [] and one.findings(["any"]) == []
    made = fixed(one, models(dear=10, cheap=0.1))
    assert made.ladders == {
        "planner": ("recall", "cheap", "dear"), "coder": ("cheap", "dear"), "expert": ("cheap", "dear"),
    }  # fmt: skip
    assert one.nodes["coder"].ladder == ("auto",), "the graph itself stays as it is"
    assert "ladder: [cheap, dear]" in made.dump() and "# " in made.dump()
    assert "recall ↑ auto" in mermaid(one) and "[auto]" in outline(one)
    allowed = schema()["$defs"]["NodeSpec"]["properties"]["ladder"]
    assert {"const": "auto", "type": "string"} in allowed["anyOf"]


@pytest.mark.parametrize(
    "ladder", [["auto", "recall"], ["small", "auto"], ["auto", "auto"], ["recall", "auto", "large"]]
)
def test_beside_other_models_it_is_a_finding(ladder: list[str]) -> None:
    (finding,) = auto(coder=ladder).findings()
    assert finding.kind == "auto-ladder" and "`auto` stands for all models" in finding.what


def test_a_replay_has_the_ladders_of_the_recording(folder: Path) -> None:
    team = models(dear=10, cheap=0.1)
    (folder / "recorded").mkdir()
    fixed(auto(), team).save(folder / "recorded" / "graph.yaml")
    profiles.keep(team["cheap"], {"change": Tally(9, 0)})
    assert fixed(auto(), team).ladders["coder"] == ("dear",)
    assert fixed(auto(), team, recorded=str(folder / "recorded")).ladders["coder"] == ("cheap", "dear")
    (folder / "recorded" / "graph.yaml").write_text("name: [")
    with pytest.raises(UsageError, match=r"recorded/graph.yaml:1"):
        fixed(auto(), team, recorded=str(folder / "recorded"))


def test_where_the_data_stays_only_models_of_this_machine_are_taken(folder: Path) -> None:
    far = ModelSpec(name="far", base_url="https://example.com/v1", model="x", price=0)
    team = models(dear=10) | {"far": far}
    assert fixed(auto(), team, data="stays").ladders["coder"] == ("dear",)
    assert fixed(auto(), team, data="schema").ladders["coder"] == ("far", "dear")
    assert fixed(auto(), {"far": far}, data="stays").ladders["coder"] == ("far",), "which is then refused"


def test_no_model_may_be_called_so(folder: Path) -> None:
    Path("models.yaml").write_text(f"models:\n  auto: {{base_url: {URL}, model: x, price: 0}}\n")
    with pytest.raises(UsageError, match=r"models.yaml:2: auto: no model's name"):
        load_models(Path("models.yaml"))


def test_a_run_has_a_fixed_ladder_which_a_dry_run_shows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    auto().save("auto.yaml")
    with FaultServer(respond=tiny.team) as server:
        task, file = tiny.task(folder), tiny.models(folder, server.url)
        words = ["run", str(task), "--graph", "auto.yaml", "--models", str(file), "--dry-run"]
        assert call([*words, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["ladders"] == {
            "planner": ["recall", "small", "large"], "coder": ["small", "large"], "expert": ["small", "large"],
        }  # fmt: skip
        assert call(words) == 0 and "coder      ladder: auto is small, large" in capsys.readouterr().out
        session = tiny.session(folder, server.url, graph="auto.yaml")
        assert session.spec.ladders["coder"] == ("small", "large")
        large = session.config.models["large"]
        profiles.keep(
            ModelSpec(name="large", **{k: v for k, v in large.items() if k != "name"}),
            {"change": Tally(9, 9)},
        )
        again = type(session).open(session.run_id, folder / "runs")
        assert again.spec.ladders["coder"] == ("small", "large"), "it was fixed when the run began"
        again.graph = auto()
        assert again.spec.ladders["coder"] == ("large", "small"), "another graph is fixed when it is taken"
        assert "auto" not in again.folder.graph.read_text()
