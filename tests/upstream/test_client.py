"""HTTP to the providers: the pool survives everything, and megabytes pass unread."""

import asyncio
import random
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from types import FrameType
from typing import Any

import pytest
from upstreams import END, Hang, ScriptedUpstream, answer, chunk, completed, frame, head, partial

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import UpstreamBroken, UpstreamRefused
from streamedit.events import Event, PartialImage
from streamedit.providers.base import Tools
from streamedit.providers.openai.openai import OpenAI
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.upstream.client import Call, Upstream, UpstreamLimits


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A pool of four connections."""
    pool = Upstream(UpstreamLimits(connect_s=2, silence_s=5, connections=4))
    async with pool.running():
        yield pool


def begin(upstream: Upstream, scripted: ScriptedUpstream) -> AsyncGenerator[Event]:
    """The events of one streamed edit as they come."""
    loop = asyncio.get_running_loop()
    provider = OpenAI(Tools(upstream, loop.time, 8 << 20, 8 << 20))
    request = EditRequest("p", (InputImage(Upload(b"png"), "a.png", "image/png"),), stream=True)
    return provider.edit(request, Target("openai", "m", "k", scripted.url))


async def edit(upstream: Upstream, scripted: ScriptedUpstream) -> list[Event]:
    """One streamed edit."""
    async with aclosing(begin(upstream, scripted)) as events:
        return [event async for event in events]


async def test_cancelled_calls_give_their_connections_back(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """Two hundred calls over four connections, cancelled at random moments: the pool is whole, the next call works."""
    scripted.play([head(), chunk(frame(partial())), chunk(frame(completed())), Hang()])
    chance = random.Random(7)

    async def cancelled() -> None:
        call = asyncio.create_task(edit(upstream, scripted))
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    for _ in range(10):
        await asyncio.gather(*(cancelled() for _ in range(20)))
    assert upstream.open_connections == 0
    scripted.play([answer(completed())])
    assert len(await edit(upstream, scripted)) == 1


async def test_closing_a_call_closes_its_connection(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """The provider hears of it, in the middle of its answer."""
    scripted.play([head() + chunk(frame(partial())), Hang()])
    call = asyncio.create_task(edit(upstream, scripted))
    assert await asyncio.to_thread(scripted.came.acquire, timeout=5)
    call.cancel()
    await asyncio.wait([call])
    assert await asyncio.to_thread(scripted.left.acquire, timeout=5)


async def test_an_event_that_was_handed_on_is_held_by_nobody(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """While the next one is waited for, the bytes of the last are the log's alone: what it moves to disk leaves memory."""
    scripted.play([head() + chunk(frame(partial(0, "QUJD" * 250_000))), Hang()])
    async with aclosing(begin(upstream, scripted)) as events:
        event = await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert isinstance(event, PartialImage)
        piece = event.payload.content.pieces[-1]
        event.payload.content.move(_nothing)
        # This function's name for it, and the one of the call that asks.
        assert sys.getrefcount(piece) == 2
        waiting.cancel()
        await asyncio.wait([waiting])


async def _nothing(_: int, __: int) -> bytes:
    return b""


async def test_no_event_is_parsed_or_decoded(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """Of 3 MB events only what stands beside the image is parsed as JSON, and no base64 is touched."""
    image = "QUJD" * 750_000
    scripted.play([answer(partial(0, image), completed(image))])
    parsed: list[int] = []
    decoded: list[str] = []

    def watch(running: FrameType, kind: str, argument: Any) -> None:
        if kind == "call" and running.f_code.co_name == "loads" and "json" in running.f_code.co_filename:
            parsed.append(len(running.f_locals["s"]))
        if kind == "c_call" and "base64" in argument.__name__:
            decoded.append(argument.__name__)

    sys.setprofile(watch)
    try:
        events = await edit(upstream, scripted)
    finally:
        sys.setprofile(None)
    assert len(events) == len(parsed) == 2
    assert max(parsed) < 500
    assert not decoded


async def test_redirects_are_not_followed(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """A key never travels to where a provider points."""
    scripted.play([b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /v1/elsewhere\r\ncontent-length: 0\r\n\r\n"])
    with pytest.raises(UpstreamRefused) as refused:
        await edit(upstream, scripted)
    assert refused.value.detail.status == 502
    assert [asked.path for asked in scripted.asked] == ["/v1/images/edits"]


async def test_an_answer_is_kept_in_the_pieces_in_which_it_was_read(upstream: Upstream, scripted: ScriptedUpstream) -> None:
    """They are few, however many came; together they are the answer, and too much is told."""
    content = random.Random(7).randbytes(1 << 20)
    small = [chunk(content[at : at + 1400]) for at in range(0, 1 << 19, 1400)]
    rest = content[len(small) * 1400 :]
    scripted.play([head("image/png") + b"".join(small) + chunk(rest) + END])
    async with upstream.send(Call("GET", scripted.url)) as answer:
        pieces = await answer.pieces(2 << 20)
    assert b"".join(pieces) == content
    assert len(pieces) <= 2 * (len(content) >> 16)
    async with upstream.send(Call("GET", scripted.url)) as answer:
        with pytest.raises(UpstreamBroken) as caught:
            await answer.pieces(1 << 19)
    assert caught.value.detail.code == "upstream_too_large"
