"""Images that a request only names, brought in: from files, from URLs, side by side."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from databases import working_database

from streamedit.edits import EditRequest, InputImage, Reference
from streamedit.errors import EditError, InvalidRequest, TooLarge
from streamedit.files import Room, StoredFile, new_file_id
from streamedit.filing import Filing
from streamedit.inputs import Inputs
from streamedit.stores.blobs.folder import FolderBlobs
from streamedit.stores.sql.files import SqlFiles
from streamedit.uploads import Upload

OWNER = "key_a"
CONTENT = bytes(range(256)) * 5000
LIMIT = 2 << 20


class Web:
    """What is at URLs: their last segment, or a failure. `asked`: for these."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.meeting: asyncio.Barrier | None = None

    async def fetch(self, url: str, param: str, upload: Upload, max_bytes: int) -> None:
        self.asked.append(url)
        if self.meeting:
            await self.meeting.wait()
        if url.endswith("gone"):
            raise InvalidRequest("It is gone.", param=param, code="invalid_image_url")
        upload.feed(url.rpartition("/")[2].encode())

    def check(self, url: str, param: str) -> None:
        if not url.startswith("http"):
            raise InvalidRequest("It is no URL.", param=param, code="invalid_image_url")


@pytest.fixture
def web() -> Web:
    """Nobody has asked for anything yet."""
    return Web()


@pytest.fixture
async def filing(tmp_path: Path) -> AsyncIterator[Filing]:
    """No file yet."""
    async with working_database("sqlite", tmp_path) as database:
        blobs = FolderBlobs(tmp_path / "blobs", 0)
        async with blobs.serving():
            yield Filing(SqlFiles(database), blobs, lambda: 1000.0, Room())


@pytest.fixture
def inputs(web: Web, filing: Filing) -> Inputs:
    """Of both kinds."""
    return Inputs(web.fetch, web.check, filing, LIMIT)


async def kept(filing: Filing, content: bytes = CONTENT, owner: str = OWNER) -> str:
    """The id of a file."""
    file = StoredFile(new_file_id(), owner, "a.png", "", "vision", len(content), b"", "", 1000.0)
    return (await filing.keep(file, Upload(content))).id


def named(param: str, *, url: str | None = None, file_id: str | None = None) -> InputImage:
    """An image that is only named."""
    return InputImage(Upload(), "image", "", Reference(param, url, file_id))


def asking(*images: InputImage, mask: InputImage | None = None) -> EditRequest:
    """A request with these."""
    return EditRequest("p", images, mask=mask)


async def test_each_image_is_brought_in_from_where_it_is(inputs: Inputs, filing: Filing) -> None:
    """Beside what was sent; the mask as an image."""
    sent = InputImage(Upload(b"sent"), "a.png", "image/png")
    request = asking(
        sent,
        named("images[1].image_url", url="http://h/fetched"),
        named("images[2].file_id", file_id=await kept(filing)),
        mask=named("mask.file_id", file_id=await kept(filing, b"mask")),
    )
    await inputs.check(request, OWNER)
    await inputs.bring(request, OWNER)
    assert [await image.upload.read() for image in request.files()] == [b"sent", b"fetched", CONTENT, b"mask"]
    assert request.is_on_disk
    request.close()


async def test_all_are_brought_in_side_by_side(inputs: Inputs, web: Web) -> None:
    """As many as an edit may have fetched at a time."""
    web.meeting = asyncio.Barrier(4)
    request = asking(*(named(f"images[{number}].image_url", url=f"http://h/{number}") for number in range(8)))
    async with asyncio.timeout(5):
        await inputs.bring(request, OWNER)
    assert [await image.upload.read() for image in request.images] == [b"%d" % number for number in range(8)]


async def test_the_first_failure_is_told_by_its_place(inputs: Inputs) -> None:
    """Whichever of them failed first."""
    request = asking(
        named("images[0].image_url", url="http://h/there"),
        named("images[1].image_url", url="http://h/gone"),
        named("images[2].file_id", file_id=new_file_id()),
    )
    with pytest.raises(InvalidRequest) as refused:
        await inputs.bring(request, OWNER)
    assert refused.value.detail.param == "images[1].image_url"


async def test_urls_that_are_passed_on_are_left_alone(inputs: Inputs, web: Web, filing: Filing) -> None:
    """Files are brought in all the same."""
    request = asking(named("a", url="http://h/x"), named("b", file_id=await kept(filing, b"file")))
    await inputs.bring(request, OWNER, with_urls=False)
    assert web.asked == []
    assert [await image.upload.read() for image in request.images] == [b"", b"file"]


@pytest.mark.parametrize("verb", ["check", "bring"])
@pytest.mark.parametrize(
    ("file", "code"),
    [
        ((CONTENT, "key_b"), "file_not_found"),
        ((b"", OWNER), "empty_image"),
        ((bytes(LIMIT + 1), OWNER), "image_too_large"),
    ],
)
async def test_a_file_that_is_no_image_here_is_named(
    inputs: Inputs, filing: Filing, verb: str, file: tuple[bytes, str], code: str
) -> None:
    """Somebody else's is not there; nobody waits for what can be told before."""
    request = asking(named("images[0].file_id", file_id=await kept(filing, *file)))
    with pytest.raises(EditError) as refused:
        await (inputs.check(request, OWNER) if verb == "check" else inputs.bring(request, OWNER))
    detail = refused.value.detail
    assert (detail.param, detail.code) == ("images[0].file_id", code)
    assert isinstance(refused.value, TooLarge if code == "image_too_large" else InvalidRequest)


async def test_a_file_that_goes_between_is_not_there(inputs: Inputs, filing: Filing) -> None:
    """It was there when the request came."""
    file_id = await kept(filing)
    request = asking(named("mask.file_id", file_id=file_id))
    await inputs.check(request, OWNER)
    await filing.delete(file_id, OWNER)
    with pytest.raises(InvalidRequest) as refused:
        await inputs.bring(request, OWNER)
    assert (refused.value.detail.param, refused.value.detail.code) == ("mask.file_id", "file_not_found")


async def test_a_text_that_is_no_url_is_refused_at_once(inputs: Inputs, web: Web) -> None:
    """Without asking anybody."""
    with pytest.raises(InvalidRequest):
        await inputs.check(asking(named("a", url="file:///etc/passwd")), OWNER)
    assert web.asked == []


async def test_without_files_an_id_is_not_supported(web: Web) -> None:
    """It says what to do instead."""
    with pytest.raises(InvalidRequest) as refused:
        await Inputs(web.fetch, web.check).check(asking(named("a", file_id=new_file_id())), OWNER)
    assert refused.value.detail.code == "unsupported_parameter"
