"""Traces for OpenTelemetry: a span for each edit and below it one for each call of a provider, made when the edit has ended.

Their attributes are those of the GenAI conventions (https://github.com/open-telemetry/semantic-conventions-genai,
docs/gen-ai/client-inference.md, in development), and our own below `streamedit.`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
from anyio import to_thread
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from streamedit.edits import TraceParent
from streamedit.outcomes import COMPLETED, label_of
from streamedit.records import AttemptRecord, EditRecord, Report
from streamedit.sinks import Otel
from streamedit.version import __version__

_QUEUE_SPANS = 4096
_NS = 1_000_000_000

_SYSTEMS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "openai_responses": "openai",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""`gen_ai.provider.name` where the conventions know a provider by another name."""

_Attributes: TypeAlias = Mapping[str, str | bool | int | float]


class Traces:
    """The sink that makes spans. A thread exports them; when it cannot keep up, the oldest are let go.

    `wait_s`: for one export, and for all that is left at shutdown.
    """

    def __init__(self, otel: Otel, wait_s: float = 5.0) -> None:
        self._otel = otel
        self._wait_s = wait_s
        self._tracer: trace.Tracer = trace.NoOpTracer()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        headers = dict(self._otel.headers)
        exporter = _Exporter(OTLPSpanExporter(self._otel.traces_url, headers=headers, timeout=self._wait_s))
        processor = BatchSpanProcessor(exporter, max_queue_size=_QUEUE_SPANS)
        provider = TracerProvider(resource=_resource(self._otel), shutdown_on_exit=False)
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("streamedit", __version__)
        try:
            yield
        finally:
            self._tracer = trace.NoOpTracer()
            with anyio.CancelScope(shield=True):
                with anyio.move_on_after(self._wait_s):
                    await to_thread.run_sync(processor.force_flush, abandon_on_cancel=True)
                exporter.is_over = True
                await to_thread.run_sync(provider.shutdown)

    def take(self, report: Report) -> None:
        edit = report.edit
        span = self._tracer.start_span(
            f"image_edit {edit.route or 'other'}",
            context=_context_of(report.parent),
            kind=SpanKind.SERVER,
            attributes=_of_edit(edit),
            start_time=_ns(edit.started_at_s),
        )
        for attempt in report.attempts:
            self._add(attempt, edit, trace.set_span_in_context(span))
        _end(span, edit.outcome, edit.started_at_s + edit.total_s)

    def _add(self, attempt: AttemptRecord, edit: EditRecord, below: Context) -> None:
        span = self._tracer.start_span(
            f"generate_content {attempt.target}",
            context=below,
            kind=SpanKind.CLIENT,
            attributes=_of_attempt(attempt, edit),
            start_time=_ns(attempt.started_at_s),
        )
        _end(span, attempt.outcome, attempt.started_at_s + attempt.total_s)


class _Exporter(SpanExporter):
    """Passes spans on until it `is_over`."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.is_over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE if self.is_over else self._exporter.export(spans)

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _resource(otel: Otel) -> Resource:
    """The configuration's name for this service, else the environment's, else our own."""
    named = {"service.name": otel.service_name} if otel.service_name else {}
    resource = Resource.create({"service.version": __version__, **named})
    is_named = not str(resource.attributes["service.name"]).startswith("unknown_service")
    return resource if is_named else resource.merge(Resource({"service.name": "streamedit"}))


def _context_of(parent: TraceParent | None) -> Context:
    if parent is None:
        return Context()
    flags, state = TraceFlags(parent.flags), TraceState.from_header([parent.state])
    context = SpanContext(
        int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags, trace_state=state
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context), Context())


def _of_edit(edit: EditRecord) -> _Attributes:
    """Tokens are told with the attempts: whoever adds up spans must not find them twice."""
    return _known(
        {
            "gen_ai.request.model": edit.model,
            "gen_ai.output.type": "image",
            "streamedit.edit.id": edit.edit_id,
            "streamedit.edit.stream": edit.stream,
            "streamedit.edit.images": edit.images,
            "streamedit.edit.attempts": edit.attempts,
            "streamedit.edit.fallbacks": edit.fallbacks,
            "streamedit.edit.cost_micros": edit.cost_micros,
            "streamedit.edit.first_event_s": edit.first_event_s,
            "streamedit.edit.overhead_s": edit.overhead_s,
        }
    )


def _of_attempt(attempt: AttemptRecord, edit: EditRecord) -> _Attributes:
    """`generate_content` is what the conventions call the making of anything but text."""
    return _known(
        {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.provider.name": _SYSTEMS.get(attempt.provider, attempt.provider),
            "gen_ai.request.model": attempt.target,
            "gen_ai.output.type": "image",
            "gen_ai.request.choice.count": attempt.n if attempt.n > 1 else None,
            "gen_ai.request.stream": True if edit.stream else None,
            "gen_ai.response.time_to_first_chunk": attempt.first_event_s if edit.stream else None,
            "gen_ai.usage.input_tokens": attempt.input_tokens or None,
            "gen_ai.usage.output_tokens": attempt.output_tokens or None,
            "server.address": attempt.server_address,
            "server.port": attempt.server_port,
            "streamedit.attempt.number": attempt.number,
            "streamedit.attempt.stage": attempt.stage,
            "streamedit.attempt.image_index": attempt.image_index,
            "streamedit.attempt.status": attempt.status,
            "streamedit.attempt.charged": attempt.charged,
            "streamedit.attempt.cost_micros": attempt.cost_micros,
            "streamedit.attempt.cooldown_s": attempt.cooldown_s or None,
        }
    )


def _known(attributes: Mapping[str, str | bool | int | float | None]) -> _Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _end(span: trace.Span, outcome: str, ended_s: float) -> None:
    """An error is told by its type: messages may quote a prompt."""
    if outcome != COMPLETED:
        span.set_attribute("error.type", label_of(outcome))
        span.set_status(Status(StatusCode.ERROR))
    span.end(_ns(ended_s))


def _ns(seconds: float) -> int:
    return int(seconds * _NS)
