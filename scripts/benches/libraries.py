"""The packages that streamedit relays with, and nothing else: what passing bytes through them costs by itself.

No form is read, no event is found or kept, no fault is handled. Run as `python libraries.py PORT UPSTREAM_PORT`.
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

READ_BYTES = 1 << 18


def application(upstream_port: int) -> Starlette:
    """The relay as an ASGI application."""
    url = f"http://127.0.0.1:{upstream_port}/v1/images/edits"
    client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=60)
    AiohttpResponseStream.CHUNK_SIZE = READ_BYTES

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
        application(int(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        log_level="warning",
        access_log=False,
    )
