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

# Words of OpenAI, and of many after it.
DEFAULT_ONLY = "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported."
UNSUPPORTED = "Unsupported parameter: '%s' is not supported with this model."
EXTRA = "Extra inputs are not permitted"  # FastAPI's


def unknown(field: str, words: str) -> Refusal:
    """Refuse a field, whatever it holds."""
    return Refusal(field, words, given(field))


def only_one(words: str) -> Refusal:
    """Refuse each temperature but 1."""
    return Refusal("temperature", words, unlike("temperature", 1))


def at_most(most: int, words: str) -> Refusal:
    """Refuse a larger limit of the reply."""
    return Refusal("max_tokens", words, longer_than(most))


def no_schema(words: str) -> Refusal:
    """Refuse JSON by a schema."""
    return Refusal("response_format", words, format_is("json_schema"))


UNSAID = Refusal(
    "messages", "Prompt must contain the word 'json' to use 'response_format' of type 'json_object'.", json_unsaid
)  # fmt: skip

KINDS = {
    "plain": Manners("takes everything, does not think"),
    "openai": Manners(
        "a reasoning model: temperature 1 only, no `max_tokens`, no `seed`",
        refuses=(
            only_one(DEFAULT_ONLY),
            unknown("max_tokens", UNSUPPORTED % "max_tokens" + " Use 'max_completion_tokens' instead."),
            unknown("seed", UNSUPPORTED % "seed"),
            UNSAID,
        ),
        form=openai_error,
        thinks=700,
        counts="inside",
    ),
    "deepseek": Manners(
        "no `json_schema`; thinks in `reasoning_content`",
        refuses=(
            no_schema("This response_format type is unavailable now"),
            UNSAID,
            at_most(8192, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
        ),
        form=bare_error,
        thinks=900,
        shows="reasoning_content",
        counts="inside",
        usage={"prompt_cache_hit_tokens": 0},
    ),
    "kimi": Manners(
        "temperature 1 only; content null where thinking used up the limit",
        refuses=(only_one("invalid temperature: only 1 is allowed for this model"),),
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
        refuses=(unknown("seed", 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'),),
        form=gemini_list,
        thinks=800,
        counts="total",
        usage={"prompt_tokens_details": None},
    ),
    "mistral": Manners(
        "422 for `seed` (its own is `random_seed`) and `max_completion_tokens`; a list of content parts",
        refuses=(unknown("seed", EXTRA), unknown("max_completion_tokens", EXTRA)),
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
            at_most(
                8192,
                "'max_tokens' or 'max_completion_tokens' is too large: {value}. This model's maximum context length is "
                "8192 tokens",
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
            no_schema(
                "Failed to deserialize the JSON body into the target type: response_format.type: unknown variant "
                "`json_schema`, expected `json_object` or `regex` at line 1 column 512"
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
        refuses=(at_most(512, "Invalid max_tokens value, the valid range of max_tokens is [1, 512]"),),
        form=bare_error,
    ),
    "limit_most": Manners(
        "a largest limit, said as a number",
        refuses=(
            at_most(
                512,
                "max_tokens is too large: {value}. This model supports at most 512 completion tokens, whereas you "
                "provided {value}.",
            ),
        ),
        form=openai_error,
    ),
}
