"""What an endpoint makes of a request before and after its model answers: what it refuses, how it thinks, how it counts.

In a test: `with FaultServer(respond=answering(Manners(thinks=700), team)) as server:`. The data is in `endpoints.py`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fault_server import Responder, Turn, tokens

LIMITS = ("max_tokens", "max_completion_tokens")
THOUGHT = "hm, "  # a token
Body = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """What is said of a field that is not taken. In the words, {value} is what the field held."""

    field: str
    words: str
    when: Callable[[Body], bool]

    def sentence(self, body: Body) -> str:
        """What is wrong, in the endpoint's words."""
        return self.words.format(value=body.get(self.field))


@dataclass(frozen=True)
class Manners:
    """An endpoint. As it stands here it takes everything, does not think and counts as OpenAI does."""

    about: str = ""  # what a user has to know of it, for the table
    refuses: tuple[Refusal, ...] = ()
    form: Callable[[Sequence[tuple[str, str]]], Any] = lambda said: said[0][1]  # field and words to a body
    status: int = 400
    thinks: int = 0  # tokens before an answer; they are billed and count against the limit
    # Where the thinking stands.
    shows: Literal["", "reasoning_content", "reasoning", "parts", "think", "close"] = ""
    counts: Literal["", "inside", "beside", "total"] = ""  # where the usage has it: see `_usage`
    empty: str | None = ""  # the content where nothing was said
    # False: JSON by the words of the prompt alone, in a fence, empty fields left out.
    heeds_format: bool = True
    usage: Body = field(default_factory=dict)  # what the usage says beside, or for, what is usual
    first: tuple[Turn, ...] = ()  # what is done before the first request is looked at

    def refusals(self, body: Body) -> list[Refusal]:
        """What of a request is not taken."""
        return [refusal for refusal in self.refuses if refusal.when(body)]


def answering(manners: Manners, model: Responder) -> Responder:
    """Return what such an endpoint does with a request that `model` answers."""

    def respond(body: Body) -> Turn:
        if refused := manners.refusals(body):
            said = manners.form([(refusal.field, refusal.sentence(body)) for refusal in refused])
            return Turn(fault=str(manners.status), said=said, refuses=", ".join(r.field for r in refused))
        turn = model(body)
        cached = turn.cached if manners.usage.get("prompt_tokens_details", {}) is not None else 0
        turn = replace(turn, text=_formed(manners, turn.text), tokens_in=None, cached=cached)
        return _thought(manners, turn, _limit(body))

    return respond


# -- fields, for `Refusal.when`


def given(name: str) -> Callable[[Body], bool]:
    """The field is there."""
    return lambda body: body.get(name) is not None


def unlike(name: str, value: Any) -> Callable[[Body], bool]:
    """The field is there and has another value."""
    return lambda body: body.get(name) not in (None, value)


def format_is(kind: str) -> Callable[[Body], bool]:
    """The response_format is of this type."""
    return lambda body: (body.get("response_format") or {}).get("type") == kind


def strict_with(keyword: str) -> Callable[[Body], bool]:
    """The response_format is a strict schema in which the keyword stands."""

    def when(body: Body) -> bool:
        form = (body.get("response_format") or {}).get("json_schema") or {}
        return bool(form.get("strict")) and f'"{keyword}":' in json.dumps(form.get("schema"))

    return when


def json_unsaid(body: Body) -> bool:
    """JSON is wanted, and no message says so."""
    return format_is("json_object")(body) and "json" not in json.dumps(body["messages"]).lower()


def no_limit(body: Body) -> bool:
    """Neither name of the limit is there."""
    return not any(body.get(name) for name in LIMITS)


def both_limits(body: Body) -> bool:
    """Both names of the limit are there."""
    return all(body.get(name) for name in LIMITS)


def longer_than(most: int) -> Callable[[Body], bool]:
    """The limit is larger than the endpoint's own."""
    return lambda body: any((body.get(name) or 0) > most for name in LIMITS)


# -- bodies of a refusal, for `Manners.form`


