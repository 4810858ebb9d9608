"""From a provider's picture to its event."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import UpstreamBroken
from streamedit.events import Completed, PartialImage, Usage
from streamedit.providers.finish import Finish
from streamedit.uploads import Upload


def file(colour: tuple[int, ...], size: tuple[int, int] = (32, 24), output_format: str = "PNG") -> bytes:
    """A plain picture's file."""
    buffer = BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, output_format)
    return buffer.getvalue()


def request(mask: bytes | None = None, **options: object) -> EditRequest:
    """A request to edit a blue picture."""
    image = InputImage(Upload(file((0, 0, 255))), "a.png", "image/png")
    masked = InputImage(Upload(mask), "m.png", "image/png") if mask else None
    return EditRequest("p", (image,), options=EditOptions(**options), mask=masked)  # type: ignore[arg-type] # each test names its own


def shown(event: Completed | PartialImage) -> Image.Image:
    """The picture in an event."""
    pieces = b"".join(event.payload.content.pieces)
    return Image.open(BytesIO(base64.b64decode(pieces[event.payload.image])))


RED = base64.b64encode(file((255, 0, 0)))


async def test_a_picture_that_needs_nothing_goes_on_as_it_came() -> None:
    """Its very base64, described by its own bytes."""
    event = await Finish(request(), 1_790_000_000.7).completed(memoryview(RED), Usage(1, 2, 3), 4, seed=7)
    assert b"".join(event.payload.content.pieces)[event.payload.image] == RED
    fields = event.payload.fields
    assert (fields["size"], fields["output_format"], fields["created_at"]) == ("32x24", "png", 1_790_000_000)
    assert (fields["type"], fields["seed"], event.image_index) == ("image_edit.completed", 7, 4)
    assert fields["usage"]["total_tokens"] == 3


async def test_a_picture_in_pieces_is_not_copied() -> None:
    """What lies between its first and its last piece is in the event as the very objects that were read."""
    large = RED + b"QUJD" * 100_000
    pieces = [large[at : at + 100_000] for at in range(0, len(large), 100_000)]
    event = await Finish(request(), 0).completed(pieces)
    assert event.payload.fields["size"] == "32x24"
    kept = {id(piece) for piece in event.payload.content.pieces}
    assert {id(piece) for piece in pieces} <= kept
    assert b"".join(event.payload.content.pieces)[event.payload.image] == large


@pytest.mark.parametrize("wanted", ["jpeg", "webp", "png"])
async def test_the_format_is_made_that_was_asked_for(wanted: str) -> None:
    """Partial and completed images alike."""
    finish = Finish(request(output_format=wanted, output_compression=50), 0)
    for event in (await finish.partial(RED, 1), await finish.completed(RED)):
        assert shown(event).format == wanted.upper()
        assert event.payload.fields["output_format"] == wanted


async def test_the_original_is_put_back_outside_the_mask() -> None:
    """With `composite`; without a mask nothing is done."""
    mask = Image.new("RGBA", (32, 24), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 10, 10))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    event = await Finish(request(buffer.getvalue()), 0, composite=True).completed(RED)
    picture = shown(event).convert("RGB")
    assert (picture.getpixel((5, 5)), picture.getpixel((20, 20))) == ((255, 0, 0), (0, 0, 255))
    untouched = await Finish(request(), 0, composite=True).completed(RED)
    assert shown(untouched).getpixel((20, 20)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"", "upstream_empty"),
        (b"!!!!", "upstream_malformed"),
        (base64.b64encode(b"<html>not a picture</html>"), "upstream_malformed"),
    ],
)
async def test_what_is_no_picture_is_the_providers_fault(image: bytes, code: str) -> None:
    """Told apart, and charged."""
    with pytest.raises(UpstreamBroken) as caught:
        await Finish(request(), 0).completed(image)
    assert (caught.value.detail.code, caught.value.detail.charged) == (code, True)


async def test_a_picture_that_breaks_behind_its_head_is_told_when_it_is_decoded() -> None:
    """A conversion needs all of it."""
    broken = RED[: len(RED) // 2 // 4 * 4]
    with pytest.raises(UpstreamBroken):
        await Finish(request(output_format="jpeg"), 0).completed(broken)


async def test_a_file_becomes_base64() -> None:
    """For providers that answer with bytes."""
    assert await Finish(request(), 0).base64(b"abc") == b"YWJj"
