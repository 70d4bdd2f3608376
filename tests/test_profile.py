"""`budgetml models profile`, and what is made of a profile."""

import hashlib
import json
import os
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from fault_server import FaultServer, Turn

from budgetmlagent import testing
from budgetmlagent.cli import call
from budgetmlagent.errors import UnavailableError
from budgetmlagent.models import endpoint, profiles, shown
from budgetmlagent.models.able import able_of, believed, guess, read
from budgetmlagent.models.client import ModelClient, limit_of
from budgetmlagent.models.config import ModelSpec, load_models
from budgetmlagent.models.endpoint import file_of
from budgetmlagent.models.profiles import Profile, Tally, wilson
from budgetmlagent.models.providers import PROVIDERS, chosen
from budgetmlagent.money.ledger import Account, Ledger
from budgetmlagent.money.prices import input_bound, price_of
from budgetmlagent.profiling.asking import SAMPLES, Found
from budgetmlagent.profiling.costs import cost_of, costs
from budgetmlagent.profiling.exercises import FOLDER, Exercise, Variant, exercises
from budgetmlagent.profiling.judging import problem
from budgetmlagent.profiling.trial import Trial
from budgetmlagent.records.shown import keep
from budgetmlagent.run import order
from graphs.spec import GraphSpec
from memory.state import NANO, Plan
from nodes.able import Able

PAID = "price: {input: 0.1, output: 0.2}"
VARIANTS = {variant.ask: (exercise, variant) for exercise in exercises() for variant in exercise.variants}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUDGETML_CACHE", str(tmp_path / "cache"))
    return tmp_path


def nothing(script: str, files: tuple[str, ...]) -> tuple[str, str]:
    raise AssertionError("no script is to be run")


def asked(body: dict[str, Any]) -> tuple[Exercise, Variant]:
    return VARIANTS[body["messages"][-1]["content"]]


def short(body: dict[str, Any]) -> Turn:
    """Answer rightly what asks for no script, and what asks for 20 lines; else say that it is too hard."""
    exercise, variant = asked(body)
    easy = exercise.judged not in ("script", "edit") or exercise.name == "write-20"
    return Turn(variant.answer if easy else "I cannot do this.", tokens_in=100, tokens_out=50)


def spec(url: str = "http://127.0.0.1:1/v1", model: str = "m", **more: Any) -> ModelSpec:
    return ModelSpec(name="one", base_url=url, model=model, **({"price": 0} | more))


