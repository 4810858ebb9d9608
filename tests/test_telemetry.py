"""One record per edit: what is counted, and what is logged."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from reports import ATTEMPT, FAILED

from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.failures import Kind
from streamedit.records import EditRecord, Report
from streamedit.telemetry import Telemetry

RECORD = EditRecord(
    edit_id="edit_1",
    model="gpt-image-2",
    provider="openai",
    attempts=1,
    fallbacks=0,
    overhead_s=0.002,
    stream=True,
    outcome="completed",
    partial_images=2,
    images=1,
    size_bytes=3000,
    first_event_s=0.3,
    total_s=4.0,
    input_tokens=10,
    output_tokens=1000,
    cost_micros=30_050,
    route="gpt-image-2",
)


def test_an_edit_that_ends_is_counted_and_timed() -> None:
    """Edits by outcome, images, bytes, and both waits, each for its model."""
    telemetry, _ = recording()
    telemetry.ended(Report(RECORD))
    telemetry.ended(Report(replace(RECORD, outcome="upstream_timeout", images=0)))
    seen = metrics(telemetry)
    assert seen["streamedit_edits_total", "gpt-image-2", "completed"] == 1
    assert seen["streamedit_edits_total", "gpt-image-2", "upstream_timeout"] == 1
    assert seen["streamedit_images_total", "gpt-image-2"] == 1
    assert seen["streamedit_event_bytes_total", "gpt-image-2"] == 6000
    assert seen["streamedit_cost_micros_total", "gpt-image-2"] == 60_100
    assert seen["streamedit_first_event_seconds_sum", "gpt-image-2"] == pytest.approx(0.6)
    assert seen["streamedit_edit_seconds_sum", "gpt-image-2"] == pytest.approx(8.0)


def test_an_edit_without_events_has_no_first_one() -> None:
    """A failure before the first event does not make first events look fast."""
    telemetry, _ = recording()
    telemetry.ended(Report(replace(RECORD, first_event_s=None)))
    seen = metrics(telemetry)
    assert ("streamedit_first_event_seconds_count", "gpt-image-2") not in seen
    assert seen["streamedit_edit_seconds_count", "gpt-image-2"] == 1


def test_an_edit_is_one_log_line() -> None:
    """The line has every field of the record and nothing else."""
    telemetry, lines = recording()
    telemetry.ended(Report(RECORD))
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    told = {field.name: getattr(RECORD, field.name) for field in fields(EditRecord)}
    assert line == {"event": "edit ended", **told, "flagged": []}


def test_a_target_that_cools_down_is_told_and_that_it_is_open_again() -> None:
    """A warning when nobody asks it any more, a line when a probe has found it well; what began before says nothing."""
    now = [1000.0]
    telemetry, lines = recording(replace(SYSTEM_CLOCKS, now_s=lambda: now[0]))
    telemetry.attempted("edit_1", FAILED)
    for now[0] in (1059.0, 1061.0, 1062.0):
        telemetry.attempted("edit_2", ATTEMPT)
    told = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert [line["event"].removeprefix("target ") for line in told] == [
        "attempt ended", "cools down", "attempt ended", "attempt ended", "is open again", "attempt ended",
    ]  # fmt: skip
    named = {"provider": "openai", "target": "gpt-image-2", "target_id": "t1"}
    assert told[1] == {"event": "target cools down", **named, "outcome": "rate_limit_exceeded", "cooldown_s": 60.0}
    assert told[4] == {"event": "target is open again", **named}


def test_who_cannot_be_asked_for_anything_else_is_well() -> None:
    """A caller's own mistake is an answer: the target is open. Another failure is none."""
    now = [1000.0]
    telemetry, lines = recording(replace(SYSTEM_CLOCKS, now_s=lambda: now[0]))
    telemetry.attempted("edit_1", FAILED)
    now[0] = 1061.0
    telemetry.attempted("edit_2", replace(FAILED, kind=Kind.INTERNAL, cooldown_s=0.0))
    assert "open again" not in lines.getvalue()
    telemetry.attempted("edit_3", replace(FAILED, kind=Kind.BAD_REQUEST, cooldown_s=0.0))
    assert "open again" in lines.getvalue()


async def test_reports_go_to_every_sink_while_it_runs() -> None:
    """Each gets the whole report, and works for as long as the server serves."""
    sinks = [Kept(), Kept()]
    telemetry = Telemetry(structlog.wrap_logger(structlog.ReturnLogger(), processors=[]), sinks=sinks)
    report = Report(RECORD, (ATTEMPT,))
    async with telemetry.serving():
        assert [sink.runs for sink in sinks] == [True, True]
        telemetry.ended(report)
    assert [(sink.runs, sink.reports) for sink in sinks] == [(False, [report])] * 2


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.runs = False

    def take(self, report: Report) -> None:
        self.reports.append(report)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.runs = True
        yield
        self.runs = False


def test_gauges_go_up_and_down() -> None:
    """Running edits, open streams and kept bytes are what they are now."""
    telemetry = Telemetry(structlog.get_logger(), lambda: 42)
    telemetry.running.inc()
    telemetry.readers.inc(3)
    telemetry.readers.dec()
    seen = metrics(telemetry)
    names = ("streamedit_running_edits", "streamedit_open_streams", "streamedit_log_bytes")
    assert [seen[name,] for name in names] == [1, 2, 42]


def test_two_servers_in_one_process_count_apart() -> None:
    """Metrics belong to a server, not to the process."""
    first, second = recording()[0], recording()[0]
    first.ended(Report(RECORD))
    assert ("streamedit_edits_total", "gpt-image-2", "completed") not in metrics(second)


def recording(clocks: Clocks = SYSTEM_CLOCKS) -> tuple[Telemetry, io.StringIO]:
    """Telemetry whose log lines are JSON in the file beside it."""
    file = io.StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(file), processors=[structlog.processors.JSONRenderer()])
    return Telemetry(log, clocks=clocks), file


def metrics(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Each sample that a scrape sees, by its name and labels."""
    families = text_string_to_metric_families(telemetry.exposition().decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
