"""A template that somebody else wrote takes neither the time nor the memory of whoever renders it."""

import time
from pathlib import Path

import pytest

import prompts
from budgetmlagent.errors import RunFailedError
from budgetmlagent.run.wiring import prompted
from nodes.craft.render import RenderError, render
from prompts.bounded import LARGEST, TemplateBoundsError, parsed, rendered

MANY = "{% for a in range(9000) %}"
HUGE = 3_000_000_000
ENDLESS = {
    "loops": MANY * 9 + "{% endfor %}" * 9,
    "loops with a test": MANY + "{% for b in range(9000) if b == 'x' %}{% endfor %}{% endfor %}" * 2,
    "macros": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "includes": "{% include 'again' %}",
    "product": f"{{{{ 'a' * {HUGE} }}}}",
    "product of a list": f"{{{{ ({HUGE} * [0])|length }}}}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "filter": f"{{{{ 'a'|center({HUGE}) }}}}",
    "named argument": f"{{{{ 'a'|indent(width={HUGE}) }}}}",
    "method": f"{{{{ 'a'.ljust({HUGE}) }}}}",
    "format": f"{{{{ '{{:{HUGE}d}}'.format(1) }}}}",
    "format by attr": f"{{{{ ('{{:{HUGE}d}}'|attr('format'))(1) }}}}",
    "remainder": f"{{{{ '%{HUGE}d' % 1 }}}}",
    "remainder by argument": f"{{{{ '%*d' % ({HUGE}, 1) }}}}",
    "joined": "{% set a = 'aaaa' %}" + "{% set a = a ~ a %}" * 60 + "{{ a|length }}",
    "in a namespace": "{% set n = namespace(a='aa') %}{% for i in range(60) %}{% set n.a = n.a + n.a %}{% endfor %}",
    "squares": "{% set a = 99 %}" + "{% set a = a * a %}" * 60 + "{{ a > 0 }}",
    "replaced": "{% set a = 'a' * 20000 %}{{ a.replace('a', a) }}",
    "joined by a long one": "{% set a = 'a' * 100000 %}{{ range(9000)|map('string')|join(a) }}",
    "captured": "{% set a %}" + MANY + "x" * 1000 + "{% endfor %}{% endset %}",
    "compared": "{% set a = 'a' * 900000 %}{% set b = 'a' * 900000 %}" + MANY + "{% if a == b %}{% endif %}{% endfor %}",
    "value": MANY + "{{ text }}{% endfor %}",
    "lipsum": f"{{{{ lipsum({HUGE}) }}}}",
    "length": f"{{{{ 'a' * {LARGEST + 1} }}}}",
    "text": "a" * (LARGEST + 1),
}  # fmt: skip
ODD = {
    "too much to compile": "{{ " + "a ~ " * 25_000 + "a }}",
    "loops to compile": "{% for a in b %}" * 150 + "{{ a ~ a }}" * 3000 + "{% endfor %}" * 150,
    "attributes": "{{ " + "a.b" + ".b" * 20_000 + " }}",
    "filters": "{{ 1" + "|e" * 20_000 + " }}",
    "deep": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "digits": "{{ 1" + "0" * 6000 + " }}",
    "blocks": "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
    "no number": "{{ 'a' * (1e400 - 1e400) }}",
    "no template": "{% endfor %}",
    "missing": "{{ missing }}",
    "private": "{{ ''.__class__.__mro__ }}",
}


@pytest.mark.parametrize("template", [*ENDLESS.values(), *ODD.values()], ids=[*ENDLESS, *ODD])
def test_a_template_that_does_too_much_is_refused_in_one_line_and_soon(template: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateBoundsError) as caught:
        rendered(template, {"text": "x" * 5000}, shared={"again": "{% include 'again' %}" * 2})
    assert time.process_time() - started < 3
    assert "\n" not in str(caught.value)


def test_what_templates_are_for_is_rendered() -> None:
    text = "{% macro m(n) %}<{{ n }}>{% endmacro %}{% for a in names if a %}{{ m(a ~ loop.index) }}{% endfor %}{{ gone|default('-') }}"
    assert rendered(text, {"names": ["a", "", "b"]}) == "<a1><b2>-"
    assert (
        rendered("{{ rows * 2 }} {{ rows|string|upper }} {{ x is defined }}", {"rows": 800_000})
        == "1600000 800000 False"
    )


def test_a_remembered_case_of_a_strangers_that_never_ends_cannot_be_rendered() -> None:
    case = {"name": "won", "title": "best", "template": ENDLESS["loops"]}
    with pytest.raises(RenderError, match="'won'"):
        render(case, {}, seed=0, seconds=60)  # type: ignore[typeddict-item]
    with pytest.raises(RenderError, match="cannot be read as Python"):
        render(case | {"template": "-" * 60_000 + "1"}, {}, seed=0, seconds=60)  # type: ignore[typeddict-item]


@pytest.mark.parametrize("what", ["loops", "product", "missing", "digits"])
def test_a_prompt_of_ones_own_has_the_bounds_of_a_case_and_ends_a_run_in_one_line(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.md").write_text(f"## user\n{(ENDLESS | ODD)[what]}")
    with pytest.raises(RunFailedError, match=r"^prompt 'own.md': [^\n]*; mend that file, then [^\n]*$"):
        prompted("own.md")
    Path("own.md").write_text("## user\n{{ task.name }} {{ gone | default('-') }}")
    assert prompted("own.md", task={"name": "x"}) == [{"role": "user", "content": "x -"}]


def test_ours_render_without_bounds_and_ones_own_of_the_same_text_alike(tmp_path: Path) -> None:
    values = {
        "script": "x = 1\n" * LARGEST,
        "error": "",
        "cured": [],
        "again": False,
        "instruction": "",
        "advised": False,
        "form": "whole",
        "mend": "",
    }
    values |= {
        "task": {
            "name": "t",
            "text": "x",
            "metric": "f1",
            "direction": "max",
            "seconds": 9,
            "allowed": {},
            "starter": "a",
        }
    }
    own = tmp_path / "own.md"
    own.write_text(prompts.path_of("coder").read_text())
    assert len(prompts.render("coder", **values)[-1]["content"]) > LARGEST
    with pytest.raises(prompts.PromptError, match="characters"):
        prompts.render(str(own), **values)
    values["script"] = "x = 1\n"
    assert prompts.render(str(own), **values) == prompts.render("coder", **values)
    assert prompts.needs(str(own)) == prompts.needs("coder")


def test_a_prompt_without_a_message_and_a_name_that_leads_elsewhere_are_told(tmp_path: Path) -> None:
    own = tmp_path / "own.md"
    own.write_text("hello")
    with pytest.raises(prompts.PromptError, match="no line of it says '## system'"):
        prompts.render(str(own))
    for name in (f"../{own.with_suffix('')}", "../prompts/coder", str(own.with_suffix(""))):
        with pytest.raises(LookupError, match=r"a path ends in \.md"):
            prompts.needs(name)


@pytest.mark.parametrize(
    "text", ["{{ 1|nosuch }}", "{{ 1 is nosuch }}", "{% for %}", ODD["deep"], ODD["too much to compile"]]
)
def test_a_template_that_cannot_be_compiled_is_told_when_it_is_looked_at(text: str) -> None:
    with pytest.raises(TemplateBoundsError):
        parsed(text)
