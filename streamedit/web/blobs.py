"""Blobs as HTTP answers: whole or a range, at their reader's pace, under a name, and unable to do harm in a browser."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from streamedit.stores.blobs import Blob
from streamedit.uploads import aclosed_unless_done
from streamedit.web.ranges import Part, is_known, part_of
from streamedit.web.sse import Answers

_HARMLESS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "referrer-policy": "no-referrer",
    "accept-ranges": "bytes",
}
"""Somebody has made what is in it: as a page of this server it may do nothing."""


@dataclass(frozen=True, slots=True)
class Described:
    """What an answer says of a blob. `headers`: further ones; `is_shown`: in the browser, else it is saved."""

    media_type: str
    filename: str
    etag: str
    headers: Mapping[str, str]
    is_shown: bool = False


class _PartOfBlob:
    """The source of an answer."""

    def __init__(self, blob: Blob, part: Part) -> None:
        self._blob = blob
        self._part = part

    async def open(self) -> Mapping[str, str]:
        return {}

    def pieces(self) -> AsyncGenerator[bytes]:
        return self._blob.slices(self._part.start, self._part.stop)

    async def aclose(self) -> None:
        await self._blob.aclose()


async def blob_answer(request: Request, blob: Blob, described: Described, answers: Answers) -> Response:
    """The answer to a GET or HEAD; the blob is its own to close. Raises UnsatisfiableRange."""
    headers = {**_HARMLESS, "etag": described.etag, "content-disposition": _disposition(described), **described.headers}
    if is_known(request.headers, described.etag):
        await blob.aclose()
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    async with aclosed_unless_done(blob.aclose):
        part = part_of(request.headers, described.etag, blob.size_bytes)
    status = HTTPStatus.OK if part.is_whole else HTTPStatus.PARTIAL_CONTENT
    headers |= {"content-type": described.media_type, "content-length": str(part.stop - part.start), **_range_of(part)}
    if request.method == "HEAD":
        await blob.aclose()
        return Response(status_code=status, headers=headers)
    return answers.bytes(_PartOfBlob(blob, part), status, headers)


def _range_of(part: Part) -> Mapping[str, str]:
    return {} if part.is_whole else {"content-range": part.content_range}


def _disposition(described: Described) -> str:
    """RFC 6266: a name in ASCII, and, where that is not all, the whole one in UTF-8."""
    kind = "inline" if described.is_shown else "attachment"
    plain = "".join(char if " " <= char <= "~" and char not in '"\\' else "_" for char in described.filename)
    whole = "" if plain == described.filename else f"; filename*=UTF-8''{quote(described.filename, safe='')}"
    return f'{kind}; filename="{plain}"{whole}'
