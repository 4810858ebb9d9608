"""A provider that plays scripts byte by byte: OpenAI's documented stream, and every way in which it can break.

Plain sockets and threads, so that nothing between the script and the wire repairs a fault. What it was asked is parsed by
the standard library, which shares no code with the server.
"""

import email
import email.policy
import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

IMAGE = "iVBORw0KGgo" + "QUJD" * 50
"""Base64 that stands for an image."""

USAGE = {
    "total_tokens": 100,
    "input_tokens": 50,
    "output_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}


class Reset:
    """A step: break the connection off with a TCP reset."""


class Close:
    """A step: close the connection."""


class Hang:
    """A step: say nothing until the other side leaves."""


Step: TypeAlias = bytes | Reset | Close | Hang | threading.Event
"""Bytes are sent, an event is waited for."""
Script: TypeAlias = Iterable[Step]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, its headers (lower case), and the parts of its form in order."""

    path: str
    headers: Mapping[str, str]
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    """Name, filename, media type, content."""

    def field(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)


class ScriptedUpstream:
    """Answers each request with the script for it: `scripts` in turn, the last of them for all that follow."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.asked: list[Asked] = []
        self.came = threading.Semaphore(0)
        """Released by each request."""
        self.left = threading.Semaphore(0)
        """Released each time the other side leaves a `Hang`."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def play(self, *scripts: Script) -> None:
        self.scripts, self.asked = list(scripts), []

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError), connection, connection.makefile("rb") as stream:
            while True:
                asked = _read_request(stream)
                self.asked.append(asked)
                self.came.release()
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                for step in script:
                    self._play(connection, step)

    def _play(self, connection: socket.socket, step: Step) -> None:
        if isinstance(step, bytes):
            connection.sendall(step)
        elif isinstance(step, threading.Event):
            assert step.wait(10)
        elif isinstance(step, Hang):
            with suppress(OSError):
                connection.recv(1)
            self.left.release()
            raise EOFError
        else:
            if isinstance(step, Reset):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            raise EOFError


@contextmanager
def upstream() -> Iterator[ScriptedUpstream]:
    """A scripted upstream for the time of a `with` block."""
    scripted = ScriptedUpstream()
    scripted.start()
    try:
        yield scripted
    finally:
        scripted.stop()


def head(media_type: str = "text/event-stream; charset=utf-8", status: str = "200 OK", **headers: str) -> bytes:
    """The head of a chunked answer; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {media_type}", "transfer-encoding: chunked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def partial(index: int = 0, image: str = IMAGE, **fields: Any) -> dict[str, Any]:
    """The payload of a partial image as OpenAI documents it."""
    return {
        "type": "image_edit.partial_image",
        "b64_json": image,
        "created_at": 1_790_000_000,
        "size": "1024x1024",
        "quality": "high",
        "background": "opaque",
        "output_format": "png",
        "partial_image_index": index,
        **fields,
    }


def completed(image: str = IMAGE, **fields: Any) -> dict[str, Any]:
    """The payload of a completed image as OpenAI documents it."""
    payload = {**partial(0, image), "type": "image_edit.completed", "usage": USAGE, **fields}
    del payload["partial_image_index"]
    return payload


def raw(payload: Mapping[str, Any]) -> bytes:
    """A payload's JSON, spaced as OpenAI's documentation does not: the relay must keep it."""
    return json.dumps(payload, separators=(", ", ": ")).encode()


def frame(payload: Mapping[str, Any], name: str | None = None, end: bytes = b"\n") -> bytes:
    """An SSE frame with the payload's type as its name."""
    return b"event: %b%bdata: %b%b%b" % ((name or payload["type"]).encode(), end, raw(payload), end, end)


def answer(*payloads: Mapping[str, Any], **headers: str) -> bytes:
    """A whole stream."""
    return head(**headers) + b"".join(chunk(frame(payload)) for payload in payloads) + END


def json_answer(body: object, status: str = "200 OK", **headers: str) -> bytes:
    """A JSON answer."""
    return head("application/json", status, **headers) + chunk(json.dumps(body).encode()) + END


def _read_request(stream: Any) -> Asked:
    request_line = stream.readline().decode()
    if not request_line:
        raise EOFError
    headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
    body = stream.read(int(headers.get("content-length", 0)))
    asked = Asked(request_line.split()[1], headers)
    for part in _parts(headers.get("content-type", ""), body):
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            asked.fields.append((str(name), content.decode()))
        else:
            asked.files.append((str(name), str(part.get_filename()), part.get_content_type(), content))
    return asked


def _parts(content_type: str, body: bytes) -> Iterable[Any]:
    message = email.message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    return message.iter_parts() if message.is_multipart() else ()
