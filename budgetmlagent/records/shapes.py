"""The shapes of a run's small JSON files: somebody else may have written them."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic checks no other before Python 3.12

Number = float | int | None


class Ended(TypedDict, total=False):
    """ended.json: how a run was left."""

    status: str
    reason: str
    seconds: float | int
    integrity: dict[str, Any] | None


class Final(TypedDict, total=False):
    """final.json: the private scores of the best."""

    attempt: str | None
    private_baseline: Number
    private_best: Number
    private_noise: Number
    noise_hidden: bool
    integrity: dict[str, Any] | None


class Running(TypedDict):
    """running.json: who goes on with a run."""

    pid: int
    began: float
    since: float
    host: str


SHAPES: dict[str, Any] = {
    "running.json": Running,
    "ended.json": Ended,
    "final.json": Final,
    "sealed.json": dict[str, str],
}


def check(name: str, value: Any) -> None:
    """Raise ValueError where `value` is not what a run's file of this name holds; files of other names may hold anything."""
    if name in SHAPES:
        _adapter(name).validate_python(value, strict=True)


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(SHAPES[name])
