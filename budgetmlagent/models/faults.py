"""What a provider did wrong, judged: the kind that rules route on, one sentence, and what is known of the bill."""

import errno
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from budgetmlagent.models.config import ModelSpec, host

# What the client library raises where a reply of status 200 is no chat completion.
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError)
# A status with which the provider refused to do any work.
NOT_BILLED = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
NO_CONNECTION = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH})

DENIED = frozenset({301, 302, 307, 308, 401, 402, 403, 404, 405})
REJECTED = frozenset({400, 413, 415, 422})
BUSY = frozenset({408, 425, 429})  # and every 5xx
SAID = 160  # characters of the provider's own words


@dataclass(frozen=True)
class Judgement:
    """A fault of a provider (see `nodes.deps.Reply` for the kinds)."""

    kind: str
    detail: str
    sent: bool = True  # False: there certainly was no connection to send anything on
    unbilled: str = ""  # why it certainly costs nothing, "" where that is not known
    after: float | None = None  # seconds that the provider asks to wait


def judge(error: Exception, spec: ModelSpec) -> Judgement:
    """Judge what the client library raised for a request to `spec`."""
    where = f"model {spec.name!r} at {host(spec)}"
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, spec, where)
    if isinstance(error, openai.APIConnectionError):
        if _never_sent(error):
            return Judgement(
                "busy", f"{where} could not be reached; check base_url and the network", sent=False
            )
        return Judgement("busy", f"{where} gave no reply: {error.message}")
    if (told := error.args[0] if error.args else None) and isinstance(told, Mapping) and told.get("code"):
        return _of_code(told, spec, where)
    return Judgement("provider", f"{where} answered with what is no chat completion; check base_url")


def _of_code(told: Mapping[str, Any], spec: ModelSpec, where: str) -> Judgement:
    """Judge an error that came within a reply of status 200, by its own code: a status, or a word."""
    code = str(told["code"])
    status = int(code) if code.isdecimal() else 0
    return _judged(
        f"error {code}", status, code, str(told.get("message") or ""), spec, f"{where} answered with"
    )


def _of_status(error: openai.APIStatusError, spec: ModelSpec, where: str) -> Judgement:
    status, code = error.status_code, str(error.code or "")
    said = error.message.removeprefix(f"Error code: {status} - ")
    judged = _judged(f"HTTP {status}", status, code, said, spec, f"{where} answered")
    return replace(judged, after=retry_after(error.response.headers))


def _judged(what: str, status: int, code: str, said: str, spec: ModelSpec, who: str) -> Judgement:
    """Judge a status and code, called `what`: `who`, a sentence's beginning, gave it and `said` something."""
    kind = _kind(status, code)
    hint = f"; {_hint(status, code, spec)}" if kind == "denied" else ""
    detail = f"{who} {what}: {' '.join(said.split())[:SAID]}{hint}"
    return Judgement(kind, detail, unbilled=f"{what}: not billed" if status in NOT_BILLED else "")


def _kind(status: int, code: str) -> str:
    if code == "insufficient_quota":  # sent with 429, but no wait brings credit
        return "denied"
    if status in BUSY or status >= 500:
        return "busy"
    return "denied" if status in DENIED else "rejected" if status in REJECTED else "provider"


def _hint(status: int, code: str, spec: ModelSpec) -> str:
    """What a person can do."""
    if status == 402 or code == "insufficient_quota":
        return "the account needs credit"
    if status in (401, 403):
        return f"check the key in {spec.key}" if spec.key else "models.yaml names no key for it"
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


def _never_sent(error: BaseException | None) -> bool:
    """Whether there certainly was no connection to send anything on: refused, no route, no such host, not in time."""
    while error is not None:
        if isinstance(error, socket.gaierror) or type(error).__name__ == "ConnectTimeout":
            return True
        if isinstance(error, OSError) and error.errno in NO_CONNECTION:
            return True
        error = error.__cause__ or error.__context__
    return False
