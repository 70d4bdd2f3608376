"""What capable models are asked in a whole run, request by request, as it was sent: all of it is there, and nothing is said twice or half."""

import json

import pytest
import tiny
from fault_server import FaultServer, Turn

MODELS = """\
models:
  small: {{base_url: {url}, model: small-able, price: {{input: 0.15, output: 0.6}}}}
  large: {{base_url: {url}, model: large-able, price: {{input: 2.5, output: 10}}}}
"""


def script(bound, *more):
    """A script that is right on part of the rows: 1 where x is beyond the bound."""
    return tiny.GOOD.replace("> 0)", f"> {bound})") + "".join(f"{line}\n" for line in more)


CRASH = script(1, "print('soon ' * 3)", "total = [1][5]")
LOOK = "for i in range(2000):\n    print('row', i)\nprint('the end')\n"
LONG_IDEA = "Compare x with zero, " + "and weigh each side by what it holds, " * 40 + "and END with the mean."
# What the planner chooses, and what is written for it.
TURNS = [
    ({"action": "draft", "instruction": "guess by nine"}, script(9, "print('nine')")),
    ({"action": "look", "instruction": "what is in the rows"}, LOOK),
    ({"action": "improve", "instruction": "guess by twelve, x" + "y" * 3500}, script(12, "print('twelve')")),
    ({"action": "draft", "instruction": "guess by one"}, CRASH),
    ({"action": "combine", "attempts": ["1", 2], "instruction": "average"}, script(11, "print('both')")),
    ({"action": "finish", "instruction": ""}, ""),
]


class Team:
    """Models that follow `TURNS`; `asked` keeps each request as (role, text of it)."""

    def __init__(self):
        self.asked, self.turn, self.written = [], -1, 0

    def __call__(self, body):
        system, text = body["messages"][0]["content"], body["messages"][-1]["content"]
        role = "planner" if "response_format" in body else "expert" if "senior" in system else "coder"
        self.asked.append((role, f"{system}\n{text}", body))
        if role == "planner":
            self.turn += 1
            plan = {"case": "", "change": "", "attempts": [], **TURNS[min(self.turn, len(TURNS) - 1)][0]}
            return Turn(json.dumps(plan), tokens_in=1000, tokens_out=50)
        if role == "expert":
            return Turn(
                f"1. {LONG_IDEA}\n```python\nsketched = 1\n```\n2. Other.", tokens_in=1500, tokens_out=100
            )
        if LONG_IDEA in text:
            return Turn(f"```python\n{script(13, 'print(13)')}```\n", tokens_in=1200, tokens_out=300)
        return Turn(f"```python\n{TURNS[max(0, self.turn)][1]}```\n", tokens_in=1200, tokens_out=300)


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    place, team = tmp_path_factory.mktemp("requests"), Team()
    with FaultServer(respond=team) as server:
        tiny.task(place)
        (place / "able.yaml").write_text(MODELS.format(url=server.url))
        options = {"models": place / "able.yaml", "budget": 3, "turns": 4, "aim": "best"}
        session = tiny.session(place, server.url, **options)
        session.run()
    return team


def asked(team, role, nth):
    return [text for who, text, _ in team.asked if who == role][nth]


def asked_for(team, words):
    """The requests to the coder that end with what was asked for."""
    return [text for who, text, _ in team.asked if who == "coder" and words in text.rpartition("```\n")[2]]


def test_what_is_on_offer_is_what_is_described(team):
    first, later = asked(team, "planner", 0), asked(team, "planner", 4)
    assert "- combine:" not in first and "- debug:" not in first and "- apply:" not in first
    assert "- combine: make one script of two that scored" in later and "- debug: repair a script" in later
    assert "% of the money" not in "".join(text for _, text, _ in team.asked)
    assert " of $3.00 is spent" in later and "is spent" not in first
    for role, text, body in team.asked:
        if role == "planner":
            schema = body["response_format"]["json_schema"]["schema"]["properties"]
            offered = [
                line[2:].partition(":")[0]
                for line in text.rpartition("Choose among:")[2].splitlines()
                if line.startswith("- ")
            ]
            assert offered == schema["action"]["enum"]
            assert f"at most {schema['instruction']['maxLength']:,} characters" in text


def test_an_instruction_that_is_too_long_is_cut_and_says_so(team):
    (request,) = asked_for(team, "Make this change: guess by twelve")
    assert "y" * 2900 in request and "(cut here: an instruction has at most 3,000 characters)" in request


def test_a_look_is_told_its_limit_and_shown_from_its_beginning(team):
    (request,) = asked_for(team, "prints this about the data")
    assert "at most 2,000 characters of output" in request
    for role, text, _ in team.asked[4:]:
        assert "row 0\nrow 1\n" in text and "row 200\n" in text and "the end" not in text, role
        assert "(cut here: 16,897 characters in all)" in text


def test_two_scripts_are_told_apart_and_blocks_have_one_base(team):
    (request,) = asked_for(team, "Make one script of the two")
    base, _, rest = request.partition("The other script, of attempt 2 (score 0.65)")
    assert "The base, of attempt 1 (score 0.75); it took less than 5% of its time limit:" in base
    assert "print('nine')" in base.partition("The base, of")[2] and "print('twelve')" in rest
    assert "When the base ran:" in rest and "The best script so far" not in request


def test_a_coder_is_told_what_its_base_printed_and_how_that_which_it_repairs_ended(team):
    (changed,) = asked_for(team, "Make this change: guess by twelve")
    assert "When the script above ran:" in changed and "validation accuracy 0.5; nine" in changed
    (repair,) = asked_for(team, "Repair it, and keep what")
    assert "The script that failed, of attempt 3 (no score)" in repair
    assert "soon soon soon\nIt failed at line 8: total = [1][5]" in repair


def test_a_whole_idea_and_its_sketch_reach_the_one_who_writes_it(team):
    request = next(text for role, text, _ in team.asked if role == "coder" and "sketched = 1" in text)
    assert f'Make this change: "{LONG_IDEA}"' in request
    assert len(LONG_IDEA) > 1400


def test_an_attempt_has_a_name_of_its_own_in_its_turn(team):
    last = team.asked[-1][1]
    assert "- attempt 3, draft: guess by one - crash: IndexError" in last
    assert "- attempt 3b, expert: Compare x" in last and "- discarded, score " in last


def test_the_machine_and_its_limits_are_told_once(team):
    for role, text, _ in team.asked:
        assert "20 s, 1 GB of memory" in text and "imports included" in text and "OpenMP threads" in text, (
            role
        )
        assert text.count("two thirds") == 1 and "plan for half" not in text
