"""What a provider did wrong, judged: the kind that rules route on, one sentence, and what is known of the bill."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from budgetmlagent.models.chat.deadline import UnreadableError
from budgetmlagent.models.config import ModelSpec, host, is_loopback
from budgetmlagent.models.faults.raised import UNREAD, chain, is_lost, is_unsent, told_by
from budgetmlagent.models.faults.surroundings import environment_fault, proxy_before
from budgetmlagent.models.faults.words import error_in, marks, said
from budgetmlagent.models.waiting import LONGEST
from budgetmlagent.money.prices import reported_cost
from budgetmlagent.money.usage import tokens_of

# What the client library raises where a reply of status 200 is no chat completion.
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
# What it raises where it cannot even be built: a package is missing, an address is none, certificates are not there.
UNBUILT = (ImportError, OSError, httpx2.InvalidURL)
# A status with which the provider refused to do any work.
NOT_BILLED = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})

DENIED = frozenset({301, 302, 307, 308, 401, 402, 403, 404, 405})
REJECTED = frozenset({400, 413, 415, 422})
BUSY = frozenset({408, 425, 429})  # and every 5xx
NO_CREDIT = "insufficient_quota"  # sent with 429, but no wait brings credit
# A request that is withheld for what it says; some send 403 for it, as for a wrong key.
MODERATED = re.compile(
    r"moderation|flagged|safety|content.{0,3}(policy|filter|management)|ResponsibleAI", re.I
)


@dataclass(frozen=True)
class Judgement:
    """A fault of a provider (see `nodes.deps.Reply` for the kinds)."""

    kind: str
    detail: str
    sent: bool = True  # False: there certainly was no connection to send anything on
    unbilled: str = ""  # why it certainly costs nothing, "" where that is not known
    after: float | None = None  # seconds that the provider asks to wait


def judge(error: Exception, spec: ModelSpec) -> Judgement | None:
    """Judge what any client library raised for a request to `spec`; None where that is no fault of a provider."""
    where = _where(spec)
    if not is_loopback(spec) and (blamed := environment_fault(error)):
        return Judgement("denied", f"model {spec.name!r}: {blamed}", sent=False)
    if told := told_by(error):
        what = f"HTTP {told.status}"
        judged = _judged(what, told.status, told.marks, told.words, spec, f"{where} answered")
        return _asked_to_wait(judged, retry_after(told.headers))
    if unread := next((link for link in chain(error) if isinstance(link, UnreadableError)), None):
        return Judgement("provider", f"{where} gave a reply that is not read: {unread}; check base_url")
    if is_unsent(error):
        proxy = proxy_before(spec)
        by, check = (f" by the proxy {proxy.shown}", "that proxy") if proxy else ("", "base_url")
        return Judgement("busy", f"{where} cannot be reached{by}; check {check} and the network", sent=False)
    if is_lost(error):
        return Judgement("busy", f"{where} gave no reply: {said(str(error)) or type(error).__name__}")
    # httpx', which classes of `chat` speak through, or httpx2's.
    if type(error).__name__ == "InvalidURL" or (isinstance(error, UnicodeError) and "idna" in str(error)):
        return Judgement("denied", f"{where} cannot be asked; check base_url", sent=False)
    # An error that stands in a reply of status 200 is raised with it.
    return judged_body(error.args[0], spec) if isinstance(error, ValueError) and error.args else None


def judged_body(body: Any, spec: ModelSpec) -> Judgement | None:
    """Judge the parsed body of a reply of status 200 that is an error, or that holds one; None where it does not."""
    error = _error_of(body)
    if not error:
        return None
    table = error_in({"error": error})
    code = str(table.get("code") or "")
    status = int(code) if re.fullmatch("[345][0-9][0-9]", code) else 0
    what = f"error {code}" if code else "an error"
    judged = _judged(what, status, marks(error), said(error, status), spec, f"{_where(spec)} answered with")
    counted = _is_counted(body.get("usage"))
    if counted is None:
        return judged
    return replace(judged, unbilled="" if counted else f"{what}, with a usage of 0: not billed")


def unreadable(spec: ModelSpec) -> Judgement:
    """Judge a reply of status 200 that cannot be read."""
    return Judgement("provider", f"{_where(spec)} answered with what is no chat completion; check base_url")


def _asked_to_wait(judged: Judgement, after: float | None) -> Judgement:
    """Say what a provider asks to wait where that is longer than it is waited for."""
    longer = judged.kind == "busy" and after is not None and after > LONGEST
    told = f"; it asks to wait {after:.0f} s" if longer else ""
    return replace(judged, after=after, detail=judged.detail + told)


def _error_of(body: Any) -> Any:
    """The error in a reply of status 200: of the whole, or of its first choice."""
    if not isinstance(body, Mapping):
        return None
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, Mapping) and first.get("error"):
        return first["error"]
    if not first and body.get("object") == "error":
        return body
    return body.get("error")


def _is_counted(usage: Any) -> bool | None:
    """Whether a usage says that something was done; None where it does not say."""
    if reported_cost(usage):
        return True
    tokens = tokens_of(usage, "")
    return None if tokens is None else bool(tokens.input or tokens.output)


def _where(spec: ModelSpec) -> str:
    return f"model {spec.name!r} at {host(spec)}"


def _judged(what: str, status: int, code: str, words: str, spec: ModelSpec, who: str) -> Judgement:
    """Judge a status and code, called `what`: `who`, a sentence's beginning, gave it and said `words`."""
    kind = _kind(status, code, words)
    read = status in UNREAD and not _is_moderated(code, words)
    hint = f"; {_hint(status, code, words, spec)}" if kind == "denied" or read else ""
    told = f": {words.removesuffix('.')}" if words else ""
    return Judgement(
        kind, f"{who} {what}{told}{hint}", unbilled=f"{what}: not billed" if status in NOT_BILLED else ""
    )


def _kind(status: int, code: str, words: str) -> str:
    if NO_CREDIT in code:
        return "denied"
    if status in BUSY or status >= 500:
        return "busy"
    if status in (0, 403) and _is_moderated(code, words):
        return "rejected"
    return "denied" if status in DENIED else "rejected" if status in REJECTED else "provider"


def _is_moderated(code: str, words: str) -> bool:
    return any(MODERATED.search(said) for said in (code, words))


def _hint(status: int, code: str, words: str, spec: ModelSpec) -> str:
    """What a person can do."""
    if re.search(r"\bcontext\b", words, re.I):
        return "take a model with a larger window, or a smaller task"
    if status in UNREAD:
        return "models.yaml can change what is sent: temperature, seed, schema, reasoning, params"
    if status == 402 or NO_CREDIT in code:
        return "the account needs credit"
    if status in (401, 403):
        return f"check the key in {spec.key}" if spec.key else "models.yaml names no key for it"
    if status == 404 and re.search(r"\bpull", words):  # Ollama's way to say that it has not got a model
        return f"run `ollama pull {spec.model}`"
    return "check base_url and model in models.yaml"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header (seconds, or a date) asks for; None where there is none that can be read."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return seconds if 0 <= seconds < float("inf") else None
