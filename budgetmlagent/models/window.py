"""How many tokens a prompt and its reply may have together, as far as somebody says it."""

from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.models.embedded.server import CONTEXT
from budgetmlagent.models.endpoint import profile
from budgetmlagent.money.prices import PACKAGES


def window(spec: ModelSpec) -> int | None:
    """A model's window by models.yaml, LangChain's profile or the price list at its place; None where none of them tells it."""
    if spec.base_url == EMBEDDED:
        return spec.context or CONTEXT
    return spec.context or profile(spec.model).get("max_input_tokens") or _listed(spec)


def _listed(spec: ModelSpec) -> int | None:
    """What the price list has of the model where it is asked: another place may cut it shorter."""
    from genai_prices.data_snapshot import get_snapshot

    url = spec.base_url or spec.params.get("base_url")
    package = (spec.chat or "").partition(".")[0].partition(":")[0]
    place = (None, url) if isinstance(url, str) else (package.removeprefix(PACKAGES), None)
    try:
        return get_snapshot().find_provider_model(spec.model, None, *place)[1].context_window
    except LookupError:
        return None
