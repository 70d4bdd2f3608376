"""What a provider says that it counted, in any of the forms that are in use, as one set of tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_TOKENS = 2**31  # a larger count is none
MOST_REPORTED = 10**6  # dollars; no request costs more

# Where a count stands: OpenAI's form first, then gateways' and DeepSeek's, then LangChain's `usage_metadata`.
_ASKED = ("prompt_tokens", "input_tokens")
_WRITTEN = ("completion_tokens", "output_tokens")
_CACHED = (
    "prompt_tokens_details.cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
    "cached_tokens",
    "input_token_details.cache_read",
)
_STORED = (
    "prompt_tokens_details.cache_write_tokens",
    "cache_creation_input_tokens",
    "input_token_details.cache_creation",
)
_STORED_SHORT = ("input_token_details.ephemeral_5m_input_tokens",)
_STORED_LONG = (
    "cache_creation.ephemeral_1h_input_tokens",
    "input_token_details.ephemeral_1h_input_tokens",
)
_HEARD = ("prompt_tokens_details.audio_tokens", "input_token_details.audio")
_THOUGHT = ("completion_tokens_details.reasoning_tokens", "output_token_details.reasoning")
_SPOKEN = ("completion_tokens_details.audio_tokens", "output_token_details.audio")


@dataclass(frozen=True)
class Tokens:
    """The tokens of one request. All but `input` and `output` are parts of one of these two."""

    input: int
    cached: int  # of the input: read from a provider's cache
    output: int
    thought: int = 0  # of the output: hidden reasoning
    cache_write: int = 0  # of the input: put into a provider's cache
    cache_hour: int = 0  # of `cache_write`: to be kept for an hour, where five minutes are usual
    audio_in: int = 0
    audio_out: int = 0

    def parted(self) -> "Tokens":
        """The same with parts that do not overlap and fit into their whole; what is usually dearer is counted first."""
        audio_in = min(self.audio_in, self.input)
        stored = min(self.cache_write, self.input - audio_in)
        audio_out = min(self.audio_out, self.output)
        return Tokens(
            self.input,
            min(self.cached, self.input - audio_in - stored),
            self.output,
            min(self.thought, self.output - audio_out),
            stored,
            min(self.cache_hour, stored),
            audio_in,
            audio_out,
        )


def tokens_of(reported: Any, text: str) -> Tokens | None:
    """Read the usage that came with a reply `text`, such that no provider bills more than it says.

    `reported` is a reply's `usage`, or LangChain's `usage_metadata`. None where it does not say what was asked and
    written, says 0 of a text, or has a count that is no whole number from 0 to 2**31. Digits in a string are a number.
    """
    if not isinstance(reported, Mapping):
        return None
    try:
        asked, written, total = (_count(reported, names) for names in (_ASKED, _WRITTEN, ("total_tokens",)))
        cached, thought, long, heard, spoken = (
            _count(reported, names) or 0 for names in (_CACHED, _THOUGHT, _STORED_LONG, _HEARD, _SPOKEN)
        )
        stored = _stored(reported, long)
    except ValueError:
        return None
    if asked is None or written is None:
        return None
    if cached + stored > asked or total == asked + written + cached + stored:
        asked += cached + stored  # some count a cache's tokens beside the input
    # And some count hidden reasoning beside the output, or in the total alone.
    output = max(written, (total or 0) - asked, written + thought if thought > written else 0)
    thought = max(thought, output - written if written else 0)
    if text and not (asked and output):
        return None
    return Tokens(asked, cached, output, thought, stored, long, heard, spoken)


def _stored(reported: Mapping[str, Any], long: int) -> int:
    """Tokens put into a cache: as one number, or LangChain's three, of which the first may be 0 beside the others."""
    whole, short = _count(reported, _STORED) or 0, _count(reported, _STORED_SHORT) or 0
    return max(whole, short + long)


def _count(reported: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first of these counts that is there. Raises ValueError for what is no count."""
    for name in names:
        value: Any = reported
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return _whole(value)
    return None


def _whole(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MOST_TOKENS)):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        raise ValueError(f"{value!r} is no count of tokens")
    return value
