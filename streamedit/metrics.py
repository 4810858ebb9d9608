"""What Prometheus may know of edits and attempts. Its names are of few: none of them is a caller's or a provider's own choice.

Several workers add up their metrics in the folder that `SHARED_FOLDER` names, as prometheus-client's multiprocess mode has it.
"""

import os
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from streamedit.outcomes import COMPLETED, OTHER, label_of
from streamedit.records import AttemptRecord, EditRecord

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus-client reads when it is imported."""

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
_FINE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_UNTIL = "streamedit_cooled_until_seconds"


class Metrics:
    """One server's. `kept_bytes` tells how much the event log holds, `now_s` gives Unix time."""

    def __init__(self, kept_bytes: Callable[[], int], now_s: Callable[[], float]) -> None:
        self._kept_bytes = kept_bytes
        self._now_s = now_s
        self._registry = CollectorRegistry()
        self._edits = self._counter("edits", "Edits that have ended.", "model", "outcome")
        self._images = self._counter("images", "Images completed.", "model")
        self._events = self._counter("events", "Events made.", "model", "kind")
        self._bytes = self._counter("event_bytes", "Bytes of the events' JSON.", "model")
        self._tokens = self._counter("tokens", "Tokens that providers have counted.", "model", "kind")
        self._cost = self._counter("cost_micros", "Micro-dollars, where prices are known.", "model")
        self._retries = self._counter("retries", "Attempts at an image after the first of the same model.", "model")
        self._fallbacks = self._counter("fallbacks", "Models that took over from the one that was asked for.", "model")
        self._first = self._histogram("first_event_seconds", "From the accepted request to its first event.", "model")
        self._total = self._histogram("edit_seconds", "From the accepted request to its end.", "model")
        self._overhead = Histogram(
            "streamedit_overhead_seconds", "What this server itself took of the time to a first event.",
            buckets=_FINE_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._attempts = self._counter("attempts", "Calls of providers that have ended.", "provider", "target", "outcome")
        self._attempt = self._histogram("attempt_seconds", "From a call to its end.", "provider", "target")
        self._answer = self._histogram("attempt_first_event_seconds", "From a call to its first event.", "provider", "target")
        self._cooldowns = self._counter("cooldowns", "Cooldowns that have begun.", "provider", "target")
        # A time: it is right whoever is asked, and whenever, and workers that know of the same cooldown do not add up.
        self._until = Gauge(
            _UNTIL, "Unix time.", ["provider", "target", "id"], registry=self._registry, multiprocess_mode="max"
        )
        self.running = self._gauge("running_edits", "Edits at work.")
        self.readers = self._gauge("open_streams", "Streams being sent.")
        self.moderations = self._counter("moderations", "Requests that the moderation has judged.", "outcome")
        self.judgements = self._counter("moderation_items", "Prompts and files that the moderation has asked for.", "outcome")
        self.refusals = self._counter("refusals", "Requests for an edit that became none.", "code")
        self._log_bytes = self._gauge("log_bytes", "Bytes of events kept.")

    def attempted(self, attempt: AttemptRecord) -> None:
        """Count a call's end."""
        target = (attempt.provider, attempt.pattern or OTHER)
        self._attempts.labels(*target, label_of(attempt.outcome)).inc()
        self._attempt.labels(*target).observe(attempt.total_s)
        if attempt.first_event_s is not None:
            self._answer.labels(*target).observe(attempt.first_event_s)
        if attempt.cooldown_s:
            self._cooldowns.labels(*target).inc()
            self._until.labels(*target, attempt.target_id or "").set(self._now_s() + attempt.cooldown_s)

    def ended(self, edit: EditRecord) -> None:
        """Count an edit's end."""
        model = edit.route or OTHER
        self._log_bytes.set(self._kept_bytes())
        self._edits.labels(model, label_of(edit.outcome)).inc()
        self._images.labels(model).inc(edit.images)
        self._bytes.labels(model).inc(edit.size_bytes)
        self._cost.labels(model).inc(edit.cost_micros or 0)
        self._retries.labels(model).inc(edit.retries)
        self._fallbacks.labels(model).inc(edit.fallbacks)
        self._count_kinds(edit, model)
        self._total.labels(model).observe(edit.total_s)
        if edit.first_event_s is not None:
            self._first.labels(model).observe(edit.first_event_s)
        if edit.overhead_s is not None:
            self._overhead.observe(edit.overhead_s)

    def _count_kinds(self, edit: EditRecord, model: str) -> None:
        self._events.labels(model, "partial_image").inc(edit.partial_images)
        self._events.labels(model, "completed").inc(edit.images)
        self._events.labels(model, "error").inc(edit.outcome != COMPLETED)
        self._tokens.labels(model, "input").inc(edit.input_tokens)
        self._tokens.labels(model, "output").inc(edit.output_tokens)

    def exposition(self) -> bytes:
        """All metrics, those of other workers too, in Prometheus' text format 0.0.4."""
        self._log_bytes.set(self._kept_bytes())
        return generate_latest(_Shown(self._collected(), self._now_s()))

    def live(self) -> tuple[int, int]:
        """Edits at work, and streams being sent, in all workers."""
        values = {metric.name: sum(sample.value for sample in metric.samples) for metric in self._collected().collect()}
        return int(values["streamedit_running_edits"]), int(values["streamedit_open_streams"])

    def _collected(self) -> Collector:
        if SHARED_FOLDER not in os.environ:
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call] # prometheus-client leaves it untyped
        return shared

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"streamedit_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"streamedit_{name}", text, labels, buckets=_SECONDS, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"streamedit_{name}", text, registry=self._registry, multiprocess_mode="livesum")


class _Shown:
    """Metrics as they are shown: instead of the times until which targets cool down, how many of them do now."""

    def __init__(self, collected: Collector, now_s: float) -> None:
        self._collected = collected
        self._now_s = now_s

    def collect(self) -> Iterable[Metric]:
        for metric in self._collected.collect():
            yield self._cooling(metric) if metric.name == _UNTIL else metric

    def _cooling(self, until: Metric) -> Metric:
        cooling: Tally[tuple[str, str]] = Tally()
        for sample in until.samples:
            cooling[sample.labels["provider"], sample.labels["target"]] += self._now_s < sample.value
        shown = GaugeMetricFamily("streamedit_cooling_targets", "Targets that nobody asks now.", labels=["provider", "target"])
        for target, count in cooling.items():
            shown.add_metric(target, count)
        return shown


def forget_the_dead() -> None:
    """A worker that was killed has neither edits nor readers any more; what it has counted stays."""
    folder = Path(os.environ.get(SHARED_FOLDER, os.devnull))
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # as above
