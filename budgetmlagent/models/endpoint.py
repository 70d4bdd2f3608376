"""What is known of a model at its endpoint: which fields of a request it does not take, and how long it thinks.

First a guess, from models.yaml and LangChain's profiles; then what its replies and refusals taught, which is kept in the
cache's folder, a file for each host and model, so that the next run asks rightly at the first try.
"""

import contextlib
import hashlib
import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from budgetmlagent.cache import cache
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.config import ModelSpec, ThinkingBudget, host
from budgetmlagent.money.usage import MOST_TOKENS
from memory.files import write_whole
from memory.locks import locked

LIMITS = ("max_tokens", "max_completion_tokens")  # the older name and the newer: some servers know one alone
# What a request may carry beside its messages. `keywords` are those of a schema that say more than its form.
FIELDS = (
    "temperature", "seed", "max_tokens", "max_completion_tokens", "keywords", "json_schema", "json_object", "reasoning",
)  # fmt: skip
ONE_LIMIT_ONLY = ("openai.com", "azure.com", "volces.com")  # refuse max_tokens beside max_completion_tokens
FORMS = {"strict": (), "json": ("json_schema",), "words": ("json_schema", "json_object")}  # not sent in each
SEEN, ENOUGH = 20, 3  # newest thoughts that are kept, and how many of them make a guess knowledge
SPARE = 1.5  # room to think, in terms of the longest thought that was seen
FLOOR = 1_000  # tokens of room for a model that is known to think: a harder question takes longer
UNKNOWN = 2_000  # tokens of room for a model of which nothing is known; low effort takes 100 to 1,500
PART = 0.25  # of the room for thinking that is usually used, where nothing is known
EFFORT = {"low": 2_000, "medium": 6_000, "high": 16_000}  # tokens of room at first


@dataclass(frozen=True)
class Endpoint:
    """What one model at one endpoint takes, and how it thinks."""

    refused: frozenset[str] = frozenset()  # of FIELDS
    most: int | None = None  # output tokens that a request may ask for
    heeds: bool = True  # whether the model's JSON keeps to a form that was taken
    thoughts: Sequence[int] = ()  # tokens of thinking in the newest replies, oldest first
    fits: int | None = None  # output tokens that fit beside this very prompt; kept nowhere

    def takes(self, field: str) -> bool:
        """Whether the field may be sent, and is worth it."""
        return field not in self.refused and (self.heeds or field not in FORMS["words"])

    @property
    def form(self) -> Literal["strict", "json", "words"]:
        """How JSON is asked for: by its schema, as any object, or by words alone."""
        return "strict" if self.takes("json_schema") else "json" if self.takes("json_object") else "words"

    @property
    def usual(self) -> int:
        """Tokens that the model is known to think for, usually; 0 where nothing is known."""
        return math.ceil(statistics.median(self.thoughts)) if self.thoughts else 0

    def thought(self, tokens: int) -> "Endpoint":
        """Return what is known after a reply with so many tokens of thinking."""
        return replace(self, thoughts=[*self.thoughts, tokens][-SEEN:])

    def without(self, field: str) -> "Endpoint":
        """Return what is known after a request was refused for `field`."""
        return replace(self, refused=self.refused | {field})


def room_to_think(spec: ModelSpec, known: Endpoint) -> int:
    """Tokens of a reply's limit that are added to what is asked for, so that thinking leaves room for the answer."""
    if spec.base_url == EMBEDDED:
        return 0
    longest = max(known.thoughts, default=0)
    seen = max(math.ceil(longest * SPARE), FLOOR) if longest else 0
    return seen if len(known.thoughts) >= ENOUGH else max(seen, _guess(spec))


def usual_thought(spec: ModelSpec, known: Endpoint) -> int:
    """Tokens that a reply's thinking is likely to have: as they are known, else a part of the room for them."""
    return known.usual if known.thoughts else math.ceil(room_to_think(spec, known) * PART)


def least_to_think(spec: ModelSpec) -> int:
    """Tokens that a reply's limit has to be larger than: the thinking that models.yaml asks for; 0 where it does not."""
    return spec.reasoning.tokens if isinstance(spec.reasoning, ThinkingBudget) else 0


def _guess(spec: ModelSpec) -> int:
    if isinstance(spec.reasoning, str):
        return EFFORT.get(spec.reasoning, 0)
    if spec.reasoning is not None:
        return least_to_think(spec)
    return UNKNOWN if profile(spec.model).get("reasoning_output", True) else 0


