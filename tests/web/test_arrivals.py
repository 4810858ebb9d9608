"""Bodies that dawdle."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest
from descriptors import temporary_files
from raw import connect, dawdle, form, post_head, read_answer
from servers import RunningServer, serving, settings_of

from streamedit.targets import Target
from streamedit.web.arrivals import arriving

SILENCE_S = 0.4
FORM = form(model="mock", prompt="p")


@pytest.fixture
def impatient() -> Iterator[RunningServer]:
    """A server that gives a body `SILENCE_S` without a byte, and little more as a whole."""
    with serving(settings_of(Target("mock", "mock"), upload_silence_s=SILENCE_S, upload_s=2)) as running:
        yield running


@pytest.mark.parametrize("sent", [0, 100, 3 << 20])
def test_a_body_that_stops_is_408(impatient: RunningServer, sent: int) -> None:
    """Long before `upload_s`: an envelope without a param, and no edit, task or temporary file is left."""
    before = temporary_files()
    with closing(connect(impatient)) as client:
        client.sendall(post_head("content-length: 10000000") + FORM[: min(sent, len(FORM) - 10)].ljust(sent, b"x"))
        refused = read_answer(client)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (408, "upload_timeout", None)
    assert SILENCE_S * 0.8 < refused.took_s < 1.5
    assert impatient.left_behind() == (0, 0)
    assert temporary_files() == before


def test_a_slow_but_steady_body_is_read_to_its_end(impatient: RunningServer) -> None:
    """A few bytes now and then are no silence, though all of them together take longer than one may."""
    pieces = [FORM[at : at + 20] for at in range(0, len(FORM), 20)]
    started_s = time.monotonic()
    with closing(connect(impatient)) as client:
        client.sendall(post_head(f"content-length: {len(FORM)}"))
        assert dawdle(client, pieces[:-1])
        assert time.monotonic() - started_s > SILENCE_S * 1.25
        client.sendall(pieces[-1])
        assert read_answer(client).status == 200


def test_a_body_that_only_trickles_has_its_whole_time(impatient: RunningServer) -> None:
    """Steadiness does not prolong `upload_s`."""
    with closing(connect(impatient)) as client:
        client.sendall(post_head("content-length: 10000000") + FORM[:-10])
        client.settimeout(0.1)
        for _ in itertools.repeat(None):
            client.sendall(b"x")
            try:
                assert client.recv(12) == b"HTTP/1.1 408"
                break
            except TimeoutError:
                continue


async def test_what_is_done_with_a_piece_is_no_silence() -> None:
    """A reader that takes long over each piece, as a slow disk does, is not taken for a sender that does."""

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b", b"c"):
            yield piece

    async with arriving(body(), within_s=10, silence_s=0.02) as pieces:
        read = [piece async for piece in pieces if await asyncio.sleep(0.06, True)]
    assert read == [b"a", b"b", b"c"]
