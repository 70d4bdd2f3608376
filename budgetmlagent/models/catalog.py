"""What the command line shows of the models: a list, and whether each one answers."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from budgetmlagent.errors import BudgetMLError
from budgetmlagent.models.config import EMBEDDED, ModelSpec, Price, api_key, host, is_loopback
from budgetmlagent.models.server import CONTEXT, server_for
from budgetmlagent.models.weights import KNOWN, path_of, verify


def list_models(models: Mapping[str, ModelSpec]) -> list[dict[str, Any]]:
    """Describe the models without touching a network.

    `path`, `present` and `bytes` are of the weights of an embedded model, and null for another.
    """
    return [_describe(spec) for spec in models.values()]


def _describe(spec: ModelSpec) -> dict[str, Any]:
    path = path_of(spec.model) if spec.base_url == EMBEDDED else None
    present = path.is_file() if path else None
    size = None
    if path and present:
        size = path.stat().st_size
    elif spec.base_url == EMBEDDED and spec.model in KNOWN:
        size = KNOWN[spec.model].bytes
    return {
        "name": spec.name,
        "model": spec.model,
        "base_url": spec.base_url,
        "host": host(spec),
        "loopback": is_loopback(spec),
        "key": spec.key,
        "price": price_words(spec),
        "path": str(path) if path else None,
        "present": present,
        "bytes": size,
    }


def price_words(spec: ModelSpec) -> str:
    """The declared price in words."""
    if isinstance(spec.price, Price):
        cached = f", {spec.price.cached} cached" if spec.price.cached is not None else ""
        return f"${spec.price.input} in, {spec.price.output} out{cached} per million tokens"
    if spec.price == 0:
        return "free"
    if spec.list_price_of:
        return f"counted as {spec.list_price_of}"
    return f"list price of {spec.model}"


def check_model(spec: ModelSpec) -> dict[str, Any]:
    """Send one tiny request: a few tokens, which a paid endpoint bills and no run's budget counts.

    Returns {name, model, host, ok, seconds, detail, status}: `status` is 0, or 2 where the call must be corrected (a missing
    key) and 3 where the model is not available.
    """
    begin, status, detail = time.monotonic(), 0, "answered"
    try:
        url, key = _address(spec)
        _ask(spec, url, key)
    except BudgetMLError as error:
        status, detail = error.status, str(error)
    except urllib.error.HTTPError as error:
        said = " ".join(error.read(300).decode("utf-8", "replace").split())
        status, detail = 3, f"{host(spec)} answered {error.code}: {said}"
    except (OSError, HTTPException, ValueError) as error:
        status, detail = 3, f"{host(spec)} does not answer: {error}"
    return {
        "name": spec.name,
        "model": spec.model,
        "host": host(spec),
        "ok": status == 0,
        "seconds": round(time.monotonic() - begin, 2),
        "detail": detail,
        "status": status,
    }


def _address(spec: ModelSpec) -> tuple[str, str | None]:
    if spec.base_url != EMBEDDED:
        return spec.base_url, api_key(spec)
    server = server_for(verify(spec.model), spec.name, spec.context or CONTEXT)
    return server.base_url, server.api_key


def _ask(spec: ModelSpec, url: str, key: str | None) -> None:
    """Raises HTTPError, OSError, HTTPException, and ValueError where the answer is no completion."""
    body = {
        "model": spec.model,
        "messages": [{"role": "user", "content": "Reply with OK."}],
        "max_tokens": 4,
        "max_completion_tokens": 4,
    }
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)  # noqa: S310 (models.yaml admits http and https alone)
    # What is meant for this machine must not go through a proxy somewhere else.
    proxies = urllib.request.ProxyHandler({} if is_loopback(spec) else None)
    with urllib.request.build_opener(proxies).open(request, timeout=60) as reply:
        answer = json.load(reply)
    if not isinstance(answer, dict) or not answer.get("choices"):
        raise ValueError("what came back is no chat completion")
