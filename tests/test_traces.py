"""What a collector gets of edits."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from clients import post
from collector import Collector, collecting
from reports import ATTEMPT, EDIT, FAILED
from servers import server_of, serving
from upstreams import Hang, ScriptedUpstream, answer, completed, json_answer, partial

from streamedit.config import Settings
from streamedit.edits import TraceParent
from streamedit.records import Report
from streamedit.routes import Route, Routes, Rules
from streamedit.sinks import Otel
from streamedit.targets import Target
from streamedit.traces import Traces

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

_AWAY = json_answer({"error": {"message": "Draw a cat is too much.", "code": "E4711"}}, "503 Service Unavailable")


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector of its own for each test."""
    with collecting() as running:
        yield running


def test_an_edit_with_a_fallback_is_a_tree(scripted: ScriptedUpstream, collector: Collector) -> None:
    """The edit below the caller's span, and below it each call, with the names of the GenAI conventions."""
    scripted.play([_AWAY], [answer(partial(), completed())])
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
    with serving(settings(scripted, collector)) as server:
        assert post(server.edits_url, {"prompt": "Draw a cat", "stream": "true"}, headers=headers).status == 200
    edit, first, second = sorted(collector.spans, key=lambda span: (span.kind == "CLIENT", span.times_s))
    assert (edit.name, edit.kind, edit.is_error) == ("image_edit gpt-image-2", "SERVER", False)
    assert [(call.name, call.kind, call.is_error) for call in (first, second)] == [
        ("generate_content gpt-image-2", "CLIENT", True),
        ("generate_content gpt-image-1", "CLIENT", False),
    ]
    assert edit.ids[::2] == (TRACE, SPAN)
    assert first.ids[::2] == second.ids[::2] == (TRACE, edit.ids[1])
    assert {each.span.trace_state for each in collector.spans} == {"vendor=1"}
    assert edit.attributes["streamedit.edit.attempts"] == 2
    assert edit.attributes["streamedit.edit.fallbacks"] == 1
    assert first.attributes["error.type"] == "other"
    assert "cat" not in str(collector.spans)
    told = second.attributes
    assert told.pop("gen_ai.response.time_to_first_chunk") > 0
    assert {name: value for name, value in told.items() if not name.startswith("streamedit.")} == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-image-1",
        "gen_ai.output.type": "image",
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 50,
        "server.address": "127.0.0.1",
        "server.port": scripted.port,
    }


async def test_times_are_those_of_the_records(collector: Collector) -> None:
    """Spans begin and end when what they tell of did, not when they are made."""
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(EDIT, (replace(ATTEMPT, started_at_s=EDIT.started_at_s + 1, total_s=2.5),)))
    edit, call = collector.spans
    assert edit.times_s == (EDIT.started_at_s, EDIT.started_at_s + EDIT.total_s)
    assert call.times_s == (EDIT.started_at_s + 1, EDIT.started_at_s + 3.5)


def test_an_edit_begins_when_it_was_accepted(scripted: ScriptedUpstream, collector: Collector) -> None:
    """In Unix time, before its first call."""
    scripted.play([answer(completed())])
    before_s = time.time()
    with serving(settings(scripted, collector)) as server:
        post(server.edits_url, {})
        answered_s = time.time()
    edit = next(span for span in collector.spans if span.kind == "SERVER")
    assert before_s < edit.times_s[0] < answered_s


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_callers_choice_of_traces_is_respected(collector: Collector, sampled: bool) -> None:
    """What a caller does not keep of a trace we do not send (a collector would find half a trace)."""
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(EDIT, (ATTEMPT,), TraceParent(TRACE, SPAN, int(sampled))))
    assert [span.ids[0] for span in collector.spans] == [TRACE] * 2 * sampled


async def test_without_a_parent_each_edit_is_a_trace(collector: Collector) -> None:
    """A root span of its own."""
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(EDIT))
        traces.take(Report(EDIT))
    (first, _, above), (second, _, _) = (span.ids for span in collector.spans)
    assert above == ""
    assert first != second


@pytest.mark.parametrize(
    ("provider", "system"),
    [
        ("azure", "azure.ai.openai"),
        ("vertex_ai", "gcp.vertex_ai"),
        ("bedrock", "aws.bedrock"),
        ("xai", "x_ai"),
        ("fal_ai", "fal_ai"),
    ],
)
async def test_providers_have_the_names_of_the_conventions(collector: Collector, provider: str, system: str) -> None:
    """Where they have one; else our own."""
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(EDIT, (replace(ATTEMPT, provider=provider),)))
    assert [span.attributes.get("gen_ai.provider.name") for span in collector.spans if span.kind == "CLIENT"] == [system]


async def test_errors_are_of_few_types(collector: Collector) -> None:
    """Codes that we know, by their names; there is no message."""
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(replace(EDIT, outcome="upstream_timeout"), (FAILED, replace(ATTEMPT, outcome="abandoned"))))
    assert all(span.is_error and not span.span.status.message for span in collector.spans)
    types = {span.attributes["error.type"] for span in collector.spans}
    assert types == {"upstream_timeout", "rate_limit_exceeded", "abandoned"}


async def test_a_collector_gets_its_key_and_who_sends(collector: Collector) -> None:
    """The configured headers, and the service's name: the configured one, else our own."""
    async with tracing(Otel(endpoint=collector.endpoint, headers={"x-key": "sk-otel"}, service_name="edits")) as traces:
        traces.take(Report(EDIT))
    assert collector.scripted.asked[0].headers["x-key"] == "sk-otel"
    assert collector.resource["service.name"] == "edits"
    collector.scripted.asked.clear()
    async with tracing(Otel(endpoint=collector.endpoint)) as traces:
        traces.take(Report(EDIT))
    assert collector.resource["service.name"] == "streamedit"


async def test_a_collector_that_says_nothing_stops_nobody(collector: Collector) -> None:
    """Reports are taken at once, more than there is room for, and shutdown takes a bounded time."""
    collector.scripted.serve(lambda _: [Hang()])
    async with tracing(Otel(endpoint=collector.endpoint), wait_s=0.3) as traces:
        began_s = time.monotonic()
        for _ in range(5000):
            traces.take(Report(EDIT))
        taken_s = time.monotonic() - began_s
    assert time.monotonic() - began_s - taken_s < 5


async def test_before_and_after_nothing_is_kept(collector: Collector) -> None:
    """A server that does not serve makes no spans."""
    traces = Traces(Otel(endpoint=collector.endpoint))
    traces.take(Report(EDIT))
    async with traces.running():
        pass
    traces.take(Report(EDIT))
    assert collector.scripted.asked == []


def settings(scripted: ScriptedUpstream, collector: Collector) -> Settings:
    """Two models at the scripted upstream, the second of which takes over from the first."""
    models = ("gpt-image-2", "gpt-image-1")
    routes = [Route(model, (Target("openai", model, "sk-upstream", scripted.url),)) for model in models]
    server = server_of(drain_timeout_s=0, otel=Otel(endpoint=collector.endpoint))
    return Settings(Routes(routes, models[0], Rules(fallbacks={models[0]: models[1:]})), server)


@asynccontextmanager
async def tracing(otel: Otel, wait_s: float = 5) -> AsyncIterator[Traces]:
    """Traces for the time of a `with` block; then all of them are there."""
    traces = Traces(otel, wait_s)
    async with traces.running():
        yield traces
