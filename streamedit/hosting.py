"""`response_format=url`: an edit's finished pictures are hosted here, and its events say where instead of holding them.

A picture that cannot be hosted is told as it is: it is paid for.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog
from anyio import fail_after, to_thread

from streamedit.attempt import Emit
from streamedit.edits import EditRequest
from streamedit.errors import EditError
from streamedit.events import Completed, Event, Payload
from streamedit.fetching import Fetch
from streamedit.images import inspect
from streamedit.results import Results
from streamedit.routing import Plan
from streamedit.uploads import HEAD_BYTES, Upload
from streamedit.wire import payloads
from streamedit.wire.dataurls import Base64Decoder

_URL = "url"
_WITHIN_S = 60.0
"""For one picture. Then it is told as it is."""

_NAMED = {"svg": "image/svg+xml"}
"""Formats of pictures that are no bitmaps, by the name that their event has for them."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """`rehosts`: pictures that a provider gives by URL are copied; else that URL is told. `max_bytes`: of what is copied."""

    results: Results
    fetch: Fetch
    log: structlog.typing.FilteringBoundLogger
    rehosts: bool = False
    max_bytes: int = 256 << 20

    def telling(self, request: EditRequest, plan: Plan, emit: Emit) -> Emit:
        """Tells an edit's events as its caller wants its pictures. `plan`: by which it is made."""
        if not self.rehosts and not _may_go_by_url(request, plan):
            return emit

        async def emit_hosted(event: Event) -> None:
            await emit(await self._hosted(event, request.base_url) if isinstance(event, Completed) else event)

        return emit_hosted

    async def _hosted(self, completed: Completed, base_url: str) -> Completed:
        try:
            # Not asyncio's timeout: that would leave a thread behind which still writes.
            with fail_after(_WITHIN_S):
                path = await self._path(completed)
        except (EditError, ValueError, OSError) as error:
            self.log.warning("picture not hosted", why=type(error).__name__)
            return completed
        return completed if path is None else replace(completed, payload=by_url(completed.payload, base_url + path))

    async def _path(self, completed: Completed) -> str | None:
        """Where the picture is hosted; None where it stays what it is. Raises EditError, ValueError, OSError."""
        payload = completed.payload
        if payload.has_image:
            return await self._own(payload) if completed.goes_by_url else None
        url = payload.fields.get(_URL)
        return await self._copied(url) if self.rehosts and isinstance(url, str) else None

    async def _own(self, payload: Payload) -> str:
        pieces, media_type = await unpacked(payload)
        return await self.results.host(sum(map(len, pieces)), _each(pieces), media_type)

    async def _copied(self, url: str) -> str:
        upload = Upload()
        try:
            await self.fetch(url, _URL, upload, self.max_bytes)
            info = inspect(await upload.head())
            return await self.results.host(upload.size_bytes, upload.slices(), info.media_type if info else "")
        finally:
            await upload.aclose()


async def unpacked(payload: Payload) -> tuple[Sequence[bytes], str]:
    """The bytes of an event's picture, and its media type, empty where nobody knows it. Raises ValueError for broken base64."""
    pieces = await to_thread.run_sync(_decoded, [text async for text in payload.image_base64.slices()])
    info = inspect(_beginning(pieces))
    return pieces, info.media_type if info else _NAMED.get(str(payload.fields.get("output_format")), "")


def by_url(payload: Payload, url: str) -> Payload:
    """The same without its picture, which is at `url`."""
    return payloads.build({**{name: value for name, value in payload.fields.items() if name != "b64_json"}, _URL: url})


def _may_go_by_url(request: EditRequest, plan: Plan) -> bool:
    overridden = (name for stage in plan.stages for name, _ in stage.overrides)
    return request.options.response_format == _URL or "response_format" in overridden


def _decoded(texts: Sequence[bytes]) -> Sequence[bytes]:
    """A picture's bytes. Raises ValueError for what is no base64. Runs in a thread."""
    decoder = Base64Decoder()
    pieces = [decoder.decode(text) for text in texts]
    decoder.end()
    return pieces


def _beginning(pieces: Sequence[bytes]) -> bytes:
    """Enough to know it by, however small the first pieces are."""
    beginning = b""
    for piece in pieces:
        beginning += piece[: HEAD_BYTES - len(beginning)]
    return beginning


async def _each(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
