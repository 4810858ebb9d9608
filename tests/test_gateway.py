"""Every edit ends with exactly one last event, whatever happens to its provider, its readers or the server."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import structlog
from dispatching import dispatch_of, offer_of
from providers.scripted import Scripted, completed, partial

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.edits import Edit, EditOptions, EditRequest, InputImage
from streamedit.errors import NotFound, ShuttingDown
from streamedit.events import Completed, Event, Failed, PartialImage
from streamedit.gateway import Gateway
from streamedit.idempotency import Claim
from streamedit.parties import Principal
from streamedit.pricing import Price, Prices
from streamedit.routes import Route, Routes
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.stores.no_ledger import NoLedger
from streamedit.targets import Target
from streamedit.telemetry import Telemetry
from streamedit.uploads import Upload
from streamedit.wire import payloads

SOMEBODY = Principal("somebody")
BOUNDS = LogBounds(1 << 20, 0, 60)


class SlowLog(MemoryEventLog):
    """Its readers have an edit's last event before its producer knows that they do."""

    def __init__(self) -> None:
        super().__init__(SYSTEM_CLOCKS.clock, BOUNDS)
        self.goes_on = asyncio.Event()

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        event_id = await super().append(edit_id, event, last=last)
        if last:
            await self.goes_on.wait()
        return event_id


class LateLog(MemoryEventLog):
    """It takes its time to keep a new edit."""

    def __init__(self) -> None:
        super().__init__(SYSTEM_CLOCKS.clock, BOUNDS)
        self.is_asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def create(self, edit: Edit, claim: Claim | None = None) -> Edit:
        self.is_asked.set()
        await self.goes_on.wait()
        return await super().create(edit, claim)


class House:
    """A gateway over one scripted provider, and what it logged of edits."""

    def __init__(self, provider: Scripted, events: MemoryEventLog | None = None, prices: Prices | None = None) -> None:
        self._file = io.StringIO()
        log = structlog.wrap_logger(structlog.PrintLogger(self._file), processors=[structlog.processors.JSONRenderer()])
        events = events or MemoryEventLog(SYSTEM_CLOCKS.clock, BOUNDS)
        routes = Routes([Route("m", (Target("scripted", "m"),))], "m")
        offer = offer_of(routes, dispatch_of({"scripted": provider}, prices))
        self.gateway = Gateway(offer, events, NoLedger(), Telemetry(log), SYSTEM_CLOCKS)

    @property
    def records(self) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self._file.getvalue().splitlines()]
        return [line for line in lines if line["event"] != "attempt ended"]

    async def submit(self, request: EditRequest, claim: Claim | None = None) -> Edit:
        """Somebody's edit."""
        return (await self.gateway.submit(request, SOMEBODY, claim)).edit

    async def events_of(self, request: EditRequest) -> list[Event]:
        """The whole edit, as one reader sees it."""
        edit = await self.submit(request)
        return [logged.event async for logged in await self.gateway.follow(edit.id, 0, silence_s=5) if logged]


@asynccontextmanager
async def house(provider: Scripted, events: MemoryEventLog | None = None, prices: Prices | None = None) -> AsyncIterator[House]:
    """A gateway at work."""
    made = House(provider, events, prices)
    async with made.gateway.running():
        yield made


def request(n: int | None = None, model: str | None = None) -> EditRequest:
    """A streamed request with one upload."""
    image = InputImage(Upload(b"png"), "a.png", "image/png")
    return EditRequest("secret prompt", (image,), model=model, stream=True, options=EditOptions(n=n))


async def test_an_edit_is_followed_to_its_end() -> None:
    """Partial and completed, the last one marked, and a record of it without its prompt."""
    async with house(Scripted([partial(), completed()])) as made:
        edit = await made.submit(request())
        logged = [entry async for entry in await made.gateway.follow(edit.id, 0, silence_s=5) if entry]
    assert [(entry.id, type(entry.event), entry.last) for entry in logged] == [(1, PartialImage, False), (2, Completed, True)]
    (record,) = made.records
    assert (record["edit_id"], record["outcome"], record["images"], record["input_tokens"]) == (edit.id, "completed", 1, 1)
    assert "secret" not in json.dumps(record)


async def test_every_reader_sees_the_same_from_its_cursor_on() -> None:
    """Early, late and resuming readers: the same events behind their cursors."""
    gate = asyncio.Event()
    async with house(Scripted([partial(0), partial(1), gate, partial(2), completed()])) as made:
        edit = await made.submit(request())

        async def ids(after: int) -> list[int]:
            return [entry.id async for entry in await made.gateway.follow(edit.id, after, silence_s=5) if entry]

        early = asyncio.create_task(ids(0))
        resuming = asyncio.create_task(ids(1))
        await asyncio.sleep(0)
        gate.set()
        assert (await early, await resuming, await ids(3)) == ([1, 2, 3, 4], [2, 3, 4], [4])


