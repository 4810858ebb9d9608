"""An OpenTelemetry collector: a scripted upstream that takes spans over OTLP/HTTP, read with OpenTelemetry's own schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from upstreams import ScriptedUpstream, sized, upstream


@dataclass(frozen=True, slots=True)
class Exported:
    """One span as it came. Ids in hexadecimal digits, an empty `parent_id` for none; times in seconds."""

    span: Span

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def kind(self) -> str:
        return str(Span.SpanKind.Name(self.span.kind)).removeprefix("SPAN_KIND_")

    @property
    def ids(self) -> tuple[str, str, str]:
        """Of the trace, of the span, of its parent."""
        return self.span.trace_id.hex(), self.span.span_id.hex(), self.span.parent_span_id.hex()

    @property
    def is_error(self) -> bool:
        return self.span.status.code == self.span.status.STATUS_CODE_ERROR

    @property
    def times_s(self) -> tuple[float, float]:
        return self.span.start_time_unix_nano / 1e9, self.span.end_time_unix_nano / 1e9

    @property
    def attributes(self) -> dict[str, Any]:
        return _values(self.span.attributes)


class Collector:
    """What was exported to `endpoint` so far."""

    def __init__(self, scripted: ScriptedUpstream) -> None:
        self.scripted = scripted
        self.endpoint = scripted.url.removesuffix("/v1")
        scripted.serve(lambda _: [sized(b"")])

    @property
    def spans(self) -> list[Exported]:
        """In the order in which they began."""
        found = [
            Exported(span)
            for request in self._requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda each: each.times_s)

    @property
    def resource(self) -> dict[str, Any]:
        return _values(self._requests()[0].resource_spans[0].resource.attributes)

    def _requests(self) -> list[ExportTraceServiceRequest]:
        assert {asked.path for asked in self.scripted.asked} <= {"/v1/traces"}
        return [ExportTraceServiceRequest.FromString(asked.body) for asked in self.scripted.asked]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for the time of a `with` block."""
    with upstream() as scripted:
        yield Collector(scripted)


def _values(attributes: Any) -> dict[str, Any]:
    def value(attribute: KeyValue) -> Any:
        return getattr(attribute.value, str(attribute.value.WhichOneof("value")))

    return {attribute.key: value(attribute) for attribute in attributes}