def openai_error(said: Sequence[tuple[str, str]]) -> Any:
    """OpenAI's error, with the field in `param`."""
    name, words = said[0]
    kind = {"type": "invalid_request_error", "code": "unsupported_value"}
    return {"error": {"message": words, "param": name, **kind}}


def bare_error(said: Sequence[tuple[str, str]]) -> Any:
    """The same without a field: it stands in the words, if at all."""
    return {"error": {"message": said[0][1], "type": "invalid_request_error", "param": None, "code": None}}


def top_level(said: Sequence[tuple[str, str]]) -> Any:
    """VLLM's error of older versions: no `error` around it."""
    name, words = said[0]
    return {"object": "error", "message": words, "type": "BadRequestError", "param": name, "code": 400}


def detail(said: Sequence[tuple[str, str]]) -> Any:
    """FastAPI's list: an entry for each field."""
    usual = {"type": "extra_forbidden", "input": 0}
    return {"detail": [usual | {"loc": ["body", name], "msg": words} for name, words in said]}


def mistral_detail(said: Sequence[tuple[str, str]]) -> Any:
    """Mistral's: that list as the message of an error."""
    return {"object": "error", "message": detail(said), "type": "invalid_request_error", "code": None}


def plain_text(said: Sequence[tuple[str, str]]) -> Any:
    """Words alone, no JSON."""
    return said[0][1]


def gemini_list(said: Sequence[tuple[str, str]]) -> Any:
    """Google's: a list around the error."""
    return [{"error": {"code": 400, "message": said[0][1], "status": "INVALID_ARGUMENT"}}]


def error_string(said: Sequence[tuple[str, str]]) -> Any:
    """The error as a string."""
    return {"code": "Client specified an invalid argument", "error": said[0][1]}


FORMS = (openai_error, bare_error, top_level, detail, mistral_detail, plain_text, gemini_list, error_string)


# -- replies


def _limit(body: Body) -> int:
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 10**6)


def _formed(manners: Manners, text: str) -> str:
    """The model's text, where it is JSON, as such an endpoint writes it."""
    if manners.heeds_format or not text.startswith("{"):
        return text
    short = {key: value for key, value in json.loads(text).items() if value != ""}
    return f"Here is my decision.\n\n```json\n{json.dumps(short, indent=2)}\n```"


def _thought(manners: Manners, turn: Turn, limit: int) -> Turn:
    """Put the thinking before the text and cut both off at the limit."""
    if manners.shows in ("think", "close"):
        head = "<think>\n" if manners.shows == "think" else ""
        text, finish = _cut(f"{head}{THOUGHT * manners.thinks}\n</think>\n\n{turn.text}", limit)
        out = tokens(text)
        thinking = min(manners.thinks, out)
        return replace(turn, text=text, finish=finish, tokens_out=out, thought=thinking, usage=manners.usage)
    thinking = min(manners.thinks, limit)
    text, finish = _cut(turn.text, limit - thinking)
    message: Body = {"content": text or manners.empty}
    if manners.shows == "parts":
        thoughts = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT * thinking}]}
        message["content"] = [thoughts, {"type": "text", "text": text}] if text else [thoughts]
    elif manners.shows:
        message[manners.shows] = THOUGHT * thinking
    turn = replace(turn, text=text, finish=finish, tokens_out=thinking + tokens(text), thought=thinking)
    return replace(turn, message=message, usage=_usage(manners, thinking, tokens(text)))


def _cut(text: str, most: int) -> tuple[str, str]:
    """The text as far as `most` tokens go, and the finish_reason."""
    if tokens(text) <= most:
        return text, "stop"
    return text.encode()[: 4 * most].decode("utf-8", "ignore"), "length"


def _usage(manners: Manners, thinking: int, said: int) -> Body:
    """Count the thinking: inside completion_tokens or beside it, in the total alone, or without saying so."""
    usage: Body = {}
    if manners.counts in ("inside", "beside"):
        usage["completion_tokens_details"] = {"reasoning_tokens": thinking}
    if manners.counts in ("beside", "total"):
        usage["completion_tokens"] = said
    return usage | manners.usage
