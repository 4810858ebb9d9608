"""What most would write with well-known packages: the form read and sent on, each event parsed and written anew.

No fault is handled and nothing is kept. Run as `python obvious.py PORT UPSTREAM`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from httpx_sse import aconnect_sse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Files = list[tuple[str, tuple[str | None, bytes, str | None]]]

# the default, 100, is fewer than the bench's streams
_LIMITS = httpx.Limits(max_connections=4096)


def application(upstream: str) -> Starlette:
    """The relay as an ASGI application; the upstream's certificate is the bench's own."""
    url = f"{upstream}/v1/images/edits"
    client = httpx.AsyncClient(timeout=60, verify=False, limits=_LIMITS)  # noqa: S501

    async def relay(request: Request) -> Response:
        headers = {"authorization": request.headers["authorization"]}
        form = await request.form()
        fields, files = _fields(form), await _files(form)

        async def events() -> AsyncIterator[ServerSentEvent]:
            async with aconnect_sse(client, "POST", url, headers=headers, data=fields, files=files) as source:
                async for event in source.aiter_sse():
                    yield ServerSentEvent(event.data, event=event.event)

        return EventSourceResponse(events())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def ready(_: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/v1/images/edits", relay, methods=["POST"]), Route("/ready", ready)], lifespan=lifespan)


def _fields(form: FormData) -> dict[str, list[str]]:
    return {name: [value for value in form.getlist(name) if isinstance(value, str)] for name in form}


async def _files(form: FormData) -> Files:
    uploads = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    return [(name, (upload.filename, await upload.read(), upload.content_type)) for name, upload in uploads]


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
