"""A provider that plays scripts byte by byte: OpenAI's documented stream, and every way in which it can break.

Plain sockets and threads, so that nothing between the script and the wire repairs a fault. What it was asked is parsed by
the standard library, which shares no code with the server.
"""

import email
import email.policy
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Close:
    """A step: close the connection. Over TLS it breaks off, unless `notify` is set."""

    notify: bool = False


class Hang:
    """A step: say nothing until the other side leaves."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A step: from here on the connection speaks another protocol, `speak`'s, and ends with it."""

    speak: Callable[[socket.socket], None]


Step: TypeAlias = bytes | Reset | Close | Hang | Upgrade | threading.Event
"""Bytes are sent, an event is waited for."""
Script: TypeAlias = Iterable[Step]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its method, its path, its headers (lower case), its body, and the parts of its form in order."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    """Name, filename, media type, content."""

    def field(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)


class ScriptedUpstream:
    """Answers each request with the script for it: `scripts` in turn, the last of them for all that follow."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.scripts: list[Script] = []
        self.asked: list[Asked] = []
        self.came = threading.Semaphore(0)
        """Released by each request."""
        self.left = threading.Semaphore(0)
        """Released each time the other side leaves a `Hang`."""
        self.reads_bodies = True
        """Otherwise it answers once it has read a request's head, and reads no further."""
        self._handler: Callable[[Asked], Script] | None = None
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._connections: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def connections(self) -> int:
        """How many were opened so far."""
        return len(self._connections)

    @property
    def is_left(self) -> bool:
        """Of the connections that were opened none is open any more."""
        return all(connection.fileno() == -1 for connection in self._connections)

    def play(self, *scripts: Script) -> None:
        self.scripts, self.asked = list(scripts), []

    def serve(self, handler: Callable[[Asked], Script]) -> None:
        """From now on each request is answered with the script that `handler` has for it."""
        self._handler, self.asked = handler, []

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.stop_listening()
        for connection in self._connections:
            connection.close()

    def stop_listening(self) -> None:
        """Take no further connection; those that there are go on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, EOFError), self._secured(plain) as connection, connection.makefile("rb") as stream:
            while True:
                asked = _read_request(stream, self.reads_bodies)
                self.asked.append(asked)
                self.came.release()
                for step in self._script_for(asked):
                    self._play(connection, step)

    def _script_for(self, asked: Asked) -> Script:
        if self._handler is not None:
            return self._handler(asked)
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    def _secured(self, plain: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(plain, server_side=True) if self._tls else plain

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
        elif isinstance(step, Upgrade):
            step.speak(connection)
            raise EOFError
        else:
            if isinstance(step, Reset):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif step.notify and isinstance(connection, ssl.SSLSocket):
                connection.setblocking(False)
                with suppress(ssl.SSLWantReadError):
                    connection.unwrap()
            connection.close()
            raise EOFError


@contextmanager
def upstream(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[ScriptedUpstream]:
    """A scripted upstream for the time of a `with` block."""
    scripted = ScriptedUpstream(tls, host)
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


def sized(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """An answer that tells its length."""
    return (
        head("application/octet-stream", status, **headers).replace(
            b"transfer-encoding: chunked", b"content-length: %d" % len(body)
        )
        + body
    )


def _read_request(stream: Any, with_body: bool) -> Asked:
    request_line = stream.readline().decode()
    if not request_line:
        raise EOFError
    headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
    body = stream.read(int(headers.get("content-length", 0))) if with_body else b""
    method, path, _ = request_line.split()
    asked = Asked(method, path, headers, body)
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
