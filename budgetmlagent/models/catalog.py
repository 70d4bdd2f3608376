"""What the command line shows of the models that there are."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.able import able_of
from budgetmlagent.models.config import ModelSpec, host, is_loopback
from budgetmlagent.models.embedded.weights import KNOWN, path_of
from budgetmlagent.models.profiles import Profile, cost_of, profile_of, total
from budgetmlagent.money.prices import Price, Rates, price_of
from memory.state import NANO


def list_models(models: Mapping[str, ModelSpec]) -> list[dict[str, Any]]:
    """Describe the models without touching a network.

    `path`, `present` and `bytes` are those of an embedded model's weights; null for a model elsewhere. `able` is what is believed of
    it (the fields of `nodes.able.Able`), `profile` the tallies of its exercises by name, `shown` their sum at
    today's price (`right`, `asked`, the interval `low` to `high` of 95%, `usd_per_success`); null where it has none.
    """
    return [_describe(spec) for spec in models.values()]


def _describe(spec: ModelSpec) -> dict[str, Any]:
    path = path_of(spec.model) if spec.base_url == EMBEDDED else None
    present = path.is_file() if path else None
    size = path.stat().st_size if path and present else None
    if path and not present and spec.model in KNOWN:
        size = KNOWN[spec.model].bytes
    profile = profile_of(spec)
    return {
        "name": spec.name,
        "model": spec.model,
        "base_url": spec.base_url,
        "chat": spec.chat,
        "host": host(spec),
        "loopback": is_loopback(spec),
        "key": spec.key,
        "price": price_words(spec),
        "path": str(path) if path else None,
        "present": present,
        "bytes": size,
        "able": asdict(able_of(spec)),
        "profile": asdict(profile) if profile else None,
        "shown": _shown(profile, _price(spec)) if profile else None,
    }


def _shown(profile: Profile, price: Price | None) -> dict[str, Any]:
    all_ = total(profile.exercises.values())
    low, high = all_.interval
    nano = sum(cost_of(tally, price) for tally in profile.exercises.values()) if price else 0
    usd = nano / NANO / all_.right if price and all_.right else None
    return {"right": all_.right, "asked": all_.asked, "low": low, "high": high, "usd_per_success": usd}


def _price(spec: ModelSpec) -> Price | None:
    """The price of a model, None where nobody knows it."""
    try:
        return price_of(spec)
    except UsageError:
        return None


def price_words(spec: ModelSpec) -> str:
    """The price in words: as it is declared, or where it is looked up."""
    if isinstance(spec.price, Rates):
        cached = f", {spec.price.cached} cached" if spec.price.cached is not None else ""
        return f"${spec.price.input} in, {spec.price.output} out{cached} per million tokens"
    if spec.price == 0:
        return "free"
    if _price(spec) is None:
        return "no price is known"
    if spec.list_price_of:
        return f"counted as {spec.list_price_of}"
    return f"list price of {spec.model}"
