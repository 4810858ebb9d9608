"""Well-known packages and nothing else: what passing bytes through httpx over aiohttp into sse-starlette costs by itself.

No form is read, no event is found or kept, no fault is handled. Run as `python libraries.py PORT UPSTREAM`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httpx
import uvicorn
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_READ_BYTES = 1 << 18
# the default, 100, is fewer than the bench's streams
_LIMITS = httpx.Limits(max_connections=4096)


def application(upstream: str) -> Starlette:
    """The relay as an ASGI application; the upstream's certificate is the bench's own."""
    url = f"{upstream}/v1/images/edits"
    client = httpx.AsyncClient(transport=AiohttpTransport(verify=False, limits=_LIMITS), timeout=60)
    AiohttpResponseStream.CHUNK_SIZE = _READ_BYTES

    async def relay(request: Request) -> Response:
        headers = {"content-type": request.headers["content-type"]}
        asked = client.build_request("POST", url, content=await request.body(), headers=headers)
        answer = await client.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            async for piece in cast(httpx.AsyncByteStream, answer.stream):
                yield piece
            await answer.aclose()

        return EventSourceResponse(body(), ping=0)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def ready(_: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/v1/images/edits", relay, methods=["POST"]), Route("/ready", ready)], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
    )
