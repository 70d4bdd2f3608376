"""The endpoints of today as data: what each takes, how it thinks and how it counts, after its public documents and its users.

The lengths of thinking are small ones of what users report; limits are so small that a run of tests comes up to them.
"""

from fault_server import Turn
from manners import (
    Manners,
    Refusal,
    bare_error,
    both_limits,
    format_is,
    gemini_list,
    given,
    json_unsaid,
    longer_than,
    mistral_detail,
    no_limit,
    openai_error,
    plain_text,
    strict_with,
    top_level,
    unlike,
)

ONLY_ONE = "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported."
UNSUPPORTED = "Unsupported parameter: '{name}' is not supported with this model.{more}"
EXTRA = "Extra inputs are not permitted"
UNSAID = Refusal(
    "messages", "Prompt must contain the word 'json' to use 'response_format' of type 'json_object'.", json_unsaid
)  # fmt: skip


def unsupported(name: str, more: str = "") -> Refusal:
    """Refuse a field in OpenAI's words."""
    return Refusal(name, UNSUPPORTED.format(name=name, more=more), given(name))


KINDS = {
    "plain": Manners("takes everything, does not think"),
    "openai": Manners(
        "a reasoning model: temperature 1 only, no `max_tokens`, no `seed`",
        refuses=(
            Refusal("temperature", ONLY_ONE, unlike("temperature", 1)),
            unsupported("max_tokens", " Use 'max_completion_tokens' instead."),
            unsupported("seed"),
            UNSAID,
        ),
        form=openai_error,
        thinks=700,
        counts="inside",
    ),
    "deepseek": Manners(
        "no `json_schema`; thinks in `reasoning_content`",
        refuses=(
            Refusal(
                "response_format", "This response_format type is unavailable now", format_is("json_schema")
            ),
            UNSAID,
            Refusal(
                "max_tokens",
                "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
                longer_than(8192),
            ),
        ),
        form=bare_error,
        thinks=900,
        shows="reasoning_content",
        counts="inside",
        usage={"prompt_cache_hit_tokens": 0},
    ),
    "kimi": Manners(
        "temperature 1 only; content null where thinking used up the limit",
        refuses=(
            Refusal(
                "temperature",
                "invalid temperature: only 1 is allowed for this model",
                unlike("temperature", 1),
            ),
        ),
        form=bare_error,
        thinks=600,
        shows="reasoning_content",
        counts="inside",
        empty=None,
    ),
    "claude": Manners(
        "heeds no `response_format`, needs a limit; JSON in a fence after a sentence",
        refuses=(Refusal("max_tokens", "max_tokens: Field required", no_limit),),
        form=bare_error,
        heeds_format=False,
    ),
    "gemini": Manners(
        "no `seed`; its thinking is in the total of the usage alone",
        refuses=(
            Refusal(
                "seed",
                'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
                given("seed"),
            ),
        ),
        form=gemini_list,
        thinks=800,
        counts="total",
        usage={"prompt_tokens_details": None},
    ),
    "mistral": Manners(
        "422 for `seed` (its own is `random_seed`) and `max_completion_tokens`; a list of content parts",
        refuses=(
            Refusal("seed", EXTRA, given("seed")),
            Refusal("max_completion_tokens", EXTRA, given("max_completion_tokens")),
        ),
        form=mistral_detail,
        status=422,
        thinks=500,
        shows="parts",
    ),
    "xai": Manners(
        "counts its thinking beside `completion_tokens`",
        thinks=650,
        shows="reasoning_content",
        counts="beside",
    ),
    "openrouter": Manners(
        "a first error 429 within a 200; thinks in `reasoning`",
        thinks=550,
        shows="reasoning",
        counts="inside",
        first=(Turn(fault="error_code", code="429"),),
    ),
    "ollama": Manners(
        "thinks aloud in `<think>…</think>`",
        thinks=400,
        shows="think",
        usage={"prompt_tokens_details": None},
    ),
    "vllm": Manners(
        "thinks in `reasoning_content`, uncounted; a window of 8192",
        refuses=(
            Refusal(
                "max_tokens",
                "'max_tokens' or 'max_completion_tokens' is too large: {value}. This model's maximum context length is "
                "8192 tokens",
                longer_than(8192),
            ),
        ),
        form=top_level,
        thinks=450,
        shows="reasoning_content",
        usage={"prompt_tokens_details": None},
    ),
    "llama.cpp": Manners(
        "the template opens the thinking: only `</think>` stands in the text", thinks=350, shows="close"
    ),
    "tgi": Manners(
        "no `json_schema`, said with 422 and in plain text",
        refuses=(
            Refusal(
                "response_format",
                "Failed to deserialize the JSON body into the target type: response_format.type: unknown variant "
                "`json_schema`, expected `json_object` or `regex` at line 1 column 512",
                format_is("json_schema"),
            ),
        ),
        form=plain_text,
        status=422,
    ),
    "strict_keywords": Manners(
        "no `maxLength` in a strict schema",
        refuses=(
            Refusal(
                "response_format",
                "Invalid schema for response_format 'reply': In context=('properties', 'instruction'), 'maxLength' is "
                "not permitted.",
                strict_with("maxLength"),
            ),
        ),
        form=openai_error,
    ),
    "one_limit": Manners(
        "not both names of the limit at once",
        refuses=(
            Refusal(
                "max_tokens",
                "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                both_limits,
            ),
        ),
        form=bare_error,
    ),
    "limit_range": Manners(
        "a largest limit, said as a range",
        refuses=(
            Refusal(
                "max_tokens",
                "Invalid max_tokens value, the valid range of max_tokens is [1, 512]",
                longer_than(512),
            ),
        ),
        form=bare_error,
    ),
    "limit_most": Manners(
        "a largest limit, said as a number",
        refuses=(
            Refusal(
                "max_tokens",
                "max_tokens is too large: {value}. This model supports at most 512 completion tokens, whereas you "
                "provided {value}.",
                longer_than(512),
            ),
        ),
        form=openai_error,
    ),
}
