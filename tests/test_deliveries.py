"""Webhooks arrive: signed, again and again until they are taken, and without anybody waiting for anybody else."""

import io
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
from anyio import to_thread
from hooks import SECRET
from reports import EDIT
from standardwebhooks import Webhook as Verifier
from upstreams import Asked, Hang, Script, ScriptedUpstream, sized, upstream

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.deliveries import Deliveries, Patience, Tools
from streamedit.records import Report
from streamedit.sinks import Webhook
from streamedit.upstream.client import Upstream, UpstreamLimits

QUICK = Patience(try_s=5, total_s=60, first_wait_s=0.01, longest_wait_s=0.02, farewell_s=5)
OK = sized(b"thanks")
AWAY = sized(b"", "503 Service Unavailable")
FAILED = replace(EDIT, outcome="upstream_timeout", status=504)


@pytest.fixture
def other() -> Iterator[ScriptedUpstream]:
    """A second receiver."""
    with upstream() as running:
        yield running


async def test_an_event_arrives_signed(scripted: ScriptedUpstream) -> None:
    """One POST of JSON, which the independent library verifies."""
    scripted.play([OK])
    async with delivering(QUICK, hook(scripted)) as sent:
        sent.take(Report(EDIT))
        await arrived(scripted)
    (asked,) = scripted.asked
    assert (asked.method, asked.path, asked.headers["content-type"]) == ("POST", "/v1/hook", "application/json")
    assert verified(asked)["data"]["id"] == "edit_1"


async def test_what_is_not_taken_is_sent_again_as_the_same(scripted: ScriptedUpstream) -> None:
    """After a failure of any kind, a redirect too: with the same id and the same bytes, signed for the time of each try."""
    scripted.play([AWAY], [sized(b"", "302 Found", location="/elsewhere")], [sized(b"", "404 Not Found")], [OK])
    async with delivering(QUICK, hook(scripted)) as sent:
        sent.take(Report(EDIT))
        await arrived(scripted, 4)
    assert len({(verified(asked)["id"], asked.headers["webhook-id"], asked.body) for asked in scripted.asked}) == 1
    assert [asked.path for asked in scripted.asked] == ["/v1/hook"] * 4
    assert sent.told == []


async def test_a_receiver_that_is_not_there_is_tried_again(scripted: ScriptedUpstream) -> None:
    """No connection is a failure like any other; after the last try one line says what was given up."""
    address = hook(scripted)
    scripted.stop()
    async with delivering(replace(QUICK, total_s=0.05), address) as sent:
        sent.take(Report(EDIT))
        await sent.told_something()
    assert [(line["event"], line["why"], line["edit_id"], line["receiver"]) for line in sent.told] == [
        ("webhook given up", "UpstreamUnreachable", "edit_1", "127.0.0.1")
    ]


async def test_a_receiver_gets_the_pause_that_it_asks_for(scripted: ScriptedUpstream) -> None:
    """`retry-after` counts more than our own wait, for all events of the receiver."""
    times: list[float] = []

    def answer(_: Asked) -> Script:
        times.append(time.monotonic())
        return [sized(b"", "429 Too Many Requests", retry_after_ms="300") if len(times) == 1 else OK]

    scripted.serve(answer)
    async with delivering(replace(QUICK, longest_wait_s=10, at_once=1), hook(scripted)) as sent:
        sent.take(Report(EDIT))
        sent.take(Report(EDIT))
        await arrived(scripted, 3)
    assert min(times[1:]) - times[0] > 0.25


async def test_nobody_waits_for_a_slow_receiver(scripted: ScriptedUpstream, other: ScriptedUpstream) -> None:
    """One that never answers has its own turns; the other gets all events meanwhile."""
    scripted.play([Hang()])
    other.play([OK])
    async with delivering(replace(QUICK, farewell_s=0.05), hook(scripted), hook(other)) as sent:
        for _ in range(20):
            sent.take(Report(EDIT))
        await arrived(other, 20)
        assert len(scripted.asked) <= QUICK.at_once


async def test_an_event_that_fails_delays_no_other(scripted: ScriptedUpstream) -> None:
    """While one waits to be tried again the next ones are delivered."""
    scripted.serve(lambda asked: [AWAY if "upstream_timeout" in asked.body.decode() else OK])
    async with delivering(replace(QUICK, first_wait_s=60, longest_wait_s=60, farewell_s=5), hook(scripted)) as sent:
        for record in (FAILED, EDIT, EDIT):
            sent.take(Report(record))
        await arrived(scripted, 3)
    assert [verified(asked)["type"] for asked in scripted.asked].count("image_edit.completed") == 2


async def test_a_receiver_gets_what_it_wants(scripted: ScriptedUpstream, other: ScriptedUpstream) -> None:
    """Only its events; another has all."""
    scripted.play([OK])
    other.play([OK])
    failures = Webhook(url=f"{scripted.url}/hook", secret=SECRET, events=("image_edit.failed",))
    async with delivering(QUICK, failures, hook(other)) as sent:
        sent.take(Report(EDIT))
        sent.take(Report(FAILED))
        await arrived(scripted)
        await arrived(other, 2)
    assert [verified(asked)["type"] for asked in scripted.asked] == ["image_edit.failed"]


