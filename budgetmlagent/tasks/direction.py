"""Which way of a task's score is better: what its files state, held against what is known of the metric they name."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from budgetmlagent.errors import UsageError
from budgetmlagent.tasks.metrics import Direction, named
from budgetmlagent.tasks.scorerfile import higher, returned, titled
from budgetmlagent.tasks.wording import about_scores, better, stated

WORDS: dict[Direction, str] = {"max": "more", "min": "less"}


def from_higher(file: Path, tree: ast.Module) -> dict[str, Direction]:
    """What HIGHER in the scorer says, as {where: direction}; empty where it says nothing."""
    said = higher(file, tree)
    return {f"{file}:{said[0]}: HIGHER": "max" if said[1] else "min"} if said else {}


def signs(name: str, text: tuple[str, str], file: Path, tree: ast.Module) -> dict[str, Direction]:
    """What names and plain words of a task mean, as {what is said where: direction}.

    `name` is its metric's, "" where none is given; `text` is where its words stand, and the words; `file` is its scorer.
    """
    return {
        (f"{what}, of which {WORDS[way]} is better" if what.endswith("'") else what): way
        for what, way in _signs(name, text, file, tree)
    }


def _signs(name: str, text: tuple[str, str], file: Path, tree: ast.Module) -> Iterator[tuple[str, Direction]]:
    where, words = text
    if metric := named(name):
        yield f"the metric's name is '{name}'", metric.direction
    if metric := titled(tree):
        yield f"{file}:1 names '{metric.name}'", metric.direction
    if found := returned(tree):
        yield f"{file}:{found[0]} returns '{found[1].name}'", found[1].direction
    if metric := stated(words):
        yield f"{where} names '{metric.name}'", metric.direction
    for place, said in ((where, about_scores(words)), (str(file), ast.get_docstring(tree) or "")):
        if way := better(said):
            yield f"{place} says that {WORDS[way]} is better", way


def agreed(
    said: Mapping[str, Direction], hints: Callable[[], Mapping[str, Direction]], wanted: Direction | None
) -> Direction:
    """The one direction that all who state one agree on; what `hints` mean may be otherwise only if it is `wanted` so.

    Hints are looked for only where they can say something, as that takes time. Raises UsageError.
    """
    states = {**said, **({"--direction": wanted} if wanted else {})}
    if not states:
        raise UsageError(
            "the task does not state its metric's direction; add HIGHER = True or False to eval.py, or give `budgetml run` --direction max|min (direction=…)"
        )
    (where, first), *others = states.items()
    for other, direction in others:
        if direction != first:
            raise UsageError(f"{other}: means {direction!r} but {where} means {first!r}; make them agree")
    for sign, direction in {} if wanted else hints().items():
        if direction != first:
            raise UsageError(
                f"{where}: means {first!r}, but {sign}; correct one of them, or confirm it with --direction {first} (direction={first!r})"
            )
    return first