def profile(
    capsys: pytest.CaptureFixture[str], *words: str, status: int = 0, **models: str
) -> list[dict[str, Any]]:
    lines = [f"  {name}: {{{about}}}\n" for name, about in models.items()]
    Path("models.yaml").write_text("models:\n" + "".join(lines))
    assert call(["models", "profile", "--models", "models.yaml", "--json", *words]) == status
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_a_profile_says_what_a_model_can_do_and_is_kept_and_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thinks = {"completion_tokens_details": {"reasoning_tokens": 60}}
    cut = Turn(tokens_in=10, tokens_out=60, usage=thinks, finish="length")
    with FaultServer([cut], respond=short) as server:
        about = f"base_url: {server.url}, model: any, {PAID}"
        (row,) = profile(capsys, "--samples", "2", "--minutes", "0.0001", one=about)
        found = {each["name"]: each for each in row["exercises"]}
        assert (found["choose"]["asked"], found["choose"]["right"]) == (1, 1)
        assert (found["edit"]["asked"], found["edit"]["right"], found["edit"]["problem"]) == (
            1,
            0,
            "no edit that fits the script",
        )
        assert (found["write-20"]["right"], found["write-60"]["right"]) == (1, 0)
        assert found["write-150"]["asked"] == 0, "what is longer than what failed is not asked for"
        assert (found["choose"]["tokens_in"], found["choose"]["thought"]) == (110, 60) and found["choose"][
            "usd_per_success"
        ] == pytest.approx(3.3e-5)
        assert len(server.requests) == 9, (
            "where the time is used up each exercise was asked once, but for a thought cut off"
        )
        assert (found["choose"]["low"], found["choose"]["high"]) == pytest.approx(wilson(1, 1))
        assert row["able"] == {"plans": "menu", "lines": 20, "edits": False, "window": 32768}
        assert call(["models", "list", "--models", "models.yaml", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert listed["able"] == row["able"] and listed["profile"]["exercises"]["write-20"]["right"] == 1
        assert call(["models", "list", "--models", "models.yaml"]) == 0
        told = capsys.readouterr().out
        assert "by its profile: chooses from a menu, writes scripts of 20 lines" in told
        low, high = wilson(4, 8)
        assert (
            f"4 of 8 answers right (95%: {low:.2f} - {high:.2f}), ${listed['shown']['usd_per_success']:.6f} a success\n"
            in told
        )
        assert (listed["shown"]["right"], listed["shown"]["asked"]) == (4, 8)
        at_today = Path("models.yaml").read_text().replace(PAID, "price: {input: 0.2, output: 0.4}")
        Path("dearer.yaml").write_text(at_today)
        assert call(["models", "list", "--models", "dearer.yaml", "--json"]) == 0
        dearer = json.loads(capsys.readouterr().out)[0]["shown"]["usd_per_success"]
        assert dearer == pytest.approx(2 * listed["shown"]["usd_per_success"])
        assert call(["cost", "--by", "node", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [line["node"] for line in told["rows"]] == ["profile"] and told["usd"] == pytest.approx(
            row["usd"]
        )
        one = spec(server.url, "any", price={"input": 1, "output": 2})
        assert guess(one).lines == 300 and able_of(one).lines == 20


def test_a_run_believes_from_its_start_on_what_the_profile_says(folder: Path) -> None:
    with FaultServer(respond=tiny.team) as server:
        small = spec(server.url, "small-7b")
        profiles.keep(small, {"plan": Tally(3, 3), "write-20": Tally(3, 3), "write-60": Tally(3, 0)})
        session = tiny.session(folder, server.url)
        believed = session.config.able
        assert believed["small"]["lines"] == 20 and believed["large"] == asdict(
            guess(spec(server.url, "large-14b"))
        )
        assert session.engine.parts.deps.models.able("small") == Able(**believed["small"])
        assert (
            session.engine.parts.deps.models.able("")
            == session.engine.parts.deps.models.able("recall")
            == Able()
        )
        profiles.keep(small, {"write-20": Tally(3, 0)})
        again = type(session).open(session.run_id, folder / "runs")
        assert again.engine.parts.deps.models.able("small").lines == 20, "it was fixed when the run began"
        session.step()
        assert session.fork().config.able == believed
        older = replace(session.config, able={})
        assert order.able_of(older)["small"] == guess(order.specs_of(older)["small"]), (
            "an older run says nothing"
        )
        for odd in ({"lines": -1}, {"lines": "many"}, {"window": 0}, {"plans": "both"}, {"window": 10**12}):
            with pytest.raises(UnavailableError, match=r"able: damaged .*"):
                order.able_of(replace(session.config, able={"small": odd}))


@pytest.mark.parametrize(
    ("words", "models", "says"),
    [
        (["--samples", "0"], "", "--samples 0: a number from 1 to 50 is needed"),
        (["--minutes", "0"], "", "--minutes 0.0: a number above 0 is needed"),
        (["--minutes", "nan"], "", "--minutes nan: a number above 0 is needed"),
        (["--budget", "-1"], "", "--budget -1.0: a number of dollars"),
        (
            ["--budget", "0.01"],
            "price: {input: 10, output: 30}",
            "--budget 0.01: profiling is likely to cost $",
        ),
        ([], "price: null", "the price of 'x' is unknown"),
    ],
)
def test_bad_input_gets_a_line_and_nothing_is_sent(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], models: str, says: str
) -> None:
    with FaultServer() as server:
        Path("models.yaml").write_text(
            f"models:\n  one: {{base_url: {server.url}, model: x, {models or 'price: 0'}}}\n"
        )
        assert call(["models", "profile", "--models", "models.yaml", *words]) == 2
        err = capsys.readouterr().err
        assert says in err and len(err.splitlines()) == 1 and server.requests == []


BUSY = [Turn(fault=status, retry_after="0") for status in ("429", "500", "429", "503")]


def test_a_busy_endpoint_is_waited_for_as_in_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer(BUSY[:3], respond=short) as server:
        about = f"base_url: {server.url}, model: any, {PAID}"
        (row,) = profile(capsys, "--samples", "1", one=about)
        assert (row["ok"], row["kept"], row["detail"]) == (True, True, "")
        assert next(each for each in row["exercises"] if each["name"] == "choose")["right"] == 1


def test_what_was_measured_before_a_model_went_away_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def leaves(body: dict[str, Any]) -> Turn:
        return short(body) if asked(body)[0].name == "choose" else BUSY[0]

    with FaultServer(respond=leaves) as server:
        about, one = f"base_url: {server.url}, model: any, {PAID}", spec(server.url, "any")
        (gone,) = profile(capsys, status=3, one=about)
        assert (gone["ok"], gone["kept"], gone["status"]) == (False, True, 3) and "HTTP 429" in gone["detail"]
        assert len(server.requests) == 1 + len(BUSY), "as many requests in a row as in a run"
        kept = profiles.profile_of(one)
        assert kept and [*kept.exercises] == ["choose"]
        assert able_of(one) == guess(one), "what was not asked is still guessed"
        profiles.keep(one, TALLIES)
        profile(capsys, status=3, one=about)
        again = profiles.profile_of(one)
        assert again and again.exercises == TALLIES | {"choose": again.exercises["choose"]}, (
            "nor is what was shown before lost"
        )


def test_a_model_that_is_down_is_not_told_to_lack_money(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(body: dict[str, Any]) -> Turn:
        exercise, variant = asked(body)
        is_down = exercise.name == "write-60"
        return (
            Turn(fault="500", retry_after="0")
            if is_down
            else Turn(variant.answer, tokens_in=100, tokens_out=50)
        )

    with FaultServer(respond=fails) as server:
        about = f"base_url: {server.url}, model: any, price: {{input: 1, output: 10}}"
        (row,) = profile(capsys, "--samples", "1", "--budget", "0.085", status=3, one=about)
    assert row["kept"] and "write-60: " in row["detail"] and "HTTP 500" in row["detail"]


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_keeps_what_was_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupts(body: dict[str, Any]) -> Turn:
        if asked(body)[0].name != "choose":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
        return short(body)

    with FaultServer(respond=interrupts) as server:
        Path("models.yaml").write_text(f"models:\n  one: {{base_url: {server.url}, model: any, {PAID}}}\n")
        assert call(["models", "profile", "--models", "models.yaml"]) == 130
        kept = profiles.profile_of(spec(server.url, "any"))
        assert kept and [*kept.exercises] == ["choose"]


def test_a_missing_key_has_the_status_of_what_can_be_corrected(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ITS_KEY", raising=False)
    keyless = "base_url: https://example.com/v1, model: x, price: 0, key: ITS_KEY"
    (row,) = profile(capsys, status=2, one=keyless)
    assert row["status"] == 2 and "ITS_KEY" in row["detail"]
    profile(capsys, status=3, one=keyless, two="base_url: https://127.0.0.1:1/v1, model: x, price: 0")


def test_what_was_not_asked_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultServer(respond=short) as server:
        Path("models.yaml").write_text(f"models:\n  one: {{base_url: {server.url}, model: any, {PAID}}}\n")
        assert call(["models", "profile", "--models", "models.yaml", "--samples", "1"]) == 0
        told = capsys.readouterr().out
        assert "write-150  coder    not asked, as the next shorter one was never right" in told


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "deepseek", "openrouter", "groq"])
def test_the_models_of_each_provider_can_be_profiled_for_the_usual_budget(
    folder: Path, provider: str
) -> None:
    team = [one for one, _ in chosen(PROVIDERS[provider]).values()]
    found = costs(team, SAMPLES, 2 * NANO)
    assert sum(cost.likely for cost in found.values()) < 2 * NANO
    for one in team:
        assert found[one.name].most >= dearest(one), "no exercise goes unasked for lack of money"


def dearest(one: ModelSpec) -> int:
    """Nano-dollars that one answer of a model may cost at most."""
    price, known = price_of(one), endpoint.Endpoints().of(one)
    return max(
        price.worst_case(
            input_bound(exercise.messages(variant), exercise.form(variant)),
            limit_of(one, known, exercise.tokens),
        )
        for exercise, variant in VARIANTS.values()
    )


def test_a_model_that_gives_no_answer_is_told_its_newest_problem() -> None:
    found = Found()
    for name, wrong in [("choose", "empty"), ("plan", "no JSON"), ("choose", "cut off")]:
        found.add(name, Tally(1, 0), wrong, is_answer=False)
    assert found.silence == "none of 3 replies was an answer (choose: cut off)"


def test_where_a_model_is_not_available_no_profile_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultServer([Turn(fault="404")], respond=short) as server:
        about = f"base_url: {server.url}, model: any, {PAID}"
        (away,) = profile(capsys, status=3, one=about)
        assert (away["ok"], away["kept"], away["status"]) == (False, False, 3) and "HTTP 404" in away[
            "detail"
        ]
        assert profiles.profile_of(spec(server.url, "any")) is None
    (missing,) = profile(
        capsys, status=3, one="base_url: embedded, model: qwen2.5-coder-0.5b-instruct, price: 0"
    )
    assert missing["status"] == 3 and "models pull" in missing["detail"]


@pytest.mark.parametrize("reply", ["", " \n", "blah blah", "thinks"])
def test_a_model_that_gives_no_answer_gets_no_profile(
    folder: Path, capsys: pytest.CaptureFixture[str], reply: str
) -> None:
    def says(body: dict[str, Any]) -> Turn:
        limit = body["max_completion_tokens"]
        thinks = {"completion_tokens_details": {"reasoning_tokens": limit}}
        cut = Turn("", tokens_in=10, tokens_out=limit, finish="length", usage=thinks)
        return cut if reply == "thinks" else Turn(reply)

    with FaultServer(respond=says) as server:
        Path("models.yaml").write_text(f"models:\n  one: {{base_url: {server.url}, model: any, {PAID}}}\n")
        assert call(["models", "profile", "--models", "models.yaml"]) == 3
        told = capsys.readouterr().out.splitlines()
        assert len(told) == 1 and told[0].endswith("no profile is kept"), told
        assert reply == "thinks" or "none of 7 replies was an answer" in told[0]
        assert profiles.profile_of(spec(server.url, "any")) is None


def test_no_more_is_spent_than_was_said_however_long_a_model_thinks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def thinks(body: dict[str, Any]) -> Turn:
        """Think for 6,000 tokens; then answer rightly what asks for no script."""
        (exercise, variant), limit = asked(body), body["max_completion_tokens"]
        text = "That is too hard." if exercise.role == "coder" else variant.answer
        long = min(limit, 6_000)
        usage = {"completion_tokens_details": {"reasoning_tokens": long}}
        if limit < 6_500:
            return Turn("", tokens_in=100, tokens_out=limit, finish="length", usage=usage)
        return Turn(text, tokens_in=100, tokens_out=6_400, usage=usage)

    with FaultServer(respond=thinks) as server:
        about = f"base_url: {server.url}, model: any, price: {{input: 1, output: 10}}"
        Path("models.yaml").write_text(f"models:\n  one: {{{about}}}\n")
        command = ["models", "profile", "--models", "models.yaml", "--json"]
        said = [cost_of(spec(server.url, "any", price={"input": 1, "output": 10}), 3)]
        assert call(command) == 0
        out, err = capsys.readouterr()
        assert f"likely ${said[0].likely / 1e9:.4f}, never more than ${said[0].most / 1e9:.4f}" in err
        assert err.count("one: it thinks longer than was known: all is likely to cost $") == 1
        (row,) = json.loads(out)
        assert 0.1 < row["usd"] <= said[0].most / 1e9 and row["ok"] and row["kept"]
        assert (
            "one more answer may cost more than was said; all exercises are now known to cost $"
            in row["detail"]
        )
        assert all(each["asked"] for each in row["exercises"][:7])
        said.append(cost_of(spec(server.url, "any", price={"input": 1, "output": 10}), 3))
        assert said[1].likely > said[0].most, "what was learned is said the next time"
        assert call([*command[:-1], "--budget", "1.5"]) == 2
        assert "--budget 1.5: profiling is likely to cost $" in capsys.readouterr().err
        assert call([*command, "--budget", f"{said[1].likely / 1e9 + 0.1}", "--samples", "3"]) == 0
        out, err = capsys.readouterr()
        (again,) = json.loads(out)
        assert f"never more than ${said[1].likely / 1e9 + 0.1:.4f}" in err, "the budget, where that is less"
        assert again["usd"] <= said[1].likely / 1e9 + 0.1


HOSTILE = ["", "\0", "{" * 5000, "```python\n" + "(" * 5000, "<<<<<<< SEARCH\n" * 5000, "=======\n" * 5000,
           '{"action": ["apply"], "case": {}, "instruction": 7}', '{"action": "apply", "case": null}', "1. \n2. \n" * 3000,
           "\ud800", "```python\nimport os\n", "<think>" * 2000, "- " * 50000]  # fmt: skip


@pytest.mark.parametrize("reply", HOSTILE)
def test_a_reply_is_data_whatever_stands_in_it(reply: str) -> None:
    for exercise, variant in {pair[0].judged: pair for pair in VARIANTS.values()}.values():
        assert problem(exercise, variant, reply, lambda *_: ("", "the script crashed"))


def test_the_ask_itself_is_no_right_answer() -> None:
    for exercise, variant in VARIANTS.values():
        assert problem(exercise, variant, variant.ask, lambda *_: ("rows 24\n", ""))


def test_what_a_script_prints_is_data_too() -> None:
    exercise, variant = next(pair for pair in VARIANTS.values() if pair[0].name == "write-20")
    right = "".join(f"{name} {value}\n" for name, value in variant.results.items())
    for output, fine in [(right, True), (right.replace(" ", ": "), True), (f"x\n{right}\ny", True), ("", False),
                         (right.replace("\n", " "), False), ("\n" * 10**6, False), (" " * 10**6, False),
                         (right.replace("missing 2", "missing nan"), False), (right.replace("missing 2", "missing 1e999"), False)]:  # fmt: skip
        assert (not problem(exercise, variant, variant.answer, lambda *_, out=output: (out, ""))) == fine


def test_an_edit_has_to_fit_the_script_once() -> None:
    exercise, variant = next(pair for pair in VARIANTS.values() if pair[0].judged == "edit")
    run = lambda script, files: ("".join(f"{name} {value}\n" for name, value in variant.results.items()), "")  # noqa: E731
    assert problem(exercise, variant, variant.answer, run) == ""
    for answer in (
        f"```python\n{variant.script}```",
        variant.answer[:-10],
        variant.answer.replace("print", "pint", 1),
    ):
        assert problem(exercise, variant, answer, run) == "no edit that fits the script"


@pytest.mark.parametrize("name", ["choose", "plan", "ideas", "edit", "write-20"])
def test_the_right_answers_are_right(name: str) -> None:
    exercise = next(each for each in exercises() if each.name == name)
    variant = exercise.variant(0)
    run = Trial().run if exercise.judged in ("edit", "script") else nothing
    assert problem(exercise, variant, variant.answer, run) == ""


@pytest.mark.soak
def test_all_right_answers_are_right() -> None:
    trial = Trial()
    for exercise, variant in VARIANTS.values():
        assert problem(exercise, variant, variant.answer, trial.run) == "", exercise.name


def test_a_script_that_never_ends_or_reaches_out_is_only_a_wrong_one() -> None:
    exercise, variant = next(pair for pair in VARIANTS.values() if pair[0].name == "write-20")
    script = "import socket\nx = socket.create_connection(('127.0.0.1', 9), 2)\n"
    assert problem(exercise, variant, f"```python\n{script}```", Trial().run) == "the script crashed"


TALLIES = {
    "write-20": Tally(4, 4),
    "write-60": Tally(4, 2),
    "write-150": Tally(4, 1),
    "plan": Tally(3, 2),
    "edit": Tally(3, 2),
}


@pytest.mark.parametrize(
    ("changed", "able"),
    [
        ({}, Able("free", 60, True)),
        ({"plan": Tally(3, 1)}, Able("menu", 60, True)),
        ({"edit": Tally(3, 1)}, Able("free", 60, False)),
        ({"write-150": Tally(4, 2)}, Able("free", 300, True)),
        ({"write-60": Tally(4, 1)}, Able("free", 20, True)),  # it carries a plan out by edits
        ({"write-60": Tally(4, 1), "edit": Tally(3, 1)}, Able("menu", 20, False)),  # not at all
        ({"write-20": Tally(4, 1)}, Able("free", 0, True)),
        ({"write-20": Tally()}, Able("free", 0, True)),
        (
            {"write-60": Tally(), "write-150": Tally()},
            Able("free", 150, True),
        ),  # of the longer ones it is guessed
        ({"write-60": Tally(4, 1), "write-150": Tally()}, Able("free", 20, True)),
    ],
)
def test_what_a_model_can_do_follows_from_its_tallies(changed: dict[str, Tally], able: Able) -> None:
    assert Profile("h", "m", 1, TALLIES | changed).able(Able("free", 150, True)) == able


def test_a_profile_that_is_not_whole_adds_to_what_was_shown_before(folder: Path) -> None:
    profiles.keep(spec(), {"plan": Tally(50, 50), "edit": Tally(3, 3)})
    profiles.keep(spec(), {"plan": Tally(1, 0), "choose": Tally(1, 1)}, is_whole=False)
    kept = profiles.profile_of(spec())
    assert kept and kept.exercises == {"plan": Tally(51, 50), "edit": Tally(3, 3), "choose": Tally(1, 1)}


@pytest.mark.parametrize(
    "damage",
    ["", "{}", "[" * 10**5, '{"host": "127.0.0.1:1", "model": "m", "version": 0, "exercises": {}}',
     '{"host": "127.0.0.1:1", "model": "m", "version": 1, "exercises": {"plan": {"asked": 1, "right": 2}}}',
     '{"host": "127.0.0.1:1", "model": "m", "version": 1, "exercises": {"other": {"asked": 1}}}',
     '{"host": "elsewhere", "model": "m", "version": 1, "exercises": {"plan": {"asked": 1}}}',
     '{"host": "127.0.0.1:1", "model": "m", "version": 1, "exercises": {"plan": {"asked": -1}}}'],
)  # fmt: skip
def test_what_is_no_whole_profile_is_none(folder: Path, damage: str) -> None:
    profiles.keep(spec(), TALLIES)
    kept = Profile("127.0.0.1:1", "m", profiles.VERSION, TALLIES, profiles.way(spec()))
    assert profiles.profile_of(spec()) == kept
    profiles.path(spec()).write_text(damage)
    assert profiles.profile_of(spec()) is None and able_of(spec()) == guess(spec())


@pytest.mark.parametrize(
    "more",
    [{"reasoning": "high"}, {"params": {"top_k": 1}}, {"schema_form": "words"}, {"temperature": 1.0}, {"max_tokens": 99},
     {"context": 4096}, {"url": "http://127.0.0.1:1/other"}],
)  # fmt: skip
def test_who_is_asked_in_another_way_has_another_profile(folder: Path, more: dict[str, Any]) -> None:
    profiles.keep(spec(), TALLIES)
    assert profiles.profile_of(spec(**more)) is None
    profiles.keep(spec(**more), {"plan": Tally(1, 1)})
    kept = profiles.profile_of(spec()), profiles.profile_of(spec(**more))
    assert kept[0] and kept[1] and kept[0].exercises == TALLIES and [*kept[1].exercises] == ["plan"]
    assert profiles.profile_of(spec(price={"input": 1, "output": 2}, timeout=9.0)) == kept[0]


def test_a_profile_from_before_ways_were_told_apart_holds_for_all_until_a_new_one_is_made(
    folder: Path,
) -> None:
    older = {
        "host": "127.0.0.1:1",
        "model": "m",
        "version": 1,
        "exercises": {"write-20": asdict(Tally(2, 2)), "write-60": asdict(Tally(2, 0))},
    }
    file = file_of(profiles.path(spec()).parent, spec())
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(older))
    thinks = spec(reasoning="high")
    assert able_of(spec()).lines == able_of(thinks).lines == 20
    profiles.keep(thinks, {"write-20": Tally(2, 2), "write-60": Tally(2, 2), "write-150": Tally(2, 0)})
    assert (able_of(spec()).lines, able_of(thinks).lines) == (20, 60)


def test_each_way_of_asking_a_model_is_profiled_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultServer(respond=short) as server:
        about = f"base_url: {server.url}, model: any, {PAID}, reasoning"
        rows = profile(
            capsys, "--samples", "1", one=f"{about}: none", two=f"{about}: high", three=f"{about}: high"
        )
        assert [row["name"] for row in rows] == ["one", "three"]


def test_a_change_of_the_exercises_makes_another_version() -> None:
    """Raise VERSION where this goes red: what was shown in other exercises says nothing of these."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.read_bytes())
    assert (profiles.VERSION, digest.hexdigest()[:12]) == (1, "608bb81aa576")


def test_an_interval_is_wilsons() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(2, 3) == pytest.approx((0.2077, 0.9385), abs=1e-4)
    assert wilson(3, 3) == pytest.approx((0.4385, 1.0), abs=1e-4) and wilson(0, 3) == pytest.approx(
        (0, 0.5615), abs=1e-4
    )


def test_a_model_is_guessed_by_its_size_its_price_and_what_is_known_of_it() -> None:
    far = "https://example.com/v1"
    for model, plans, lines in [
        ("qwen2.5-coder-0.5b-instruct", "menu", 20), ("smollm2-135m", "menu", 20), ("llama3.2:3b", "menu", 40), ("gemma-3n-e4b", "menu", 40),
        ("meta-llama/Llama-3.1-8B-Instruct", "menu", 60), ("phi-4", "menu", 60), ("mixtral-8x7b", "free", 300), ("gpt-oss-20b", "free", 300), ("gpt-oss:120b-cloud", "free", 300),
        ("qwen3-30b-a3b", "free", 300), ("gpt-4o-mini", "free", 300), ("deepseek-r1-distill-qwen-1.5b", "menu", 40),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "free", 300), ("llama-4-scout-17b-16e", "free", 300), ("x-1b-2e", "menu", 40),
    ]:  # fmt: skip
        assert (guess(spec(far, model)).plans, guess(spec(far, model)).lines) == (plans, lines), model
    assert (
        guess(spec(far, "x", price={"input": 1, "output": 2})).edits
        and guess(spec(far, "x", reasoning="low")).edits
    )
    assert guess(spec("embedded", "mine.gguf")) == Able("menu", 40, False, 16_384)
    assert guess(spec(far, "x", context=4096)).window == 4096
    dear = {"input": 50, "output": 100}
    assert guess(spec(far, "qwen-1.5b", price=dear)) == guess(spec(far, "qwen-1.5b")), "small at any price"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "deepseek", "groq"])
def test_a_window_is_guessed_as_models_new_writes_it(provider: str) -> None:
    for one, listed in chosen(PROVIDERS[provider]).values():
        known = listed.context, endpoint.profile(one.model).get("max_input_tokens")
        assert guess(one).window in known
        assert guess(one.model_copy(update={"base_url": "https://example.com/v1"})).window in (
            known[1] or 32_768,
        )
    chat = ModelSpec(
        name="a", chat="langchain_anthropic:ChatAnthropic", model="claude-sonnet-4-5", price=0, key=None
    )
    assert guess(chat).window > 100_000


def test_what_runs_show_refines_a_guess(folder: Path) -> None:
    capable = Able("free", 300, True)
    assert shown.Shown(replies=7, usable=0).refined(capable) == capable
    assert shown.Shown(replies=8, usable=3).refined(capable) == Able("menu", 60, False)
    assert shown.Shown(scripts=5, ran=1).refined(capable).lines == 20
    assert shown.Shown(scripts=5, ran=5, longest=90).refined(Able(lines=40)).lines == 90
    with FaultServer(respond=tiny.team) as server:
        large = spec(server.url, "large-14b")
        session = tiny.session(folder, server.url, graph="single_agent", history="all", turns=1)
        session.run()
        seen = shown.shown_by(large)
        assert (seen.replies, seen.usable, seen.scripts, seen.ran) == (2, 2, 1, 1) and seen.longest > 5
        keep(session.record, order.specs_of(session.config))
        assert shown.shown_by(large) == seen, "a run counts once"
        keep(replace(session.record, config=replace(session.config, run_id="other", history="run")), {})
        for number in range(4):
            shown.keep(large, f"other-{number}", shown.Shown(replies=9, scripts=9))
        assert able_of(large) == Able("menu", 20, False) and able_of(large, runs=False) == guess(large)
        assert (
            tiny.session(folder, server.url, history="run").config.able["large"]["lines"]
            == guess(large).lines
        )
        assert tiny.session(folder, server.url, history="all").config.able["large"]["lines"] == 20


CODER = """
name: coder
start: coder
nodes: {coder: {run: coder, prompt: coder, ladder: [one]}}
rules: {coder: [{to: END}]}
"""


def coder_asked(url: str, script: str) -> str:
    """What the coder asks of a model at `url`, as a run does that begins now, for a change of `script`."""
    one = spec(url, "any", price={"input": 1, "output": 2})
    run = hashlib.sha256(script.encode() + str(able_of(one)).encode()).hexdigest()[:8]
    ledger = Ledger(Path("ledger.sqlite"))
    ledger.open_run(run, 10**12)
    artifacts = testing.MemoryArtifacts()
    models = ModelClient(
        {"one": one}, Account(ledger, run), artifacts, able=read(believed([one], runs=False))
    )
    deps = testing.deps(models=models, artifacts=artifacts, task=testing.Task(starter=script))
    plan = Plan(action="improve", instruction="x = 2", case="", by="one")
    GraphSpec.parse(CODER).compile(deps).invoke({"plan": plan})
    calls = ledger.calls(run)
    return str(models.artifacts.json(calls[-1].prompt)["messages"]) if calls else ""


def test_a_profile_changes_what_is_asked_of_a_model(folder: Path) -> None:
    """Who cannot write 60 lines is asked for blocks of a longer script; who cannot edit either, as the small models are."""
    script = "".join(f"x{number} = {number}\n" for number in range(59))
    with FaultServer() as server:
        one = spec(server.url, "any")
        assert "Answer with one complete script" in coder_asked(server.url, script)
        shown_ = {"plan": Tally(3, 3), "edit": Tally(3, 3), "write-20": Tally(3, 3), "write-60": Tally(3, 0)}
        profiles.keep(one, shown_)
        asked = coder_asked(server.url, script)
        assert "Answer with search/replace blocks and nothing else" in asked
        assert "complete script" not in asked
        assert "Answer with one complete script" in coder_asked(server.url, "x = 1\n"), "of 20 lines it can"
        profiles.keep(one, shown_ | {"edit": Tally(3, 0)})
        weak = coder_asked(server.url, script)
        assert "You are a careful Python programmer" in weak and "search/replace" not in weak
        assert coder_asked(server.url, script + "y = 1\nz = 2\n") == "", "of 61 lines it is asked for nothing"
        profiles.keep(
            one, shown_ | {"plan": Tally(3, 0)}
        )  # and who edits, but chooses from the menu, for blocks
        edits = coder_asked(server.url, script)
        assert "You are a careful Python programmer" in edits and "complete script" not in edits
        assert "one block of exactly this form" in edits


def test_a_model_that_cannot_write_the_script_is_asked_for_nothing_and_the_run_says_so(folder: Path) -> None:
    """Neither planner nor coder is asked in vain; where another model writes, the planner is offered a change."""
    starter = tiny.STARTER + "".join(f"# line {number}\n" for number in range(60))
    tiny.task(folder, starter)
    heard = list[dict[str, Any]]()

    def answers(body: dict[str, Any]) -> Turn:
        heard.append(body)
        return tiny.team(body)

    with FaultServer(respond=answers) as server:
        specs = load_models(tiny.models(folder, server.url))
        for one in specs.values():
            profiles.keep(one, {"choose": Tally(3, 3), "write-20": Tally(3, 3), "write-60": Tally(3, 0)})
        session = tiny.session(folder, server.url)
        summary = session.run()
        assert heard == [] and summary["status"] == "finished"
        assert "large neither writes nor edits a script of 66 lines" in summary["reason"]
        profiles.keep(specs["large"], {"edit": Tally(3, 3)})  # which changes a script of any length
        tiny.session(folder, server.url, turns=1).run()
        assert {body["model"] for body in heard} == {"large-14b"}
        heard.clear()
        apart = GraphSpec.load("single_agent").set_node("planner", ladder=["small"])
        tiny.session(folder, server.url, graph=apart, turns=1).run()
        assert {body["model"] for body in heard} == {"small-7b", "large-14b"}
