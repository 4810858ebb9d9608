"""Requests that are answered at once, each on a connection of its own: edits are posted, health and metrics looked at."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

IMAGE = b"\x89PNG\r\n\x1a\n"
"""What is edited."""

_SETUP = {
    "model": "mock",
    "prompt": "a picture for everybody",
    "images": [{"image_url": f"data:image/png;base64,{b64encode(IMAGE).decode()}"}],
}


@dataclass(frozen=True)
class Answered:
    """Status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(port: int, method: str, path: str, value: object = None) -> Answered:
    """The whole answer; what is asked with is JSON."""
    body = b"" if value is None else json.dumps(value).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: bench", "connection: close", "content-type: application/json"]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    try:
        return _parsed(await reader.read(-1))
    finally:
        writer.close()


async def post(port: int, **script: object) -> str:
    """The id of an edit that goes on by itself, the mock's unless `script` names another model. Raises RuntimeError when it was
    refused."""
    answer = await ask(port, "POST", "/v1/images/edits/async", {**_SETUP, **script})
    if answer.status != 202:
        raise RuntimeError(f"an edit was refused: {answer.status} {answer.body[:200]!r}")
    return answer.headers["x-edit-id"]


async def offer(port: int, **script: object) -> Answered:
    """What posting an edit is answered with."""
    return await ask(port, "POST", "/v1/images/edits/async", {**_SETUP, **script})


async def edit_now(port: int, **script: object) -> Answered:
    """An edit from its request to its result, a small one by itself."""
    return await ask(port, "POST", "/v1/images/edits", {**_SETUP, "mock_pace_s": 0, "size": "16x16", **script})


async def open_streams(port: int) -> int:
    """How many the server counts."""
    return await gauge(port, "streamedit_open_streams")


async def gauge(port: int, name: str) -> int:
    """One of `/metrics`."""
    text = (await ask(port, "GET", "/metrics")).body.decode()
    return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} "))))


def _parsed(data: bytes) -> Answered:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    return Answered(int(first.split()[1]), headers, _joined(body) if "transfer-encoding" in headers else body)


def _joined(chunked: bytes) -> bytes:
    parts, at = [], 0
    while size := int(chunked[at : (end := chunked.index(b"\r\n", at))], 16):
        parts.append(chunked[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)
