"""What is written on a picture of a graph: on its arrows, and in its boxes of the rules that are not drawn."""

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

from graphs.drawing.arrows import Arrow
from graphs.drawing.overlay import times
from graphs.model import AGAIN, END, Graph, Rule
from graphs.words import condition

ELSEWHERE = "under another graph"
NARROW, WIDE = 24, 40  # characters of a line on an arrow and in a box: no wider, or they lie on other arrows
TIGHT = 18  # of one in a row of nodes, that the whole fits a page


def label(spec: Graph, arrow: Arrow, brief: bool) -> str:
    """Return what is written on an arrow, its lines joined; `brief` leaves out rules that did not fire."""
    if not arrow.rules:
        return f"{ELSEWHERE}{times(arrow.taken)}"
    if not arrow.forks:
        return times(arrow.taken).strip()
    return "<br/>".join(rules(spec, arrow, brief, TIGHT if brief else NARROW))


def rules(spec: Graph, arrow: Arrow, brief: bool, width: int) -> Iterator[str]:
    """Yield the lines of an arrow's rules: the number, when each fires, and on a line of its own who moves up."""
    for number, rule in arrow.rules:
        if (count := arrow.fired.get(str(rule), 0)) or not brief:
            where = _where(arrow.source, rule) if arrow.told else ""
            # A space that does not break: Mermaid of 2025 refuses what looks to Markdown like a numbered list.
            words = f"{number}\u00a0{condition(_plain(spec, rule))}{where}{times(count)}"
            yield from (f"<b>{text(line)}</b>" if count else text(line) for line in _wrapped(words, width))
            if rule.up:
                yield f"<b>↑ {'' if rule.up == AGAIN else text(rule.up) + ' '}moves up</b>"


def _wrapped(words: str, width: int) -> list[str]:
    """Return as few lines as there can be, of about the same length."""
    lines, longest = wrap(words, width), max(map(len, words.split(" ")))
    widths = range(min(longest, width), width + 1)
    return next(made for each in widths if len(made := wrap(words, each)) == len(lines))


def _where(source: str, rule: Rule) -> str:
    return ": again" if rule.to in (source, AGAIN) else f" →\u00a0{'end' if rule.to == END else rule.to}"


def told(spec: Graph, arrows: Sequence[Arrow], brief: bool) -> Iterator[str]:
    """Yield what the box of a node says of its rules that are not drawn, in the order of their numbers."""
    apart = [arrow._replace(rules=[placed]) for arrow in arrows for placed in arrow.rules]
    for arrow in sorted(apart, key=lambda arrow: _place(arrow.rules[0][0])):
        yield from rules(spec, arrow, brief, WIDE)
    yield from (label(spec, arrow, brief) for arrow in arrows if not arrow.rules)


def _place(number: str) -> tuple[bool, int]:
    return number.startswith("fault"), int(number.strip("fault ."))


def most(spec: Graph) -> tuple[str, str] | None:
    """Return the node that all rules with `lifelines` lead to, and how many they grant; None if others lead there too."""
    led = [
        ("" if rule.to == name else rule.to, str(rule.arguments.get("lifelines") or ""))
        for name in spec.nodes
        for rule in spec.rules_of(name)
    ]
    granted = {(to, most) for to, most in led if most}
    if len(granted) == 1:
        to, most = granted.pop()
        return (to, most) if to in spec.nodes and (to, "") not in led else None
    return None


def _plain(spec: Graph, rule: Rule) -> Rule:
    """Return a rule without the count that its target's box tells."""
    if not most(spec):
        return rule
    return Rule(**{key: value for key, value in rule.model_dump().items() if key != "lifelines"})


def text(words: str) -> str:
    """Return text as Mermaid's entities have it: a name or an argument must not become markup."""
    plain = "".join(c if c.isprintable() else " " for c in words)
    return re.sub(r"[\"<>&#`$\\]|%(?=%)", lambda m: f"#{ord(m[0])};", " ".join(plain.split()))