async def test_silence_is_told() -> None:
    """A reader hears nothing as None, as often as the silence lasts."""
    gate = asyncio.Event()
    async with house(Scripted([gate, completed()])) as made:
        edit = await made.submit(request())
        heard = []
        async for entry in await made.gateway.follow(edit.id, 0, silence_s=0.01):
            heard.append(entry)
            if len(heard) == 2:
                gate.set()
    assert heard[:2] == [None, None]
    assert heard[-1] is not None


async def test_a_provider_s_defect_is_an_internal_error() -> None:
    """An exception that nobody foresaw ends its edit and no other, is logged by its place, and its text is told to nobody."""
    async with house(Scripted([partial(), RuntimeError("secret prompt")], [completed()])) as made:
        broken = await made.events_of(request())
        assert [type(event) for event in await made.events_of(request())] == [Completed]
    assert isinstance(broken[-1], Failed)
    assert (broken[-1].error.status, broken[-1].error.code) == (500, "internal_error")
    assert "secret" not in json.dumps(made.records) + broken[-1].error.message
    assert "scripted.py" in str(made.records[0]["where"])


async def test_an_illegal_event_is_an_internal_error() -> None:
    """A provider that speaks of an image that nobody asked for has a defect."""
    async with house(Scripted([completed(image_index=7)])) as made:
        (event,) = await made.events_of(request())
    assert isinstance(event, Failed)
    assert event.error.code == "internal_error"


async def test_a_finished_edit_is_not_spoiled_by_what_comes_late() -> None:
    """Its events are its images and no failure."""
    async with house(Scripted([completed(), RuntimeError("late")])) as made:
        assert [type(event) for event in await made.events_of(request())] == [Completed]


async def test_uploads_are_closed_when_the_edit_has_ended() -> None:
    """Also when it failed."""
    for script in ([completed()], [RuntimeError()]):
        asked = request()
        async with house(Scripted(script)) as made:
            await made.events_of(asked)
        assert asked.images[0].upload.size_bytes == 0


async def test_leaving_ends_running_edits_with_a_last_event() -> None:
    """Shutdown: the provider's call is closed, readers get `server_shutting_down`, uploads are closed."""
    provider, asked = Scripted([partial(), asyncio.Event()]), request()
    async with house(provider) as made:
        edit = await made.submit(asked)
        reader = await made.gateway.follow(edit.id, 0, silence_s=5)
        assert await anext(reader) is not None
    last = await anext(reader)
    assert last is not None
    assert last.last
    assert isinstance(last.event, Failed)
    assert (last.event.error.status, last.event.error.code) == (503, "server_shutting_down")
    assert (provider.open, asked.images[0].upload.size_bytes) == (0, 0)


async def test_an_edit_that_has_hardly_begun_is_ended_too() -> None:
    """Shutdown right behind the submission: the edit has its last event and its uploads are closed."""
    asked = request()
    async with house(Scripted([asyncio.Event()])) as made:
        edit = await made.submit(asked)
        reader = await made.gateway.follow(edit.id, 0, silence_s=0.5)
    last = await anext(reader)
    assert last is not None
    assert isinstance(last.event, Failed)
    assert last.event.error.code == "server_shutting_down"
    assert asked.images[0].upload.size_bytes == 0


async def test_before_and_after_nothing_is_accepted() -> None:
    """A gateway that does not run refuses with 503."""
    made = House(Scripted([completed()]))
    assert not made.gateway.is_ready
    with pytest.raises(ShuttingDown):
        await made.submit(request())


async def test_who_comes_while_the_server_leaves_is_no_edit() -> None:
    """Its request is refused, and nothing of it is left running."""
    log = LateLog()
    async with house(Scripted([completed()]), log) as made:
        submitting = asyncio.create_task(made.submit(request()))
        await log.is_asked.wait()
    log.goes_on.set()
    with pytest.raises(ShuttingDown):
        await submitting
    assert not made.gateway._running


async def test_an_unknown_model_starts_nothing() -> None:
    """404, and no edit is begun."""
    provider = Scripted([completed()])
    async with house(provider) as made:
        with pytest.raises(NotFound):
            await made.submit(request(model="other"))
    assert not provider.calls
    assert not made.records


async def test_a_cancelled_edit_ends_with_cancelled() -> None:
    """Its provider's call is closed, its uploads too, its readers are told, and cancelling again changes nothing."""
    provider, asked = Scripted([partial(), asyncio.Event()]), request()
    async with house(provider) as made:
        edit = await made.submit(asked)
        reader = await made.gateway.follow(edit.id, 0, silence_s=5)
        assert await anext(reader) is not None
        for _ in range(2):
            await made.gateway.cancel(edit.id)
        last = await anext(reader)
        assert last is not None
        assert isinstance(last.event, Failed)
        assert (last.id, last.last, last.event.error.code) == (2, True, "cancelled")
        assert (provider.open, asked.images[0].upload.size_bytes) == (0, 0)
        assert not made.gateway.runs(edit.id)
    assert made.records[-1]["outcome"] == "cancelled"


