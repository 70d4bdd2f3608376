"""What models have shown in the exercises of `budgetml models profile`, kept in the cache.

A file for each host, model and way in which it is asked: one that is told to think does other things than one that is not.
No key and no text of a model stands in it. What is not whole, or of another version of the exercises, is no profile.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter

from budgetmlagent.cache import cache
from budgetmlagent.errors import UnavailableError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.endpoint import file_of, place
from budgetmlagent.money.prices import Price
from budgetmlagent.money.usage import Tokens
from memory.files import SMALL, parsed, read_plain, write_whole
from nodes.able import Able

FOLDER = "profiles"  # of the cache
VERSION = 1  # of the exercises; each change of them makes another
WRITTEN = {"write-20": 20, "write-60": 60, "write-150": 300}  # exercise -> lines that may then be asked for
HALF, MOSTLY = 1 / 2, 2 / 3  # shares of right answers that count as being able to
FREE_LINES = 60  # who plans freely is also to carry it out: by writing scripts of so many lines, or by edits
ROLES = {  # whose work each exercise is
    "choose": "planner", "plan": "planner", "ideas": "expert", "edit": "coder", "repair": "coder", "change": "coder",
    **dict.fromkeys(WRITTEN, "coder"),
}  # fmt: skip
WAYS = {"reasoning", "params", "schema_form", "temperature", "max_tokens", "context"}  # of a ModelSpec
SURE = 1.96  # standard errors to each side: an interval of 95%

Count = Annotated[int, Field(ge=0, le=10**12)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


@dataclass(frozen=True)
class Tally:
    """What came of one exercise."""

    asked: Count = 0
    right: Count = 0
    tokens_in: Count = 0
    tokens_out: Count = 0
    thought: Count = 0  # of tokens_out
    seconds: Amount = 0.0
    usd: Amount = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        """Add up."""
        mine, its = asdict(self), asdict(other)
        return Tally(**{name: mine[name] + its[name] for name in mine})

    @property
    def share(self) -> float:
        """Right answers of those asked for; 0 where none was."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the share, 95%."""
        return wilson(self.right, self.asked)

    @property
    def usd_per_success(self) -> float | None:
        """Dollars for a right answer; None where there was none."""
        return self.usd / self.right if self.right else None


