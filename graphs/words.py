"""A rule in words, for pictures and cards: made from its predicate and the arguments that the rule gives it.

What a predicate says is a line with its arguments in braces: `after {attempts} attempts without gain`. What stands in
brackets is said only where the rule gives the arguments in it. The shipped predicates' lines are below; that of a
user's own is the first line of its docstring.
"""

import inspect
import re
from functools import lru_cache
from typing import Any

from graphs.model import Rule
from graphs.seen import see_predicate
from graphs.verdict import Predicate

# The rules with `lifelines` share one count.
HELP = "[, dearer help at most {lifelines} times in all]"
WORDS = {
    "out_of_turns": "all turns are used",
    "out_of_budget": "the money does not pay for the next call",
    "baseline_failed": "the starter fails",
    "improved": "a new best",
    "retest": "better, but within the noise",
    "reached": "better than the starter by {percent}%[ (aim: {aim})]",
    "case_left": "memory has another case",
    "idea_left": "advice is left to try",
    "average_left": "at the end, averages left[ ({after})][ ({action})]",
    "averaged": "averaged at the end",
    "nothing_recalled": "memory has nothing more",
    "crashed": "a crash: at most {repairs} repairs",
    "stuck": "after {attempts} attempts without gain[, unless {goal}% better than the starter]" + HELP,
    "missed": "no usable reply[, {times} times][, unless {but}]" + HELP,
    "given_up": "no reply to be had, or no money",
    "repeated": "the same action {times} times" + HELP,
    "wants": "the planner wants {action}" + HELP,
    "faulted": "{kind}",
    "had_turns": "memory has had {share:.0%} of the turns",
    "overran": "over a limit: mended at most {repairs}×",
    "pays": "a try by {model} is likely to bring more for its money[, unless {unless} plans freely]" + HELP,
    "vain": "{reached}% better than the starter, and little more to hope for",
    "beyond": "too much for the model {than}",
    "within": "the model {than} can do it",
    "balked": "an idea brought no gain[, {times} in a row]",
    "hopeless": "no script runs, {share:.0%} of the turns or money is used",
}
# What values are called.
VALUES = {
    ("action", "expert"): "an expert",
    ("action", "finish"): "to finish",
    ("action", "look"): "to look at the data",
    ("after", "nothing_recalled"): "memory's own",
    ("after", "refused"): "no money",
    ("kind", "busy"): "the model is busy",
    ("kind", "denied"): "a wrong key, address or name",
    ("kind", "noop"): "a script that changes nothing",
    ("kind", "no_turn"): "no turn is left",
    ("kind", "rejected"): "a request that is rejected",
    ("kind", "thought"): "it only thought",
}
PART = re.compile(r"\[([^\[\]]*)\]")
BRACE = re.compile(r"\{(\w+)(?::(\.\d[%f]))?\}")
LONGEST = 120  # characters of what a user's predicate says


def said(rule: Rule) -> str:
    """Return when a rule fires, and whom it moves up: `after 4 attempts without gain: coder moves up`."""
    return f"{condition(rule)}: {rule.up} moves up" if rule.up else condition(rule)


def condition(rule: Rule) -> str:
    """Return when a rule fires: `after 4 attempts without gain`."""
    if not rule.when:
        return "otherwise"
    line, defaults = _line(rule.when)
    given = {key: value for key, value in rule.arguments.items() if value not in (None, "", 0)}
    if given.get("times") == 1:  # "1 in a row" is what holds without it
        del given["times"]
    if not line:
        return " ".join([rule.when, *(f"{key}={value}" for key, value in rule.arguments.items())])
    kept = PART.sub(lambda m: m[1] if all(b[1] in given for b in BRACE.finditer(m[1])) else "", line)
    return BRACE.sub(lambda m: _value(m, defaults | rule.arguments), kept)


def _line(name: str) -> tuple[str, dict[str, Any]]:
    """Return what a predicate says, "" where it is not to be found, and what its arguments are if they are not given."""
    try:
        predicate = see_predicate(name)
    except LookupError:
        return "", {}
    if not callable(predicate):  # its source does not tell
        return "", {}
    first, defaults = _told(predicate)
    return WORDS.get(name) or first, defaults


@lru_cache(maxsize=256)
def _told(predicate: Predicate) -> tuple[str, dict[str, Any]]:
    """Return the first line of a predicate's docstring, and its arguments' defaults."""
    first = (inspect.getdoc(predicate) or "").partition("\n")[0].rstrip(".")
    parameters = inspect.signature(predicate).parameters.values()
    return first[:LONGEST], {p.name: p.default for p in parameters if p.default is not p.empty}


def _value(brace: re.Match[str], arguments: dict[str, Any]) -> str:
    name, form = brace[1], brace[2]
    if name not in arguments:
        return brace[0]
    value = arguments[name]
    if form and isinstance(value, int | float):
        return format(value, form)
    return VALUES.get((name, value), str(value)) if isinstance(value, str) else str(value)
