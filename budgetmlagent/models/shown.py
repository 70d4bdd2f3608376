"""What models have shown in runs: how many of their replies could be used and how many of their scripts ran, kept in the cache.

It refines the guess of a model that has no profile, from the next run on. Runs that may remember nothing of others
(`--history` run or off) neither add to it nor use it.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

from budgetmlagent.cache import cache
from budgetmlagent.errors import UnavailableError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import file_of, place
from memory.files import SMALL, parsed, read_plain, write_whole
from memory.locks import locked
from nodes.able import Able

RUNS = 20  # the newest ones that count
ENOUGH_REPLIES, ENOUGH_SCRIPTS = 8, 5  # before anything is concluded from them
SELDOM, MOSTLY = 1 / 3, 2 / 3  # shares of scripts that ran
LEAST = 1 / 2  # share of usable replies, below which a model is asked for the simplest
HARD, EASY = 60, 20  # lines of scripts that models are asked for who disappoint

Count = Annotated[int, Field(ge=0, le=10**5)]


@dataclass(frozen=True)
class Shown:
    """What a model has shown in one run, or in several."""

    replies: Count = 0
    usable: Count = 0  # of these
    scripts: Count = 0  # that it wrote, and that were run
    ran: Count = 0  # of these
    longest: Count = 0  # lines of the longest that ran

    def __add__(self, other: "Shown") -> "Shown":
        """Put together."""
        return Shown(
            self.replies + other.replies,
            self.usable + other.usable,
            self.scripts + other.scripts,
            self.ran + other.ran,
            max(self.longest, other.longest),
        )

    def refined(self, guess: Able) -> Able:
        """What the model can do, by a guess and what it has shown."""
        if self.replies >= ENOUGH_REPLIES and self.usable < LEAST * self.replies:
            guess = replace(guess, plans="menu", edits=False, lines=min(guess.lines, HARD))
        if self.scripts >= ENOUGH_SCRIPTS and self.ran < SELDOM * self.scripts:
            return replace(guess, lines=min(guess.lines, EASY))
        if self.scripts >= ENOUGH_SCRIPTS and self.ran > MOSTLY * self.scripts:
            return replace(guess, lines=max(guess.lines, self.longest))
        return guess


class Kept(TypedDict):
    """A file: whom it is about, and what the newest runs have shown, by the run's id."""

    host: str
    model: str
    runs: dict[str, Shown]


def shown_by(spec: ModelSpec) -> Shown:
    """Return what a model has shown in the newest runs; nothing where that is not known."""
    return sum(_runs(spec).values(), Shown())


def keep(spec: ModelSpec, run: str, shown: Shown) -> None:
    """Keep what a model has shown in a run, in the place of what it had shown there before, where the cache can be written."""
    path = _path(spec)
    with contextlib.suppress(OSError):  # other runs will show it
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            runs = {name: each for name, each in _runs(spec).items() if name != run} | {run: shown}
            newest = {name: asdict(each) for name, each in list(runs.items())[-RUNS:]}
            about = {"host": place(spec), "model": spec.model, "runs": newest}
            write_whole(path, json.dumps(about, indent=1).encode())


def _runs(spec: ModelSpec) -> Mapping[str, Shown]:
    try:
        said = parsed(read_plain(_path(spec), SMALL).decode("utf-8"))
        kept = TypeAdapter(Kept).validate_python(said)
    except (OSError, ValueError, UnavailableError):
        return {}
    return kept["runs"] if (kept["host"], kept["model"]) == (place(spec), spec.model) else {}


def _path(spec: ModelSpec) -> Path:
    return file_of(cache() / "shown", spec)
