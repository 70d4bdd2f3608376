"""Who sells or serves models, and which two of theirs a team begins with: a cheap one and a dear one.

Only families are named here. The newest member of a family, its price and its window come from the price list.
"""

import re
from dataclasses import dataclass

from budgetmlagent.errors import UnavailableError, UsageError
from budgetmlagent.models.config import ModelSpec
from budgetmlagent.money.pricelist import Listed, edition, listed
from budgetmlagent.money.prices import price_of
from budgetmlagent.wording import unknown

VERSION = r"(\d{1,2}(?:[.-]\d{1,2})?)"  # "5", "5.4", "4-5"; not a date


@dataclass(frozen=True)
class Provider:
    """An OpenAI-compatible endpoint. `small` and `large` are families, the preferred first; `#` stands for the version."""

    base_url: str
    key: str | None = None
    """The environment variable that its own documentation names."""
    listed_as: str = ""
    """Its id in the price list; "" for a server on this machine, which is asked itself."""
    small: tuple[str, ...] = ()
    large: tuple[str, ...] = ()
    shown_by: str = ""
    """How a user sees which models a local server has."""


PROVIDERS = {
    "openai": Provider(
        "https://api.openai.com/v1", "OPENAI_API_KEY", "openai",
        small=("gpt-#-luna", "gpt-#-mini"), large=("gpt-#-sol", "gpt-#"),
    ),
    "anthropic": Provider(
        "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "anthropic",
        small=("claude-haiku-#",), large=("claude-sonnet-#",),
    ),
    "gemini": Provider(
        "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "google",
        small=("gemini-#-flash", "gemini-#-flash-preview"),
        large=("gemini-#-argon", "gemini-#-pro", "gemini-#-pro-preview"),
    ),
    "deepseek": Provider(
        "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek",
        small=("deepseek-flash", "deepseek-v#-flash", "deepseek-chat"),
        large=("deepseek-v#-pro", "deepseek-reasoner"),
    ),
    "openrouter": Provider(
        "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter",
        small=("deepseek/deepseek-v#-flash", "openai/gpt-#-mini"),
        large=("anthropic/claude-sonnet-#", "openai/gpt-#"),
    ),
    "groq": Provider(
        "https://api.groq.com/openai/v1", "GROQ_API_KEY", "groq",
        small=("openai/gpt-oss-20b",), large=("openai/gpt-oss-120b",),
    ),
    "ollama": Provider("http://127.0.0.1:11434/v1", shown_by="ollama list"),
    "vllm": Provider("http://127.0.0.1:8000/v1", shown_by="curl http://127.0.0.1:8000/v1/models"),
}  # fmt: skip


def provider_of(name: str) -> Provider:
    """Return the provider of that name. Raises UsageError."""
    if name not in PROVIDERS:
        raise UsageError(unknown("provider", name, PROVIDERS))
    return PROVIDERS[name]


def chosen(provider: Provider) -> dict[str, tuple[ModelSpec, Listed]]:
    """Return `small` and `large` of a hosted provider, each with its entry in the price list.

    Raises UnavailableError where the list has no model of a family any more.
    """
    families = {"small": provider.small, "large": provider.large}
    return {name: _newest(name, provider, preferred) for name, preferred in families.items()}


def _newest(name: str, provider: Provider, families: tuple[str, ...]) -> tuple[ModelSpec, Listed]:
    offered = listed(provider.listed_as)
    for family in families:
        pattern = re.compile(re.escape(family).replace(r"\#", VERSION))
        members = [(match, model) for model in offered if (match := pattern.fullmatch(model.id))]
        for _, model in sorted(members, key=lambda member: _numbers(member[0]), reverse=True):
            spec = ModelSpec(name=name, base_url=provider.base_url, model=model.id, key=provider.key)
            # An entry's id need not be a name that is sold: it is one where looking it up leads back to the entry.
            if price_of(spec).id == f"{provider.listed_as}/{model.id}":
                return spec, model
    raise UnavailableError(
        f"{edition()} has none of {', '.join(families)} at {provider.listed_as}: write models.yaml yourself"
    )


def _numbers(match: re.Match[str]) -> list[int]:
    return [int(number) for group in match.groups() for number in re.findall(r"\d+", group)]
