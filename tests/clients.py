"""Clients that show what came over the wire: whole answers as events, or as status and envelope.

They speak plain HTTP to this machine, and need not load the authorities that they would verify others by.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

PNG = (
    b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + b"\x08\x06\0\0\0" + b"x" * 64
)
"""The beginning of a PNG: enough for whoever does not decode it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, and how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        return cls(response.status_code, response.headers, response.content, response.elapsed.total_seconds())

    @property
    def frames(self) -> list[bytes]:
        """The stream's frames without their blank lines; the last one must have had one, too."""
        assert self.body.endswith(b"\n\n"), self.body[-200:]
        return self.body.removesuffix(b"\n\n").split(b"\n\n")

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, payload) of each event. Every frame must have the exact form that is promised; comments are left out."""
        found = []
        for frame in self.frames:
            if frame.startswith(b":"):
                continue
            name, data = frame.split(b"\n")
            assert name.startswith(b"event: ")
            assert data.startswith(b"data: ")
            found.append((name.removeprefix(b"event: ").decode(), json.loads(data.removeprefix(b"data: "))))
        return found

    @property
    def viewed(self) -> list[tuple[int | None, str, bytes]]:
        """(id, name, data) of each event of a view. Only a reset, which comes first, has no id; comments are left out."""
        found: list[tuple[int | None, str, bytes]] = []
        for frame in self.frames:
            if frame.startswith((b":", b"retry: ")):
                continue
            *id_line, name, data = frame.split(b"\n")
            assert (name, data[:6]) == (b"event: " + name[7:], b"data: ")
            assert bool(id_line) == (name != b"event: reset" or bool(found))
            event_id = int(id_line[0].removeprefix(b"id: ")) if id_line else None
            found.append((event_id, name[7:].decode(), data[6:]))
        return found

    @property
    def names(self) -> list[str]:
        return [name.removeprefix("image_edit.") for name, _ in self.events]

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The error of an envelope, or of a stream's last event. All four keys must be there."""
        is_stream = self.headers["content-type"].startswith("text/event-stream")
        error: dict[str, Any] = (self.events[-1][1] if is_stream else self.json)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error


def post(
    url: str,
    fields: Mapping[str, Any] | None = None,
    files: Sequence[tuple[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """POST a form: by default a prompt and one image."""
    data = {"prompt": "sepia", **(fields or {})}
    parts = files if files is not None else [("image", ("photo.png", PNG, "image/png"))]
    response = httpx.post(url, data=data, files=parts, headers=headers, timeout=30, verify=False)
    return Answer.of(response)


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET to the end of the answer."""
    return Answer.of(httpx.get(url, headers=headers, timeout=30, verify=False))


def post_raw(url: str, body: bytes, content_type: str) -> Answer:
    """POST a body as it is."""
    response = httpx.post(url, content=body, headers={"content-type": content_type}, timeout=30, verify=False)
    return Answer.of(response)


def post_json(url: str, value: object) -> Answer:
    """POST a JSON body."""
    return post_raw(url, json.dumps(value).encode(), "application/json")