def first_guess(spec: ModelSpec) -> Endpoint:
    """What models.yaml and the model's profile say, before the endpoint itself has said anything."""
    if spec.base_url == EMBEDDED:
        return Endpoint()
    told = profile(spec.model)
    refused = set(FORMS[spec.schema_form or ("words" if spec.chat else "strict")])
    if host(spec).endswith(ONE_LIMIT_ONLY):
        refused.add("max_tokens")
    if spec.seed is False:
        refused.add("seed")
    if spec.temperature is False or (spec.temperature is None and not told.get("temperature", True)):
        refused.add("temperature")
    if spec.schema_form is None and not told.get("structured_output", True):
        refused.add("json_schema")
    return Endpoint(frozenset(refused), told.get("max_output_tokens"))


@once
def profile(model: str) -> dict[str, Any]:
    """LangChain's profile of a model by its name, a router's `provider/` taken off; empty where it knows none."""
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Nothing is sent by it: it needs no client, whose making reads the environment's proxies and certificates.
    nobody: dict[str, Any] = {"client": object(), "async_client": object()}
    known = ChatOpenAI(model=model.rpartition("/")[2], api_key=SecretStr("none"), **nobody).profile
    return dict(known or {})


class Endpoints:
    """The endpoints of the cache's folder, for any number of processes at once."""

    def __init__(self, *, neighbours: bool = True) -> None:
        """Without `neighbours` nothing is concluded from other models at the same endpoint."""
        self.folder, self.neighbours = cache() / "endpoints", neighbours

    def of(self, spec: ModelSpec) -> Endpoint:
        """What is known of a model; of one that was never asked, what is refused for all others at its endpoint."""
        guess, learned = first_guess(spec), _learned(_json(self.path(spec)))
        if self.neighbours and not self.path(spec).exists():
            others = [
                _learned(_json(path)).refused for path in self.folder.glob(f"{_slug(place(spec))}--*.json")
            ]
            learned = Endpoint(others[0].intersection(*others[1:]) if others else frozenset())
        most = min((most for most in (guess.most, learned.most) if most), default=None)
        return replace(learned, refused=guess.refused | learned.refused, most=most)

    def keep(self, spec: ModelSpec, known: Endpoint) -> None:
        """Keep what was learned, where the folder can be written; of the embedded models nothing is."""
        path = self.path(spec)
        if spec.base_url == EMBEDDED:
            return
        with contextlib.suppress(OSError):  # it can be learned again
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, spec, known)

    def _write(self, path: Path, spec: ModelSpec, known: Endpoint) -> None:
        with locked(path.with_suffix(".lock")):
            kept = _json(path)
            before = _learned(kept)
            refused = sorted((known.refused | before.refused) - first_guess(spec).refused)
            most = min((most for most in (known.most, before.most) if most), default=None)
            learned = {
                "refused": refused,
                "most": most,
                "heeds": known.heeds,
                "thoughts": list(known.thoughts),
            }
            about = {"host": place(spec), "model": spec.model}
            if (whole := about | learned) != kept:
                write_whole(path, json.dumps(whole, indent=1).encode())

    def forget(self, spec: ModelSpec) -> None:
        """Forget what was learned of a model, where the folder can be written: its endpoint is to say it anew."""
        with contextlib.suppress(OSError):
            self.path(spec).unlink()

    def path(self, spec: ModelSpec) -> Path:
        """The file of a model at its endpoint."""
        return file_of(self.folder, spec)


def _learned(kept: Mapping[str, Any]) -> Endpoint:
    """What a file says, as far as a reply can have taught it: one came of a request with a limit."""
    refused, most, thoughts = (kept.get(key) for key in ("refused", "most", "thoughts"))
    known = {field for field in FIELDS if isinstance(refused, list) and field in refused}
    return Endpoint(
        frozenset(known.difference(LIMITS) if known.issuperset(LIMITS) else known),
        most if _is_count(most) and most else None,
        kept.get("heeds") is not False,
        [n for n in thoughts if _is_count(n)][-SEEN:] if isinstance(thoughts, list) else [],
    )


def place(spec: ModelSpec) -> str:
    """The host and port that is asked, `embedded`; or the class, and the address that it was given."""
    own = spec.params.get("base_url") if spec.chat else spec.base_url
    return (spec.chat or "") + (urlsplit(own).netloc or own if isinstance(own, str) else "")


def file_of(folder: Path, spec: ModelSpec) -> Path:
    """The file in `folder` of what is known of a model at its place."""
    digest = hashlib.sha256(spec.model.encode()).hexdigest()[:8]
    return folder / f"{_slug(place(spec))}--{_slug(spec.model)[:80]}-{digest}.json"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def _slug(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name)


def _json(path: Path) -> dict[str, Any]:
    """The file's object; empty where there is none that can be read, for all of it can be learned again."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
