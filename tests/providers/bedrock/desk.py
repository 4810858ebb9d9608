"""A server in front of one of Bedrock's fakes, and what it is sent."""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from clients import Answer, post
from PIL import Image, ImageDraw
from providers.fakes import Fake, body_of
from providers.fakes.bedrock import NovaCanvas
from servers import serving, settings_of
from upstreams import Asked, Script, ScriptedUpstream, Step

PHOTO = (Path(__file__).parent.parent.parent / "photos" / "chelsea.png").read_bytes()


class Desk:
    """A server with one target at a fake, by default Nova Canvas: `edit` asks it, `body` is what the fake was asked last.

    `model`, `params`: what the configuration says instead, and beside.
    """

    def __init__(self, scripted: ScriptedUpstream) -> None:
        self.scripted = scripted
        self.fake: Fake = NovaCanvas()
        self.model: str | None = None
        self.params: Mapping[str, object] = {}

    def edit(self, fields: Mapping[str, str] | None = None, mask: bytes | None = None, *images: bytes) -> Answer:
        """An edit of the photo, or of `images`."""
        files = [("image[]", ("a", image, "image/png")) for image in images or (PHOTO,)]
        if mask is not None:
            files.append(("mask", ("m.png", mask, "image/png")))
        return self.post(fields or {}, files)

    def post(self, fields: Mapping[str, str], files: list[tuple[str, tuple[str, bytes, str]]]) -> Answer:
        """An edit with these files."""
        if self.scripted._handler is None:
            self.scripted.serve(self.fake.answer)
        self.fake.url = self.scripted.url
        target = self.fake.target()
        target = replace(target, model=self.model or target.model, params={**target.params, **self.params})
        with serving(settings_of(target)) as server:
            return post(server.edits_url, {"prompt": "a hat", **fields}, files)

    def answering(self, *script: Step) -> None:
        """From now on every call is answered so."""

        def answer(asked: Asked) -> Script:
            self.fake.check(asked)
            return script

        self.scripted.serve(answer)

    @property
    def body(self) -> dict[str, Any]:
        return body_of(self.scripted.asked[-1])


def window(size_px: tuple[int, int] = (451, 300)) -> bytes:
    """A mask with a clear rectangle and a half clear one."""
    mask = Image.new("RGBA", size_px, (0, 0, 0, 255))
    draw = ImageDraw.Draw(mask)
    draw.rectangle((200, 100, 259, 159), (0, 0, 0, 0))
    draw.rectangle((10, 10, 19, 19), (0, 0, 0, 100))
    return png(mask)


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
