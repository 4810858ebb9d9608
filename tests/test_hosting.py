"""Finished pictures on their way to an address, whatever pieces they came in."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clients import PNG
from loggers import logger

from streamedit.edits import EditOptions, EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Completed, Event, Failed, PartialImage, Payload
from streamedit.hosting import Hosting
from streamedit.keys import Links
from streamedit.results import Results
from streamedit.routing import Plan, Stage
from streamedit.stores.blobs import Blobs
from streamedit.stores.blobs.folder import FolderBlobs
from streamedit.uploads import Upload
from streamedit.wire import payloads

TEXT = base64.b64encode(PNG * 200)
URL = EditRequest("p", (), options=EditOptions(response_format="url"), base_url="http://here")
PLAIN = EditRequest("p", (), base_url="http://here")
PLAN = Plan.of(Stage("m", ()))


class Told:
    """What an edit has told. `hosting` finds at every URL what was put there."""

    def __init__(self, blobs: Blobs, *, rehosts: bool = False) -> None:
        self.events: list[Event] = []
        self.there: bytes | None = PNG
        self.results = Results(blobs, Links("secret"), 60, lambda: 1000.0)
        self.hosting = Hosting(self.results, self._fetch, logger(), rehosts)

    async def tell(self, event: Event, request: EditRequest = URL, plan: Plan | None = None) -> Event:
        """The event as the caller of such a request is told it."""
        await self.hosting.telling(request, plan or PLAN, self._emit)(event)
        return self.events[-1]

    async def hosted(self, event: Event) -> tuple[str, bytes]:
        """Where a completed event says that its picture is, and what is there."""
        assert isinstance(event, Completed)
        assert not event.payload.has_image
        url = str(event.payload.fields["url"])
        name, _, query = url.removeprefix("http://here/v1/images/results/").partition("?")
        expires, _, signature = query.removeprefix("expires=").partition("&signature=")
        result = await self.results.open(name, expires, signature)
        content = b"".join([slice_ async for slice_ in result.blob.slices()])
        await result.blob.aclose()
        return result.media_type, content

    async def _emit(self, event: Event) -> None:
        self.events.append(event)

    async def _fetch(self, url: str, param: str, upload: Upload, max_bytes: int) -> None:
        if self.there is None:
            raise InvalidRequest("It is gone.", param=param)
        upload.feed(self.there)


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[Blobs]:
    """None yet."""
    blobs = FolderBlobs(tmp_path, 0)
    async with blobs.serving():
        yield blobs


@pytest.fixture
def told(blobs: Blobs) -> Told:
    """Nothing yet, on a server that copies nothing."""
    return Told(blobs)


def completed(*pieces: bytes, goes_by_url: bool = True, **fields: object) -> Completed:
    """A finished picture whose base64 came in these pieces."""
    payload = payloads.around({"type": payloads.COMPLETED, "usage": {"total_tokens": 7}, **fields}, pieces)
    return Completed(payload, goes_by_url=goes_by_url)


CUTS = [[TEXT], [TEXT[:1], TEXT[1:]], [TEXT[:3], TEXT[3:5], TEXT[5:]], [*(bytes([byte]) for byte in TEXT[:500]), TEXT[500:]]]


@pytest.mark.parametrize("cut", CUTS, ids=len)
async def test_a_picture_is_hosted_however_it_came(told: Told, cut: list[bytes]) -> None:
    """And known for what it is, though its first piece is a byte. All else that the event says stays."""
    event = await told.tell(completed(*cut, size="1x1"))
    assert await told.hosted(event) == ("image/png", PNG * 200)
    assert isinstance(event, Completed)
    assert {name: value for name, value in event.payload.fields.items() if name != "url"} == {
        "type": payloads.COMPLETED, "usage": {"total_tokens": 7}, "size": "1x1",
    }  # fmt: skip


async def test_only_what_is_finished_is_hosted(told: Told) -> None:
    """Interim pictures are for looking at, and failures have none."""
    partial = PartialImage(payloads.around({"type": payloads.PARTIAL_IMAGE}, [TEXT]))
    failed = Failed(InvalidRequest("No.").detail)
    assert [await told.tell(event) for event in (partial, failed)] == [partial, failed]


async def test_who_asks_for_nothing_is_in_nobodys_way(told: Told) -> None:
    """Its events go the way that they went before."""
    assert told.hosting.telling(PLAIN, PLAN, told._emit) == told._emit


@pytest.mark.parametrize("text", [b"not!base64!!", TEXT[:-1], TEXT + b"AAAA", b"QQ==QUJD"])
async def test_what_cannot_be_read_is_told_as_it_is(told: Told, text: bytes) -> None:
    """Whoever has paid for it may make something of it."""
    event = completed(text) if text != TEXT + b"AAAA" else completed(TEXT[:-4] + b"QQ==", b"AAAA")
    assert await told.tell(event) is event


async def test_addresses_of_others_are_copied_where_that_is_wanted(blobs: Blobs) -> None:
    """Whatever was asked for; what has base64 and was not asked for by address stays."""
    told = Told(blobs, rehosts=True)
    theirs = Completed(_with_url("https://theirs.example/a.png"))
    for request in (URL, PLAIN):
        event = await told.tell(theirs, request)
        assert isinstance(event, Completed)
        assert event.payload.fields["url"].startswith(request.base_url + "/v1/images/results/")
    own = completed(TEXT, goes_by_url=False)
    assert await told.tell(own, PLAIN) is own
    told.there = None
    assert await told.tell(theirs) is theirs


async def test_addresses_of_others_are_theirs_otherwise(told: Told) -> None:
    """Nobody fetches anything."""
    theirs = Completed(_with_url("https://theirs.example/a.png"))
    assert await told.tell(theirs) is theirs


def _with_url(url: str) -> Payload:
    return payloads.build({"type": payloads.COMPLETED, "url": url})


async def test_what_a_plan_replaces_counts(told: Told) -> None:
    """It is the request that a provider was asked that says how its picture goes."""
    plan = Plan.of(Stage("m", (), overrides=(("response_format", "url"),)))
    assert (await told.hosted(await told.tell(completed(TEXT), PLAIN, plan)))[1] == PNG * 200
    kept = completed(TEXT, goes_by_url=False)
    assert await told.tell(kept, URL) is kept


async def test_a_system_that_fails_loses_no_picture(blobs: Blobs) -> None:
    """It is paid for."""
    told = Told(blobs, rehosts=True)
    theirs = Completed(_with_url("https://theirs.example/a.png"))

    async def fails(url: str, param: str, upload: Upload, max_bytes: int) -> None:
        raise OSError(24, "Too many open files")

    told.hosting = Hosting(told.results, fails, logger(), True)
    assert await told.tell(theirs) is theirs
