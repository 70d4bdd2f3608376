"""A template that somebody else wrote takes neither the time nor the memory of whoever renders it."""

import time

import pytest

from nodes.craft.render import RenderError, render
from prompts.bounded import LARGEST, TemplateBoundsError, rendered

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
