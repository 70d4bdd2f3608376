"""A run as OpenTelemetry traces, by the semantic conventions for generative AI, sent over OTLP.

Nothing is instrumented: each step's spans are made from its event and its lines of the ledger when the step is over. A
collector that does not answer costs the run one line on standard error. What was said is left out, unless
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true asks for it.
"""

import hashlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from budgetmlagent.errors import UsageError
from budgetmlagent.instead import EMBEDDED
from budgetmlagent.models.config import ModelSpec, host
from budgetmlagent.money.ledger import PAID, Entry
from budgetmlagent.money.prices import PACKAGES
from budgetmlagent.records.events import Event
from memory.state import NANO

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from budgetmlagent.run.session import Session

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
HERE = "http://localhost:4318"  # OTLP's own default
PATIENCE_MS = 5_000  # that the end of a run waits for the collector
# The convention's names of providers, by host; any other is named by its host.
PROVIDERS = {
    "openai.com": "openai", "azure.com": "azure.ai.openai", "anthropic.com": "anthropic", "deepseek.com": "deepseek",
    "groq.com": "groq", "mistral.ai": "mistral_ai", "x.ai": "x_ai", "perplexity.ai": "perplexity", "cohere.com": "cohere",
}  # fmt: skip


def ready(data: str) -> None:
    """Raise UsageError where traces cannot be sent, or may not: `data` is the task's word on what may leave."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401
    except ImportError:
        raise UsageError("--otel needs OpenTelemetry: pip install 'budgetmlagent[otel]'") from None
    where = urlsplit(endpoint()).hostname or ""
    if _captures() and data == "stays" and where not in ("localhost", "127.0.0.1", "::1"):
        raise UsageError(
            f"--otel: the task says `data: stays`, but {CAPTURE} would send its prompts to {where}"
        )


def endpoint() -> str:
    """Return where the traces go."""
    return next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), HERE)


def _captures() -> bool:
    return os.environ.get(CAPTURE, "").lower() == "true"


class Tracing:
    """The traces of one run while it goes on: a span for the run, one a step, one a request to a model."""

    def __init__(self, session: "Session") -> None:
        """Begin the run's span. Raises what `ready` raises."""
        ready(session.task.data)
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import set_span_in_context

        _quiet()
        self.session = session
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "budgetmlagent"}),
            id_generator=_ids(session.run_id),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(_exporter(), schedule_delay_millis=1_000))
        self._tracer = self._provider.get_tracer("budgetmlagent")
        self._told = {entry.id for entry in session.ledger.calls(session.run_id)}
        name = session.graph.name
        self._run = self._tracer.start_span(f"invoke_workflow {name}", attributes=_of_run(session))
        self._context = set_span_in_context(self._run)

    def step(self, event: Event) -> None:
        """Make the spans of a step that is over, and of its requests."""
        from opentelemetry.trace import set_span_in_context

        now = time.time_ns()
        begun = now - int(event.seconds * 1e9)
        span = self._tracer.start_span(
            f"invoke_agent {event.node}", self._context, start_time=begun, attributes=_of_step(event)
        )
        within = set_span_in_context(span)
        for entry in self.session.ledger.calls(self.session.run_id):
            # A reply that was paid for before is no request.
            if entry.id not in self._told and entry.price != PAID:
                self._call(entry, within)
            self._told.add(entry.id)
        span.end(now)

    def _call(self, entry: Entry, context: Any) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        said = self._said(entry) if _captures() else {}
        span = self._tracer.start_span(
            f"chat {entry.served}",
            context,
            kind=SpanKind.CLIENT,
            start_time=int(entry.created * 1e9),
            attributes={**_of_call(entry, self.session.config.models.get(entry.model, {})), **said},
        )
        if entry.text is None:
            span.set_attribute("error.type", "unknown_outcome" if entry.settled is None else "provider")
            span.set_status(Status(StatusCode.ERROR, entry.note))
        span.end(int((entry.closed or time.time()) * 1e9))

    def _said(self, entry: Entry) -> dict[str, str]:
        """Return prompt and reply in the convention's form."""
        prompt = self.session.artifacts.json(entry.prompt)["messages"] if entry.prompt else []
        asked = [_message(message["role"], message["content"]) for message in prompt]
        replied = [_message("assistant", entry.text or "") | {"finish_reason": entry.finish or "stop"}]
        return {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(replied)}

    def close(self, summary: Mapping[str, Any]) -> None:
        """End the run's span with how it stands, and send what is left, for a few seconds at most."""
        for key in ("status", "reason", "usd", "best", "gain_pct", "turns", "steps"):
            if summary.get(key) is not None:
                self._run.set_attribute(f"budgetml.{key}", summary[key])
        self._run.end()
        self._provider.force_flush(PATIENCE_MS)
        self._provider.shutdown()


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _of_run(session: "Session") -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": session.graph.name,
        "gen_ai.conversation.id": session.run_id,
        "budgetml.task": session.task.name,
        "budgetml.budget_usd": session.config.budget / NANO,
        "budgetml.seed": session.config.seed,
        "budgetml.replayed": bool(session.config.replay),
    }


