"""Whether models answer: one tiny request to each, reserved and settled like any other."""

import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from budgetmlagent.errors import BudgetMLError
from budgetmlagent.models.client import ModelClient
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.models.server import EmbeddedServer, server_for
from budgetmlagent.models.waiting import Patience
from budgetmlagent.models.weights import verify
from budgetmlagent.money.ledger import Account, Ledger
from memory.artifacts import Artifacts
from memory.state import NANO
from nodes.deps import Here, Message, Reply

NODE = "check"  # whose calls these are, in the ledger; their runs are named after it, too
ASKED: list[Message] = [{"role": "user", "content": "Reply with OK."}]
TOKENS = 4
SECONDS = 60.0


def check_models(specs: Iterable[ModelSpec], ledger: Ledger, run: str) -> list[dict[str, Any]]:
    """Ask each model for a word, on the money of `run`.

    Returns a row each, {name, model, host, ok, seconds, usd, detail, status}: `status` is 0, or 2 where the call must be
    corrected (a missing key, too small a budget) and 3 where the model is not available.
    """
    return [_check(spec, ledger, run, step) for step, spec in enumerate(specs, 1)]


def _check(spec: ModelSpec, ledger: Ledger, run: str, step: int) -> dict[str, Any]:
    begin, before = time.monotonic(), ledger.spent(run)
    try:
        reply = _ask(spec, ledger, run, step)
        answered = reply.fault in ("", "truncated")
        status = 0 if answered else 2 if reply.fault == "refused" else 3
        detail = "answered" if answered else reply.detail
    except BudgetMLError as error:
        status, detail = error.status, str(error)
    return {
        "name": spec.name,
        "model": spec.model,
        "host": host(spec),
        "ok": status == 0,
        "seconds": round(time.monotonic() - begin, 2),
        "usd": (ledger.spent(run) - before) / NANO,
        "detail": detail,
        "status": status,
    }


def _ask(spec: ModelSpec, ledger: Ledger, run: str, step: int) -> Reply:
    """Ask as a node does. Each model has a step of its own: two names of one model are two requests."""
    with TemporaryDirectory() as folder:  # of what was said the ledger's own copy is enough
        client = ModelClient(
            {spec.name: spec}, Account(ledger, run), Artifacts(Path(folder)),
            start_embedded=_embedded, patience=Patience(timeout=SECONDS),
        )  # fmt: skip
        return client.ask(Here(node=NODE, model=spec.name, step=step), ASKED, max_tokens=TOKENS)


def _embedded(spec: ModelSpec) -> EmbeddedServer:
    """Serve weights that are there: a check fetches nothing."""
    return server_for(verify(spec.model), spec.name, spec.context)
