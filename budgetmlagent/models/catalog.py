"""What the command line shows of the models that there are."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.able import able_of
from budgetmlagent.models.config import ModelSpec, host, is_loopback
from budgetmlagent.models.embedded.weights import KNOWN, path_of
from budgetmlagent.models.profiles import profile_of
from budgetmlagent.money.prices import Rates


def list_models(models: Mapping[str, ModelSpec]) -> list[dict[str, Any]]:
    """Describe the models without touching a network.

    `path`, `present` and `bytes` are those of an embedded model's weights; null for a model elsewhere. `able` is what is believed of
    it (the fields of `nodes.able.Able`), `profile` the tallies of its exercises by name, null where it has none.
    """
    return [_describe(spec) for spec in models.values()]


def _describe(spec: ModelSpec) -> dict[str, Any]:
    path = path_of(spec.model) if spec.base_url == EMBEDDED else None
    present = path.is_file() if path else None
    size = path.stat().st_size if path and present else None
    if path and not present and spec.model in KNOWN:
        size = KNOWN[spec.model].bytes
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
        "profile": asdict(profile) if (profile := profile_of(spec)) else None,
    }


def price_words(spec: ModelSpec) -> str:
    """The declared price in words."""
    if isinstance(spec.price, Rates):
        cached = f", {spec.price.cached} cached" if spec.price.cached is not None else ""
        return f"${spec.price.input} in, {spec.price.output} out{cached} per million tokens"
    if spec.price == 0:
        return "free"
    if spec.list_price_of:
        return f"counted as {spec.list_price_of}"
    return f"list price of {spec.model}"
