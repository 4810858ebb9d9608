"""JSON bodies with uploads in them."""

import base64
import json

import pytest

from streamedit.edits import InputImage
from streamedit.uploads import Upload
from streamedit.wire.jsonbody import Base64, JsonBody


async def upload(data: bytes, pieces: int = 1) -> Upload:
    """An upload that came in so many pieces, on disk where it is large."""
    made = Upload(spool_bytes=1000)
    step = max(1, len(data) // pieces)
    for start in range(0, len(data), step):
        made.feed(data[start : start + step])
        await made.flush()
    return made


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 999, 100_000, (1 << 20) + 1, (3 << 20) + 2])
async def test_uploads_stand_in_it_as_base64(size: int) -> None:
    """Whatever their length, beside text in any script; the length is known before and the body can be sent again."""
    data = bytes(number % 251 for number in range(size))
    image = InputImage(await upload(data, 7), "a.png", "image/png")
    body = JsonBody({"text": 'ä"\n', "image": Base64(image.upload), "list": [{"url": Base64.data_url(image)}], "n": 2})
    sent = b"".join([piece async for piece in body])
    again = b"".join([piece async for piece in body])
    assert sent == again
    assert len(sent) == body.content_length
    value = json.loads(sent)
    assert base64.b64decode(value["image"], validate=True) == data
    assert value["list"][0]["url"] == "data:image/png;base64," + base64.b64encode(data).decode()
    assert (value["text"], value["n"]) == ('ä"\n', 2)
    image.upload.close()


async def test_no_piece_is_larger_than_a_slice_and_a_third() -> None:
    """Megabytes are never joined: what is sent comes in pieces of at most a slice's base64."""
    large = await upload(b"x" * (5 << 20))
    body = JsonBody({"image": Base64(large)})
    assert max([len(piece) async for piece in body]) <= (1 << 20) * 4 // 3 + 8
    large.close()


def test_only_uploads_may_stand_in_it() -> None:
    """Anything else that is not JSON is a mistake of the code."""
    with pytest.raises(TypeError):
        JsonBody({"image": object()})