async def test_a_receiver_that_is_gone_gets_nothing_more(scripted: ScriptedUpstream) -> None:
    """410: it is told once, and no event is sent there again until the server is started anew."""
    scripted.play([sized(b"", "410 Gone")])
    async with delivering(replace(QUICK, at_once=1), hook(scripted)) as sent:
        sent.take(Report(EDIT))
        sent.take(Report(EDIT))
        await sent.told_something()
        sent.take(Report(EDIT))
    assert [line["event"] for line in sent.told] == ["webhooks end: the receiver is gone (410)"]
    assert len(scripted.asked) == 1


async def test_only_so_many_events_wait(scripted: ScriptedUpstream) -> None:
    """What is beyond is dropped, and said."""
    scripted.play([Hang()])
    async with delivering(replace(QUICK, waiting=2, farewell_s=0.05), hook(scripted)) as sent:
        for _ in range(3):
            sent.take(Report(EDIT))
        assert [line["event"] for line in sent.told] == ["webhook dropped: too many wait for this receiver"]


async def test_at_shutdown_everything_is_tried_once_more(scripted: ScriptedUpstream) -> None:
    """An event that would have waited for a minute is sent at once."""
    scripted.play([AWAY], [OK])
    async with delivering(replace(QUICK, first_wait_s=60, longest_wait_s=60), hook(scripted)) as sent:
        sent.take(Report(EDIT))
        await arrived(scripted)
    assert len(scripted.asked) == 2
    assert sent.told == []


async def test_what_is_lost_at_shutdown_is_told(scripted: ScriptedUpstream, other: ScriptedUpstream) -> None:
    """A receiver that takes nothing holds the server up for its farewell's time, and then a line names each event."""
    gate = threading.Event()
    scripted.play([gate])
    other.play([AWAY])
    async with delivering(replace(QUICK, farewell_s=0.2), hook(scripted), hook(other)) as sent:
        sent.take(Report(EDIT))
        await arrived(scripted)
        await arrived(other)
        began_s = time.monotonic()
    gate.set()
    assert time.monotonic() - began_s < 3
    assert sorted(line["event"] for line in sent.told) == ["webhook given up", "webhook lost: the server stops"]
    assert {line["edit_id"] for line in sent.told} == {"edit_1"}


async def test_nothing_secret_is_told(scripted: ScriptedUpstream) -> None:
    """An address may hold a token: the log names the host."""
    scripted.play([sized(b"", "410 Gone")])
    async with delivering(QUICK, Webhook(url=f"{scripted.url}/T0KEN?key=T0KEN", secret=SECRET)) as sent:
        sent.take(Report(EDIT))
        await sent.told_something()
    assert "T0KEN" not in sent.text
    assert SECRET not in sent.text


async def test_before_and_after_nothing_is_sent(scripted: ScriptedUpstream) -> None:
    """A server that does not serve takes no report."""
    scripted.play([OK])
    async with delivering(QUICK, hook(scripted)) as sent:
        pass
    sent.take(Report(EDIT))
    assert scripted.asked == []


class Sent:
    """Deliveries at work, and what they log."""

    def __init__(self, patience: Patience, hooks: tuple[Webhook, ...], pool: Upstream) -> None:
        self._file = io.StringIO()
        self._spoke = threading.Semaphore(0)
        log = structlog.wrap_logger(structlog.PrintLogger(self._file), processors=[self._heard])
        self.deliveries = Deliveries(hooks, Tools(pool, log, SYSTEM_CLOCKS, patience))
        self.take = self.deliveries.take

    def _heard(self, _: Any, __: str, line: structlog.typing.EventDict) -> str:
        self._spoke.release()
        return json.dumps(line)

    @property
    def text(self) -> str:
        return self._file.getvalue()

    @property
    def told(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text.splitlines()]

    async def told_something(self) -> None:
        assert await to_thread.run_sync(self._spoke.acquire, True, 10)


@asynccontextmanager
async def delivering(patience: Patience, *hooks: Webhook) -> AsyncIterator[Sent]:
    """Deliveries for the time of a `with` block."""
    pool = Upstream(UpstreamLimits(2, 5))
    sent = Sent(patience, hooks, pool)
    async with pool.running(), sent.deliveries.running():
        yield sent


def hook(receiver: ScriptedUpstream) -> Webhook:
    """A receiver of all events."""
    return Webhook(url=f"{receiver.url}/hook", secret=SECRET)


async def arrived(receiver: ScriptedUpstream, count: int = 1) -> None:
    """Returns when so many more requests have come."""
    for _ in range(count):
        assert await to_thread.run_sync(receiver.came.acquire, True, 10)


def verified(asked: Asked) -> Any:
    """The event, once its signature was found to be right."""
    return Verifier(SECRET).verify(asked.body, dict(asked.headers))
