"""A provider that plays a script: it takes any prompt and any bytes, costs nothing and breaks on demand.

For people who build front ends, and for tests. The script comes with the request as extra fields, or from the target's
parameters, which set the defaults:

    mock_pace_s    seconds before each event (0.05)
    mock_bytes     size of each image in bytes, before base64 (as small as it gets)
    mock_partials  partial images, whatever the caller asked for
    mock_fault     refuse | rate_limit | unavailable | moderation | error | truncate | hang; the last three after one partial
                   image, or at once when there is none
"""

import asyncio
import io
import os
import re
import struct
import zlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import pybase64
from anyio import CapacityLimiter, to_thread
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamedit.decoders import KINDS
from streamedit.edits import EditRequest
from streamedit.errors import ErrorDetail, InvalidRequest, UpstreamBroken, UpstreamRefused
from streamedit.events import Event, Usage
from streamedit.providers.base import Picture, Tools
from streamedit.providers.capabilities import PARAMETERS, Capabilities, Support
from streamedit.targets import Setup, Target

_PNG_CHUNK_BYTES = 12
"""What a PNG chunk needs beside its content, and all of the last one."""

_MAX_SIDE_PX = 4096
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")
_FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}

_REFUSALS: Mapping[str, ErrorDetail] = {
    "refuse": ErrorDetail(400, "invalid_request_error", "The mock refuses this edit.", "prompt", "mock_refused"),
    "moderation": ErrorDetail(
        400, "image_generation_user_error", "The mock's moderation blocked it.", None, "moderation_blocked"
    ),
    "rate_limit": ErrorDetail(
        429, "rate_limit_error", "The mock is busy.", None, "rate_limit_exceeded", True, headers={"retry-after": "1"}
    ),
    "unavailable": ErrorDetail(503, "server_error", "The mock is away.", None, "mock_unavailable", True),
}
_LATE_ERROR = ErrorDetail(502, "server_error", "The mock broke off.", None, "mock_error", charged=True)


class Script(BaseModel):
    """How one call plays out."""

    model_config = ConfigDict(extra="ignore")

    mock_pace_s: float = Field(0.05, ge=0, le=60)
    mock_bytes: int = Field(0, ge=0, le=32 << 20)
    mock_partials: int | None = Field(None, ge=0, le=3)
    mock_fault: str | None = Field(None, pattern="^(refuse|rate_limit|unavailable|moderation|error|truncate|hang)$")


SETUP = Setup(params=frozenset(Script.model_fields))

CAPABILITIES = Capabilities(
    streams=True,
    partial_images=True,
    inputs=KINDS,
    parameters=dict.fromkeys(PARAMETERS, Support.NATIVE),
    verbatim=True,
)
FAMILIES = {"mock": CAPABILITIES}


class Mock:
    """The provider `mock`: it takes everything, and does with it what its script says."""

    def __init__(self, tools: Tools) -> None:
        self._now_s = tools.now_s
        self._limiter = CapacityLimiter(os.cpu_count() or 1)

    def capabilities(self, _: Target) -> Capabilities:
        return CAPABILITIES

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        script = _script(request, target)
        refusal = _REFUSALS.get(script.mock_fault or "")
        if refusal is not None:
            raise UpstreamRefused(refusal)
        canvas = _Canvas.of(request, script)
        picture = Picture(int(self._now_s()), canvas.size, canvas.output_format, "high", "opaque")
        partials = request.partial_images if script.mock_partials is None else script.mock_partials
        for index in range(partials):
            await asyncio.sleep(script.mock_pace_s)
            yield picture.partial(await self._draw(canvas, (index + 1) / (partials + 1)), index)
            await _break(script.mock_fault)
        await _break(script.mock_fault)
        await asyncio.sleep(script.mock_pace_s)
        yield picture.completed(await self._draw(canvas, 1.0), Usage(50, 50, 100))

    async def _draw(self, canvas: "_Canvas", progress: float) -> bytes:
        return await to_thread.run_sync(canvas.draw, progress, limiter=self._limiter)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Draws how far an edit has come: a bar over a plain ground, its colour told by the prompt and the image's number."""

    width_px: int
    height_px: int
    output_format: str
    hue: int
    padded_bytes: int

    @classmethod
    def of(cls, request: EditRequest, script: Script) -> "_Canvas":
        size = _SIZE.fullmatch(request.options.size or "256x256")
        width_px, height_px = (min(max(int(side), 1), _MAX_SIDE_PX) for side in (size.groups() if size else (256, 256)))
        hue = (zlib.crc32(request.prompt.encode()) + 47 * request.image_index) % 360
        output_format = request.options.output_format or "png"
        return cls(width_px, height_px, output_format if output_format in _FORMATS else "png", hue, script.mock_bytes)

    @property
    def size(self) -> str:
        return f"{self.width_px}x{self.height_px}"

    def draw(self, progress: float) -> bytes:
        """The picture at `progress` (0-1), as base64."""
        image = Image.new("RGB", (self.width_px, self.height_px), f"hsl({self.hue}, 25%, 88%)")
        ImageDraw.Draw(image).rectangle((0, 0, self.width_px * progress, self.height_px), f"hsl({self.hue}, 60%, 55%)")
        encoded = io.BytesIO()
        image.save(encoded, _FORMATS[self.output_format])
        return pybase64.b64encode(self._padded(encoded.getvalue()))

    def _padded(self, encoded: bytes) -> bytes:
        """A file of the wanted size. In a PNG the surplus is a private chunk (PNG 5.4), elsewhere a tail; viewers skip both."""
        missing = self.padded_bytes - len(encoded)
        if self.output_format != "png":
            return encoded + _filling(encoded, missing)
        chunk = b"stRm" + _filling(encoded, missing - _PNG_CHUNK_BYTES)
        if missing < _PNG_CHUNK_BYTES:
            return encoded
        framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        end = len(encoded) - _PNG_CHUNK_BYTES
        return encoded[:end] + framed + encoded[end:]


def _filling(encoded: bytes, length: int) -> bytes:
    """`length` bytes that differ from picture to picture."""
    seed = zlib.crc32(encoded).to_bytes(4, "big")
    return (seed * (length // 4 + 1))[: max(length, 0)]


def _script(request: EditRequest, target: Target) -> Script:
    fields = {**target.params, **dict(request.extra)}
    try:
        return Script.model_validate(fields)
    except ValidationError as error:
        mistake = error.errors()[0]
        name = str(mistake["loc"][0])
        raise InvalidRequest(f"{name}: {mistake['msg']}", param=name, code="invalid_value") from None


async def _break(fault: str | None) -> None:
    if fault == "error":
        raise UpstreamRefused(_LATE_ERROR)
    if fault == "truncate":
        raise UpstreamBroken("The mock's stream ended before the edit was completed.", code="upstream_incomplete")
    if fault == "hang":
        await asyncio.Event().wait()
