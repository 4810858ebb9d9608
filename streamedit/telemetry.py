"""One record per edit -> a log line and Prometheus. No prompt, no image, no key ever comes here."""

from dataclasses import asdict, dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


@dataclass(frozen=True, slots=True)
class EditRecord:
    """What is known of an edit when it has ended. `outcome`: completed, or the error's code. Times in seconds."""

    edit_id: str
    model: str
    stream: bool
    outcome: str
    partial_images: int
    images: int
    size_bytes: int
    first_event_s: float | None
    total_s: float
    input_tokens: int
    output_tokens: int


class Telemetry:
    """The sinks of one server."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self.log = log
        self._registry = CollectorRegistry()
        registry = self._registry
        self._edits = Counter("streamedit_edits", "Edits that have ended.", ["model", "outcome"], registry=registry)
        self._images = Counter("streamedit_images", "Images completed.", ["model"], registry=registry)
        self._bytes = Counter("streamedit_event_bytes", "Bytes of the events' JSON.", ["model"], registry=registry)
        self._first = Histogram(
            "streamedit_first_event_seconds", "From the accepted request to its first event.", ["model"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._total = Histogram(
            "streamedit_edit_seconds", "From the accepted request to its end.", ["model"], buckets=_SECONDS, registry=registry
        )
        self.running = Gauge("streamedit_running_edits", "Edits at work.", registry=registry)
        self.readers = Gauge("streamedit_open_streams", "Streams being sent.", registry=registry)
        self.log_bytes = Gauge("streamedit_log_bytes", "Bytes of events kept.", registry=registry)

    def ended(self, record: EditRecord) -> None:
        """Count and log an edit's end."""
        self._edits.labels(record.model, record.outcome).inc()
        self._images.labels(record.model).inc(record.images)
        self._bytes.labels(record.model).inc(record.size_bytes)
        self._total.labels(record.model).observe(record.total_s)
        if record.first_event_s is not None:
            self._first.labels(record.model).observe(record.first_event_s)
        self.log.info("edit ended", **asdict(record))

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)