async def test_an_edit_that_has_hardly_begun_can_be_cancelled() -> None:
    """Right behind its submission: no provider is called."""
    provider = Scripted([completed()])
    async with house(provider) as made:
        edit = await made.submit(request())
        await made.gateway.cancel(edit.id)
        assert [type(logged.event) for logged in await made.gateway.so_far(await made.gateway.find(edit.id, "somebody"))] == [
            Failed
        ]
    assert not provider.calls


async def test_an_edit_that_has_ended_cannot_be_cancelled() -> None:
    """It stays completed."""
    async with house(Scripted([completed()])) as made:
        edit = await made.submit(request())
        async for _ in await made.gateway.follow(edit.id, 0, silence_s=5):
            pass
        await made.gateway.cancel(edit.id)
        assert [type(logged.event) for logged in await made.gateway.so_far(await made.gateway.find(edit.id, "somebody"))] == [
            Completed
        ]


async def test_who_leaves_when_an_edit_has_just_failed_takes_no_record_away() -> None:
    """Nothing is broken off any more: the end that was told is the one that is counted."""
    log = SlowLog()
    async with house(Scripted([partial()]), log) as made:
        edit = await made.submit(request())
        async for _ in await made.gateway.follow(edit.id, 0, silence_s=5):
            pass
        made.gateway.abandon(edit.id)
        log.goes_on.set()
    assert [record["outcome"] for record in made.records] == ["upstream_incomplete"]


async def test_a_request_that_joins_another_pays_nothing() -> None:
    """It is given the same edit, and its own uploads are closed."""
    provider, claim = Scripted([asyncio.Event()]), Claim(b"k", b"f")
    async with house(provider) as made:
        first, second = request(), request()
        edits = [await made.gateway.submit(asked, SOMEBODY, claim) for asked in (first, second)]
        assert [submitted.is_new for submitted in edits] == [True, False]
        assert edits[0].edit == edits[1].edit
        assert (first.images[0].upload.size_bytes, second.images[0].upload.size_bytes) == (3, 0)
        await asyncio.sleep(0)
        assert len(provider.calls) == 1


async def test_an_edit_is_abandoned_with_its_last_reader() -> None:
    """Not before; and one that nobody has ever read, too."""
    async with house(Scripted([partial(), asyncio.Event()])) as made:
        edit = await made.submit(request())
        leaving, staying = [await made.gateway.follow(edit.id, 0, silence_s=5) for _ in range(2)]
        assert await anext(leaving) is not None
        assert await anext(staying) is not None
        await leaving.aclose()
        made.gateway.abandon(edit.id)
        await asyncio.sleep(0)
        assert made.gateway.runs(edit.id)
        await staying.aclose()
        made.gateway.abandon(edit.id)
        logged = [entry async for entry in await made.gateway.follow(edit.id, 1, silence_s=5) if entry]
        assert isinstance(logged[0].event, Failed)
        assert logged[0].event.error.code == "cancelled"


async def test_leaving_waits_for_edits_that_come_to_their_end() -> None:
    """Shutdown: what ends within the time to drain ends as it would have, without anybody reading it."""
    gate = asyncio.Event()
    made = House(Scripted([partial(), gate, completed()]))
    async with made.gateway.running(drain_s=5):
        edit = await made.submit(request())
        asyncio.get_running_loop().call_later(0.05, gate.set)
    assert [record["outcome"] for record in made.records if record["edit_id"] == edit.id] == ["completed"]


async def test_nobody_finds_another_s_edit() -> None:
    """It is not there for them."""
    async with house(Scripted([completed()])) as made:
        edit = await made.submit(request())
        assert (await made.gateway.find(edit.id, "somebody")).edit == edit
        with pytest.raises(NotFound):
            await made.gateway.find(edit.id, "somebody else")


async def test_its_record_has_what_it_took_and_what_counts_against_budgets() -> None:
    """The bytes that came in, tokens by kind, and the charges of all attempts: 150 for each of two images."""
    usage = {"input_tokens": 9, "output_tokens": 6, "input_tokens_details": {"image_tokens": 7, "cached_tokens": 2}}
    made = Completed(payloads.build({"type": "image_edit.completed", "usage": usage}, b"QUJD"))
    image = InputImage(Upload(b"12345"), "a.png", "image/png")
    prices = Prices([Price("scripted/*", {"text_in": Decimal(10), "image_out": Decimal(10)})])
    async with house(Scripted([made]), prices=prices) as running:
        await running.events_of(EditRequest("p", (image,), mask=image, options=EditOptions(n=2)))
    (record,) = running.records
    assert record["input_bytes"] == 10
    assert [record[kind] for kind in ("input_tokens", "input_image_tokens", "cached_tokens")] == [18, 14, 4]
    assert record["charge_micros"] == record["cost_micros"] == 300