def _of_step(event: Event) -> dict[str, Any]:
    route = event.route
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": event.node,
        "gen_ai.usage.input_tokens": event.tokens_in,
        "gen_ai.usage.output_tokens": event.tokens_out,
        "budgetml.step": event.step,
        "budgetml.turn": event.turn,
        "budgetml.usd": event.usd,
        "budgetml.score": event.score,
        "budgetml.fault": event.fault.get("kind"),
        "budgetml.rule": route.get("rule"),
        "budgetml.rule.saw": json.dumps(route.get("saw", {}), ensure_ascii=False),
        "budgetml.route.to": route.get("to"),
        "budgetml.route.up": route.get("up"),
        "budgetml.route.down": route.get("down"),
    }
    return {key: value for key, value in told.items() if value is not None}


def _of_call(entry: Entry, model: Mapping[str, Any]) -> dict[str, Any]:
    """Tell a request."""
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(model),
        "gen_ai.request.model": entry.served,
        "gen_ai.response.model": entry.answered or None,
        "gen_ai.response.id": entry.request or None,
        "gen_ai.response.finish_reasons": [entry.finish] if entry.finish else None,
        "gen_ai.usage.input_tokens": entry.tokens_in,
        "gen_ai.usage.output_tokens": entry.tokens_out,
        "gen_ai.usage.cache_read.input_tokens": entry.cached,
        "gen_ai.conversation.id": entry.run,
        "budgetml.model": entry.model,
        "budgetml.call": entry.id,
        "budgetml.usd": entry.nano / NANO,
        "budgetml.price": entry.price,
        "budgetml.state": entry.state,
    }
    return {key: value for key, value in told.items() if value is not None}


def _provider(model: Mapping[str, Any]) -> str:
    if not model or model.get("base_url") == EMBEDDED:
        return "llama.cpp"
    spec = ModelSpec(**model)
    where = host(spec)
    if where == spec.chat:  # langchain_anthropic:ChatAnthropic
        return re.split("[.:]", where)[0].removeprefix(PACKAGES)
    return next((name for end, name in PROVIDERS.items() if where.endswith(end)), where)


def _ids(run_id: str) -> Any:
    """Return ids of which the trace's is the run's own: what is resumed later is the same trace."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:16], "big") or 1

    return Ids()


def _exporter() -> "SpanExporter":
    """Return the exporter of the standard, which tells a failure once and in one line."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    class Exporter(OTLPSpanExporter):
        failed = False

        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            result = super().export(spans)
            if result is not SpanExportResult.SUCCESS and not self.failed:
                self.failed = True
                words = f"the collector at {endpoint()} does not take the traces; the run goes on without"
                print(f"budgetml: {words}", file=sys.stderr)
            return result

    try:
        return Exporter(timeout=PATIENCE_MS / 1000)
    except ValueError as error:
        raise UsageError(f"--otel: {endpoint()}: {error}") from None


def _quiet() -> None:
    """Keep the library's own log off standard error: a failure is told by `_exporter`."""
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
