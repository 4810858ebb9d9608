"""OpenAI's moderations, both ways."""

import base64
import json
from typing import Any

import pytest
from moderations import result

from streamedit.edits import InputImage
from streamedit.uploads import Upload
from streamedit.wire import moderations
from streamedit.wire.jsonbody import JsonBody


async def test_a_request_has_one_input() -> None:
    """A text as it is, an image as a data URL."""
    image = InputImage(Upload(b"image"), "a.png", "image/png")
    assert await sent(moderations.of_text("m", "a \ud800 text")) == {
        "model": "m",
        "input": [{"type": "text", "text": "a \ud800 text"}],
    }
    url = f"data:image/png;base64,{base64.b64encode(b'image').decode()}"
    assert await sent(moderations.of_image("m", image)) == {
        "model": "m",
        "input": [{"type": "image_url", "image_url": {"url": url}}],
    }


def test_an_answer_has_one_result_at_least() -> None:
    """Categories that a model does not judge are null; fields that nobody knows do no harm."""
    content = json.dumps({"id": "m", "more": 1, "results": [result({"violence": 0.7}), {"categories": {"new": True}}]})
    first, second = moderations.parse(content.encode())
    assert (first.categories["violence"], first.categories["illicit/violent"]) == (True, None)
    assert first.category_scores["violence"] == 0.7
    assert (dict(second.categories), dict(second.category_scores)) == ({"new": True}, {})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<html>", b"null", b"{}", b'{"results": []}', b'{"results": [{}]}', b'{"results": [{"categories": []}]}',
        b'{"results": [{"categories": {"violence": "perhaps"}}]}', b'{"results": "\xff"}',
        b'{"results": [{"categories": {}, "category_scores": {"violence": NaN}}]}',
    ],
)  # fmt: skip
def test_anything_else_is_no_answer(content: bytes) -> None:
    """Nobody is passed on the strength of it."""
    with pytest.raises(ValueError, match="validation error"):
        moderations.parse(content)


async def sent(body: JsonBody) -> Any:
    """What goes over the wire."""
    return json.loads(b"".join([piece async for piece in body]))