@dataclass(frozen=True)
class Profile:
    """What a model has shown: tallies by exercise."""

    host: str
    model: str
    version: int
    exercises: dict[str, Tally]
    way: str = ""
    """How the model was asked (`way`); "" in a file that was made before this was told apart."""

    def able(self, guess: Able) -> Able:
        """What the model can do; `guess` says what no exercise has asked."""
        lines = self._lines(guess.lines) if self._asked(*WRITTEN) else guess.lines
        edits = self.share("edit") >= MOSTLY if self._asked("edit") else guess.edits
        plans = self.share("plan") >= MOSTLY if self._asked("plan") else guess.is_free
        free = plans and (edits or lines >= FREE_LINES)
        return replace(guess, plans="free" if free else "menu", lines=lines, edits=edits)

    def _lines(self, guess: int) -> int:
        """The longest script of which, and of all shorter ones, enough were right; 0 where none were.

        Where a longer one was not asked for, it is no shorter than the `guess`.
        """
        lines = 0
        for name, longest in WRITTEN.items():
            if lines and not self._asked(name):
                return max(lines, guess)
            if self.share(name) < HALF:
                break
            lines = longest
        return lines

    def _asked(self, *names: str) -> bool:
        return any(self.exercises.get(name, Tally()).asked for name in names)

    def share(self, exercise: str) -> float:
        """Right answers of those asked for."""
        return self.exercises.get(exercise, Tally()).share

    def in_role(self, role: str) -> dict[str, Tally]:
        """What came of each exercise of a role that was asked; "": of all."""
        return {
            name: tally
            for name, tally in self.exercises.items()
            if tally.asked and role in ("", ROLES.get(name))
        }


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up."""
    return sum(tallies, Tally())


def cost_of(tally: Tally, price: Price) -> int:
    """Nano-dollars that the answers of an exercise cost at `price`: it may be another one than when they were given."""
    if not tally.asked:
        return 0
    each = Tokens(input=tally.tokens_in // tally.asked, cached=0, output=tally.tokens_out // tally.asked)
    return price.cost(each) * tally.asked


def in_common(shown: Sequence[Mapping[str, Tally]]) -> list[dict[str, Tally]]:
    """Return what several models have shown of the same exercises: those that each was asked, or has failed a shorter one of.

    Who has failed a shorter one counts as failing this, with the tokens and seconds that it took the others.
    """
    names = [name for name in ROLES if any(name in tallies for tallies in shown)]
    names = [name for name in names if all(name in each or _has_failed(each, name) for each in shown)]
    usual = {name: mean([each[name] for each in shown if name in each]) for name in names}
    return [{name: each.get(name, usual[name]) for name in names} for each in shown]


def _has_failed(tallies: Mapping[str, Tally], name: str) -> bool:
    """Whether a model was never right in an exercise that asks for a shorter script than `name` does."""
    written = list(WRITTEN)
    shorter = written[: written.index(name)] if name in written else []
    return any(each in tallies and not tallies[each].right for each in shorter)


def mean(tallies: Sequence[Tally]) -> Tally:
    """One answer that is wrong, as long as all of `tallies` are on average; nothing where none was asked for."""
    told = total(tallies)
    if not told.asked:
        return Tally()
    return Tally(
        asked=1,
        tokens_in=told.tokens_in // told.asked,
        tokens_out=told.tokens_out // told.asked,
        seconds=told.seconds / told.asked,
    )


def wilson(right: int, asked: int) -> tuple[float, float]:
    """Wilson's score interval of a share, 95%; (0, 1) where nothing was asked (E. B. Wilson, JASA 22, 1927)."""
    if not asked:
        return 0.0, 1.0
    share, square = right / asked, SURE**2
    middle, width = (
        share + square / (2 * asked),
        SURE * sqrt(share * (1 - share) / asked + square / (4 * asked**2)),
    )
    low, high = ((middle + sign * width) / (1 + square / asked) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def profile_of(spec: ModelSpec) -> Profile | None:
    """Return a model's profile; None where it has none, or one that can be made again: it is damaged, or of older exercises."""
    return _read(spec, path(spec), way(spec)) or _read(spec, file_of(cache() / FOLDER, spec), "")


def _read(spec: ModelSpec, file: Path, asked: str) -> Profile | None:
    try:
        said = parsed(read_plain(file, SMALL).decode("utf-8"))
        kept = TypeAdapter(Profile).validate_python(said)
    except (OSError, ValueError, TypeError, UnavailableError):
        return None
    same = (kept.host, kept.model, kept.version, kept.way) == (place(spec), spec.model, VERSION, asked)
    sound = all(name in ROLES and tally.right <= tally.asked for name, tally in kept.exercises.items())
    return kept if same and sound else None


def keep(spec: ModelSpec, tallies: Mapping[str, Tally], *, is_whole: bool = True) -> Profile:
    """Keep a model's profile, where the cache can be written, and return it.

    One that is not whole adds its answers to those that are known.
    """
    before = None if is_whole else profile_of(spec)
    known = dict(before.exercises if before else {})
    known |= {name: known.get(name, Tally()) + tally for name, tally in tallies.items()}
    made = Profile(place(spec), spec.model, VERSION, known, way(spec))
    with contextlib.suppress(OSError):  # it can be made again
        path(spec).parent.mkdir(parents=True, exist_ok=True)
        write_whole(path(spec), json.dumps(asdict(made), indent=1).encode())
    return made


def way(spec: ModelSpec) -> str:
    """Tell apart the ways in which one model at one host is asked, in a few letters: by what changes what it does."""
    said = spec.model_dump(mode="json", by_alias=False, include=WAYS, exclude_none=True)
    told = json.dumps({"path": urlsplit(spec.base_url).path} | said, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def path(spec: ModelSpec) -> Path:
    """The file of a model's profile."""
    plain = file_of(cache() / FOLDER, spec)
    return plain.with_name(f"{plain.stem}-{way(spec)}.json")
