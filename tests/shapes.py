"""Requests put together byte by byte, as one client or another writes them."""

import http.client
import json
import socket
from collections.abc import Iterable

from clients import PNG, Answer
from fronts import KEY, Front
from raw import connect

Part = tuple[str, str | bytes]
"""A part's headers, one a line, and its content."""


def send(front: Front, head: str, *pieces: bytes) -> Answer:
    """What a request is answered; its head as lines, without `Host`. The pieces are sent one by one."""
    lines = [line.strip() for line in head.strip().splitlines()]
    with connect(front.server) as client:
        client.sendall("\r\n".join([lines[0], "Host: 127.0.0.1", *lines[1:], "", ""]).encode())
        if "100-continue" in head:
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        for piece in pieces:
            client.sendall(piece)
        return _read(client)


def _read(client: socket.socket) -> Answer:
    response = http.client.HTTPResponse(client)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read(), 0)


def form(boundary: str, parts: Iterable[Part]) -> bytes:
    """A multipart body of parts, each with its headers as lines."""
    body = b""
    for head, content in parts:
        lines = "\r\n".join(line.strip() for line in head.strip().splitlines())
        body += (
            f"--{boundary}\r\n{lines}\r\n\r\n".encode() + (content.encode() if isinstance(content, str) else content) + b"\r\n"
        )
    return body + f"--{boundary}--\r\n".encode()


def field(name: str, text: str) -> Part:
    """A text part as most clients write it."""
    return f'Content-Disposition: form-data; name="{name}"', text


def file(name: str, filename: str, media_type: str = "image/png") -> Part:
    """An image's part as most clients write it."""
    return f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\nContent-Type: {media_type}', PNG


def chunk(data: bytes) -> bytes:
    """HTTP's framing of a piece whose whole is not known."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def send_json(front: Front, path: str, value: object, *lines: str) -> Answer:
    """A JSON body, as most clients send it."""
    body = json.dumps(value).encode()
    fixed = [f"POST {path} HTTP/1.1", "content-type: application/json", f"content-length: {len(body)}", "accept: */*"]
    key = () if any(line.startswith("api-key") for line in lines) else (f"authorization: Bearer {KEY}",)
    return send(front, "\n".join([*fixed, *key, *lines]), body)
