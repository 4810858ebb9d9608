"""A client that is as slow or as wrong as a test wants it to be: a bare socket."""

import socket
import time
from collections.abc import Iterable
from contextlib import suppress

from clients import PNG, Answer
from servers import RunningServer

PAUSE_S = 0.05
"""Between the pieces of whoever dawdles."""


def connect(server: RunningServer, source: str = "127.0.0.1") -> socket.socket:
    """A connection from that address of this machine."""
    return socket.create_connection(server.address, timeout=10, source_address=(source, 0))


def get(path: str = "/health/live", *lines: str) -> bytes:
    """A whole request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: h", *lines, "", ""]).encode()


def post_head(*lines: str) -> bytes:
    """The head of an edit."""
    fixed = ("POST /v1/images/edits HTTP/1.1", "host: h", "content-type: multipart/form-data; boundary=b")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def form(**fields: str) -> bytes:
    """The body of an edit of `PNG`."""
    parts = [
        f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields.items()
    ]
    image = b'--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + PNG
    return b"".join([*parts, image, b"\r\n--b--\r\n"])


def edit(**fields: str) -> bytes:
    """A whole edit by the mock."""
    body = form(model="mock", prompt="p", **fields)
    return post_head(f"content-length: {len(body)}") + body


def dawdle(client: socket.socket, pieces: Iterable[bytes]) -> bool:
    """Send the pieces with pauses. False when the server ended the connection meanwhile."""
    client.settimeout(PAUSE_S)
    for piece in pieces:
        client.sendall(piece)
        with suppress(TimeoutError):
            assert client.recv(1) == b""
            return False
    client.settimeout(10)
    return True


def read_to_end(client: socket.socket) -> bytes:
    """Everything up to the end of the connection, which must be a clean one."""
    read = b""
    while piece := client.recv(1 << 16):
        read += piece
    return read


def read_answer(client: socket.socket) -> Answer:
    """One answer whose length is told."""
    started_s = time.monotonic()
    with client.makefile("rb", buffering=0) as stream:
        status = int(stream.readline().split()[1])
        lines = iter(stream.readline, b"\r\n")
        headers = dict(line.decode().strip().lower().split(": ", 1) for line in lines)
        body = b""
        while len(body) < int(headers["content-length"]):
            body += stream.read(int(headers["content-length"]) - len(body)) or b""
    return Answer(status, headers, body, time.monotonic() - started_s)


def refusal(client: socket.socket) -> Answer:
    """The error that a connection ends with."""
    answer = read_answer(client)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"].startswith("req_")
    assert (answer.error["param"], answer.error["type"]) == (None, "invalid_request_error")
    assert read_to_end(client) == b""
    return answer
