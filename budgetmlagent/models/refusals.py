"""What in a request an endpoint did not take, as it says with status 400 or 422: such a request is not billed."""

import re
from collections.abc import Set
from dataclasses import replace

from budgetmlagent.models.endpoint import LIMITS, Endpoint

# llama.cpp samples by a grammar.
FORM = r"response_format|response_schema|json_schema|json_object|json_mode|structured|schema|grammar|samplers"
# How providers call each field.
NAMES = {
    "temperature": r"temperature",
    "seed": r"(?:random_)?seed",
    "max_completion_tokens": r"max_completion_tokens",
    "max_tokens": r"max_(?:output_)?tokens",
    "json_schema": FORM,
    "json_object": FORM,
    "reasoning": r"reasoning(?:_effort|\.effort)?|thinking(?:\.\w+)*|effort|budget_tokens",
}
TOO_LARGE = re.compile(
    r"too (?:large|big|high|many)|at most|maximum|exceed|less than|valid range|(?<!be )greater than|up to|\d\s*>|<=?\s*\d",
    re.I,
)
TOO_SMALL = re.compile(r"be (?:greater|larger|more) than|below (?:the )?minimum|>=|too (?:small|low)", re.I)
LEAST = 16  # tokens; no answer fits into a smaller limit


def narrowed(
    known: Endpoint, sent: Set[str], keywords: Set[str], limit: int, param: str, words: str
) -> Endpoint | None:
    """Return what is known of the endpoint after it refused a request that carried the fields `sent`.

    `param` is the field that the error names in its own place ("" where none), `words` what it says. None: it is about
    none of the fields, or nothing can be left out.
    """
    if "keywords" in sent and any(re.search(rf"\b{re.escape(word)}\b", words) for word in keywords):
        return known.without("keywords")
    field = _named(sent, param.rpartition(".")[2]) or _named(sent, words)
    if field in LIMITS or (not field and _beside_prompt(limit, words)):
        return _other_limit(known, field, limit, words)
    return known.without(field) if field else None


def _beside_prompt(limit: int, words: str) -> bool:
    """Whether prompt and limit together are more than the window: "2100 in the messages, 2600 in the completion"."""
    return all(
        re.search(part, words, re.I) for part in ("context", TOO_LARGE.pattern, rf"(?<!\d){limit}(?!\d)")
    )


def _other_limit(known: Endpoint, field: str, limit: int, words: str) -> Endpoint | None:
    """What is known after the limit of a reply was refused: it is to be smaller, or has another name."""
    too_large = TOO_LARGE.search(words)
    if too_large and re.search("context", words, re.I):  # the window, of which this prompt takes its part
        return replace(known, fits=limit // 2) if limit > LEAST else None
    if too_large and limit > LEAST:
        return replace(known, most=_largest(words, limit))
    if TOO_SMALL.search(words) and not too_large:  # than the thinking that models.yaml asks for
        return None
    # Where no limit was small enough it was not about its size.
    return replace(known, most=None if too_large else known.most).without(field)


def _named(sent: Set[str], words: str) -> str:
    """The field of `sent` that is named first; "" where none is."""
    named = {name: re.compile(rf"(?<![a-z_])(?:{NAMES[name]})(?![a-z_])", re.I) for name in sent & set(NAMES)}
    found = [(match.start(), name) for name, pattern in named.items() if (match := pattern.search(words))]
    return min(found, default=(0, ""))[1]


def _largest(words: str, limit: int) -> int:
    """The largest limit that will do, as an endpoint says that `limit` tokens are too many; half of them else."""
    found = re.findall(r"(?<!\d)(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?!\d)", words)
    said = [int(number.replace(",", "")) for number in found]
    return max((number for number in said if LEAST <= number < limit), default=limit // 2)
