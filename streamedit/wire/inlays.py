"""The images that a JSON request has inlaid as data URLs, decoded while the request arrives.

An image is taken out of the text when its string has not ended with what has come so far: its base64 goes decoded into an
upload, and a mark stands in its place. Strings that came whole stay, and so does whatever is no input image.
"""

import re
import secrets
from collections.abc import Iterable, Sequence

from anyio import to_thread

from streamedit.errors import InvalidRequest, TooLarge
from streamedit.turns import LARGE_BYTES
from streamedit.uploads import Upload
from streamedit.wire import dataurls, payloads
from streamedit.wire.jsontext import JsonText, Step
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.schemas import MAX_IMAGES

MAX_TEXT_BYTES = 32 << 20
"""Of a body without the images that are taken out of it."""

_SLICE_BYTES = 1 << 18
"""Read and decoded at a time."""

_HEAD = re.compile(rb'data:(?:[^",\\]|\\/){0,256}?; *base64,', re.IGNORECASE)
"""What stands before the base64 of a data URL, as JSON: some write `/` as `\\/`."""

_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_ESCAPE_BYTES = 6


class Inlays:
    """A JSON body without its images. `text`: its JSON; `uploads`: the images by the marks that stand for them.

    A mark is the base64 of a data URL in `text`. Nobody can write one without having seen it.
    """

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._body_bytes = 0
        self._json = JsonText()
        self._secret = secrets.token_hex(16)
        self._inlay: _Inlay | None = None
        self.uploads: dict[str, Upload] = {}

    @property
    def text(self) -> bytearray:
        return self._json.text

    async def feed(self, chunk: bytes) -> None:
        """Take what follows of the body.

        Raises TooLarge naming an image, or the body, as soon as it is above its limit; InvalidRequest for an image that is no
        base64, and for what is nested so deep that it is no JSON.
        """
        self._body_bytes += len(chunk)
        self._limits.check_body(self._body_bytes)
        for start in range(0, len(chunk), _SLICE_BYTES):
            piece = chunk[start : start + _SLICE_BYTES]
            while piece:
                piece = await (self._take_image(self._inlay, piece) if self._inlay else self._take_text(piece))

    def close(self) -> None:
        """Give back what the images hold. Idempotent."""
        for upload in self.uploads.values():
            upload.close()

    def keep(self, uploads: Iterable[Upload]) -> None:
        """Give back what the images hold, all but these."""
        for upload in set(self.uploads.values()).difference(uploads):
            upload.close()

    async def _take_text(self, piece: bytes) -> bytes:
        """Take a piece of text; what of it is an image's base64 comes back."""
        if len(piece) < LARGE_BYTES:
            return self._read_text(piece)
        return await to_thread.run_sync(self._read_text, piece)

    def _read_text(self, piece: bytes) -> bytes:
        try:
            self._json.feed(piece)
        except ValueError:
            raise InvalidRequest("The body is not valid JSON.", param="body", code="invalid_json") from None
        base64 = self._begin_image()
        if len(self.text) > MAX_TEXT_BYTES:
            raise TooLarge(f"The request body without its images is larger than {MAX_TEXT_BYTES} bytes.", param="body")
        return base64

    def _begin_image(self) -> bytes:
        """Put a mark in an image's place once its head is there; what has come of its base64."""
        param = _param_of(self._json.path) if self._json.opened >= 0 else None
        head = _HEAD.match(self.text, self._json.opened) if param else None
        if param is None or head is None:
            return b""
        base64 = self._json.take_from(head.end())
        self._inlay = _Inlay(param, self._limits)
        self._json.feed(self._marked(self._inlay.upload))
        return base64

    def _marked(self, upload: Upload) -> bytes:
        """The mark of an image. Where a member comes twice the last one counts: they have one mark."""
        steps = [step.decode() if isinstance(step, bytes) else str(step) for step in self._json.path]
        mark = "-".join((self._secret, *steps))
        if mark in self.uploads:
            self.uploads[mark].close()
        self.uploads[mark] = upload
        return mark.encode()

    async def _take_image(self, inlay: "_Inlay", piece: bytes) -> bytes:
        """Take a piece of an image; what of it is text comes back."""
        end = piece.find(b'"')
        if end < 0:
            await inlay.feed(piece)
            return b""
        await inlay.end(piece[:end])
        self._inlay = None
        return piece[end:]


class _Inlay:
    """One image while it arrives, as JSON has its base64."""

    def __init__(self, param: str, limits: BodyLimits) -> None:
        self.upload = Upload()
        self._param = param
        self._limits = limits
        self._decoder = dataurls.Base64Decoder()
        self._held = bytearray()

    async def feed(self, text: bytes) -> None:
        self._held += text
        if len(self._held) >= _SLICE_BYTES:
            await self._decode(_cut_escape(self._held))

    async def end(self, text: bytes) -> None:
        """Base64 has no quotes: the first one is the string's end, or the image is broken."""
        self._held += text
        await self._decode(len(self._held))
        try:
            self._decoder.end()
        except ValueError as error:
            raise dataurls.broken(f"{self._param}.image_url") from error

    async def _decode(self, end: int) -> None:
        text, self._held = bytes(self._held[:end]), self._held[end:]
        if len(text) >= LARGE_BYTES:
            await to_thread.run_sync(self._add, text)
        else:
            self._add(text)
        await self.upload.flush()

    def _add(self, text: bytes) -> None:
        try:
            self.upload.feed(self._decoder.decode(_unescaped(text)))
        except ValueError as error:
            raise dataurls.broken(f"{self._param}.image_url") from error
        self._limits.check_image(self.upload.size_bytes, self._param)


def _param_of(path: Sequence[Step]) -> str | None:
    """How an image is called whose URL is at this place; None for any other place."""
    match path:
        case [b"images" | b"image", int(index), *inner] if index < MAX_IMAGES:
            param = f"images[{index}]"
        case [b"images" | b"image", *inner]:
            param = "images[0]"
        case [b"mask" | b"markup" as name, *inner]:
            param = name.decode()
        case _:
            return None
    return param if inner in ([b"image_url"], [b"url"], [b"image_url", b"url"]) else None


def _cut_escape(text: bytearray) -> int:
    """Where the text ends, or in it an escape begins that has not come whole."""
    start = max(len(text) - _ESCAPE_BYTES, 0)
    escape = _CUT_ESCAPE.search(text, start)
    return escape.start() if escape else len(text)


def _unescaped(text: bytes) -> bytes:
    """What a part of a JSON string stands for. Raises ValueError when that is not ASCII."""
    return str(payloads.loads(b'"%b"' % text)).encode("ascii") if b"\\" in text else text
