"""One record per edit -> a log line and Prometheus. No prompt, no image, no key ever comes here.

Several workers add up their metrics in the folder that `SHARED_FOLDER` names, as prometheus-client's multiprocess mode has it.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus-client reads when it is imported."""

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What is known of one call of a target when it has ended. Times in seconds, `started_at_s` in Unix time.

    `number`: 1 for the first attempt at this image. `stage`: 1 for the model that was asked for, 2 for its first fallback.
    `outcome`: completed, the error's code, or abandoned. `overhead_s`: from the accepted request to the first event, what this
    server took of it itself. `cooldown_s`: for how long nobody asks the target because of it.
    """

    model: str
    provider: str
    target: str
    number: int
    stage: int
    image_index: int
    outcome: str
    status: int | None
    charged: bool
    started_at_s: float
    overhead_s: float | None
    first_event_s: float | None
    total_s: float
    partial_images: int
    images: int
    size_bytes: int
    input_tokens: int
    output_tokens: int
    cost_micros: int | None
    cooldown_s: float


@dataclass(frozen=True, slots=True)
class EditRecord:
    """What is known of an edit when it has ended. `outcome`: completed, or the error's code. Times in seconds.

    `provider`: the one that was asked last. `fallbacks`: how many models took over. `overhead_s`: as in an attempt.
    `cost_micros`: micro-dollars of the images whose price is known; None when it is of none.
    """

    edit_id: str
    model: str
    provider: str
    attempts: int
    fallbacks: int
    overhead_s: float | None
    stream: bool
    outcome: str
    partial_images: int
    images: int
    size_bytes: int
    first_event_s: float | None
    total_s: float
    input_tokens: int
    output_tokens: int
    cost_micros: int | None


class Telemetry:
    """The sinks of one server. `kept_bytes` tells how much the event log holds."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger, kept_bytes: Callable[[], int] = int) -> None:
        self.log = log
        self._kept_bytes = kept_bytes
        self._registry = CollectorRegistry()
        registry = self._registry
        self._edits = Counter("streamedit_edits", "Edits that have ended.", ["model", "outcome"], registry=registry)
        self._images = Counter("streamedit_images", "Images completed.", ["model"], registry=registry)
        self._bytes = Counter("streamedit_event_bytes", "Bytes of the events' JSON.", ["model"], registry=registry)
        self._cost = Counter("streamedit_cost_micros", "Micro-dollars, where prices are known.", ["model"], registry=registry)
        self._first = Histogram(
            "streamedit_first_event_seconds", "From the accepted request to its first event.", ["model"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._total = Histogram(
            "streamedit_edit_seconds", "From the accepted request to its end.", ["model"], buckets=_SECONDS, registry=registry
        )
        self.running = _gauge("streamedit_running_edits", "Edits at work.", registry)
        self.readers = _gauge("streamedit_open_streams", "Streams being sent.", registry)
        self._log_bytes = _gauge("streamedit_log_bytes", "Bytes of events kept.", registry)

    def attempted(self, edit_id: str, record: AttemptRecord) -> None:
        """Count and log a call's end."""
        self.log.info("attempt ended", edit_id=edit_id, **asdict(record))

    def ended(self, record: EditRecord) -> None:
        """Count and log an edit's end."""
        self._log_bytes.set(self._kept_bytes())
        self._edits.labels(record.model, record.outcome).inc()
        self._images.labels(record.model).inc(record.images)
        self._bytes.labels(record.model).inc(record.size_bytes)
        self._cost.labels(record.model).inc(record.cost_micros or 0)
        self._total.labels(record.model).observe(record.total_s)
        if record.first_event_s is not None:
            self._first.labels(record.model).observe(record.first_event_s)
        self.log.info("edit ended", **asdict(record))

    def exposition(self) -> bytes:
        """All metrics, those of other workers too, in Prometheus' text format 0.0.4."""
        self._log_bytes.set(self._kept_bytes())
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call] # prometheus-client leaves it untyped
        return generate_latest(shared)


def forget_the_dead() -> None:
    """A worker that was killed has neither edits nor readers any more; what it has counted stays."""
    folder = Path(os.environ.get(SHARED_FOLDER, os.devnull))
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # as above


def _gauge(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, registry=registry, multiprocess_mode="livesum")
