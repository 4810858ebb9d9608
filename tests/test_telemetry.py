"""One record per edit: what is counted, and what is logged."""

import io
import json
from dataclasses import fields, replace

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from streamedit.telemetry import EditRecord, Telemetry

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
)


def test_an_edit_that_ends_is_counted_and_timed() -> None:
    """Edits by outcome, images, bytes, and both waits, each for its model."""
    telemetry, _ = recording()
    telemetry.ended(RECORD)
    telemetry.ended(replace(RECORD, outcome="upstream_timeout", images=0))
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
    telemetry.ended(replace(RECORD, first_event_s=None))
    seen = metrics(telemetry)
    assert ("streamedit_first_event_seconds_count", "gpt-image-2") not in seen
    assert seen["streamedit_edit_seconds_count", "gpt-image-2"] == 1


def test_an_edit_is_one_log_line() -> None:
    """The line has every field of the record and nothing else."""
    telemetry, lines = recording()
    telemetry.ended(RECORD)
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert line == {"event": "edit ended", **{field.name: getattr(RECORD, field.name) for field in fields(EditRecord)}}


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
    first.ended(RECORD)
    assert ("streamedit_edits_total", "gpt-image-2", "completed") not in metrics(second)


def recording() -> tuple[Telemetry, io.StringIO]:
    """Telemetry whose log lines are JSON in the file beside it."""
    file = io.StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(file), processors=[structlog.processors.JSONRenderer()])
    return Telemetry(log), file


def metrics(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """Each sample that a scrape sees, by its name and labels."""
    families = text_string_to_metric_families(telemetry.exposition().decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}
