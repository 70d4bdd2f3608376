"""What in a request an endpoint did not take, as it says with status 400 or 422: such a request is not billed."""

import re
from collections.abc import Set
from dataclasses import replace

from budgetmlagent.models.endpoint import Endpoint
from budgetmlagent.models.fields import LIMITS

FORM = r"response_format|response_schema|json_schema|json_object|json_mode|structured|schema|grammar|samplers"  # llama.cpp samples by a grammar
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
    r"too (?:large|big|high|many)|at most|maximum|exceed|less than|valid range|greater than|up to|[<>]", re.I
)
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
    if field in LIMITS and limit > LEAST and TOO_LARGE.search(words):
        if re.search("context", words, re.I):  # the window, of which this prompt takes its part
            return replace(known, fits=limit // 2)
        return replace(known, most=_largest(words, limit))
    return known.without(field) if field else None


def _named(sent: Set[str], words: str) -> str:
    """The field of `sent` that is named first; "" where none is."""
    found = {
        name: re.search(rf"(?<![a-z_])(?:{NAMES[name]})(?![a-z_])", words, re.I) for name in sent & set(NAMES)
    }
    first = (
        min((match.start(), name) for name, match in found.items() if match)
        if any(found.values())
        else (0, "")
    )
    return first[1]


def _largest(words: str, limit: int) -> int:
    """The largest limit that will do, as an endpoint says that `limit` tokens are too many; half of them else."""
    said = [int(number) for number in re.findall(r"(?<!\d)\d{1,9}(?!\d)", words.replace(",", ""))]
    return max((number for number in said if LEAST <= number < limit), default=limit // 2)
