"""Whether an answer is right: by its form, and a script by what it prints. An answer is data, whatever stands in it."""

import re
from collections.abc import Callable, Mapping
from math import ceil

from budgetmlagent.profiling.exercises import Exercise, Variant
from nodes.craft.blocks import applied, blocks
from nodes.craft.ideas import ideas
from nodes.craft.replies import json_object, said
from nodes.craft.scripts import extract

# Runs a script beside the named tables: what it printed, and what is wrong with how it ended, "" for nothing.
Run = Callable[[str, tuple[str, ...]], tuple[str, str]]

RELATIVE, ABSOLUTE = 1e-3, 1e-3  # by which a printed number may be off
SHARE = 0.9  # of a script's results that must be right
LONGEST_LINE = 200  # characters of a line that is read as a result
LINE = re.compile(r"[\s\"'`*-]*(\w+)[\"'`*]*\s*[:=]?\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
FEWEST_IDEAS, MOST_IDEAS, MOST_WORDS = 2, 4, 80
FEWEST_WORDS, MOST_PLANNED = 8, 200  # of an instruction
CONCRETE = re.compile(
    r"[A-Z]\w*[a-z][A-Z]\w*|\w+\s*=\s*[\w.\"'\[({-]|[a-z]\w*_\w+|\d"
)  # a class, a parameter, a number
NO_JSON, NO_SCRIPT, NO_EDIT, NO_IDEAS = (
    "no JSON object", "no Python script", "no edit that fits the script", "no list of ideas",
)  # fmt: skip
NONE = (NO_JSON, NO_SCRIPT, NO_EDIT, NO_IDEAS)  # problems of what is no answer at all
LONGEST = 100_000  # characters of an answer that are looked at


def problem(exercise: Exercise, variant: Variant, reply: str, run: Run) -> str:
    """Say in a few words what is wrong with a reply; "" where it is right. `run` is used for scripts alone."""
    text = reply[:LONGEST]
    if exercise.judged == "choice":
        return _choice(variant, text)
    if exercise.judged == "plan":
        return _plan(variant, text)
    if exercise.judged == "ideas":
        return _ideas(text, " ".join(variant.ask.split()))
    script = _edited(variant.script, text) if exercise.judged == "edit" else extract(text)
    if script is None:
        return NO_EDIT if exercise.judged == "edit" else NO_SCRIPT
    output, ended = run(script, variant.files)
    return ended or _results(variant.results, output)


def _chosen(variant: Variant, text: str, fields: tuple[str, ...]) -> Mapping[str, str] | str:
    """Return the fields of a JSON answer, or what is wrong with it."""
    value = json_object(text)
    if value is None:
        return NO_JSON
    for name in fields:
        if not isinstance(value.get(name, ""), str):
            return f"{name} is no text"
    chosen = {name: value.get(name, "") for name in fields}
    if chosen["action"] not in variant.actions:
        return "an action that was not on offer"
    for name, sensible in variant.sensible.items():
        if chosen[name] not in sensible:
            return f"a choice of {name} that makes no sense"
    return chosen


def _choice(variant: Variant, text: str) -> str:
    chosen = _chosen(variant, text, ("action", "case", "instruction"))
    if isinstance(chosen, str):
        return chosen
    return "" if _is_concrete(variant, chosen["instruction"]) else "an instruction that names nothing"


def _plan(variant: Variant, text: str) -> str:
    chosen = _chosen(variant, text, ("action", "instruction", "why"))
    if isinstance(chosen, str):
        return chosen
    if not FEWEST_WORDS <= len(chosen["instruction"].split()) <= MOST_PLANNED:
        return "an instruction that is too short or too long"
    if not chosen["why"].strip():
        return "no reason"
    return "" if _is_concrete(variant, chosen["instruction"]) else "an instruction that names nothing"


def _is_concrete(variant: Variant, instruction: str) -> bool:
    lower = instruction.lower()
    return not variant.names or any(name in lower for name in variant.names)


def _ideas(text: str, dossier: str) -> str:
    found = ideas(said(text))
    if len(found) < FEWEST_IDEAS:  # any sentence is read as one
        return NO_IDEAS
    if len(found) > MOST_IDEAS:
        return f"{len(found)} ideas"
    if any(len(idea.split()) > MOST_WORDS for idea in found):
        return "an idea that is too long"
    if any(idea in dossier for idea in found):
        return "a line of the dossier"
    return "" if all(CONCRETE.search(idea) for idea in found) else "an idea that names nothing"


def _edited(script: str, text: str) -> str | None:
    """Return `script` with the search and replace blocks of `text` applied; None where there is none, or one does not fit."""
    changes = blocks(text)
    made, wrong = applied(script, changes) if isinstance(changes, list) else ("", "none")
    return None if wrong else made


def _results(wanted: Mapping[str, float], output: str) -> str:
    lines = (LINE.fullmatch(line) for line in output.splitlines() if len(line) <= LONGEST_LINE)
    printed = {found[1]: float(found[2]) for found in lines if found}
    wrong = [name for name, value in wanted.items() if not _is_near(printed.get(name), value)]
    if len(wanted) - len(wrong) >= ceil(SHARE * len(wanted)):
        return ""
    missing = sum(name not in printed for name in wrong)
    return f"{len(wrong)} of {len(wanted)} results wrong" + (
        f", {missing} of them not printed" if missing else ""
    )


def _is_near(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) <= RELATIVE * abs(wanted) + ABSOLUTE
