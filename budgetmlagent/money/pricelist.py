"""The price list, read by provider: which models somebody sells, and for how much."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class Listed:
    """A model as the list has it. Prices are dollars per million tokens, of a short prompt at this hour."""

    id: str
    input: Decimal
    output: Decimal
    context: int | None  # the window, in tokens


def listed(provider: str) -> list[Listed]:
    """Return the models of a provider (genai-prices' id of it) that read and write text and are not deprecated."""
    from genai_prices.data_snapshot import get_snapshot

    now, found = datetime.now(UTC), []
    models = next((each.models for each in get_snapshot().providers if each.id == provider), [])
    for model in (each for each in models if not each.deprecated):
        rates = model.get_prices(now)
        text_in, text_out = _of_short(rates.input_mtok), _of_short(rates.output_mtok)
        if text_in and text_out:
            found.append(Listed(model.id, text_in, text_out, model.context_window))
    return found


def _of_short(rate: Any) -> Decimal | None:
    """Return the rate of a short prompt: where there are tiers, the base."""
    base: Decimal | None = getattr(rate, "base", rate)
    return base


def edition() -> str:
    """Return the name and version of the list."""
    return f"genai-prices {version('genai-prices')}"
