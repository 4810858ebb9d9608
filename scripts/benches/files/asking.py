"""Requests, each on a connection of its own; of what is sent, and of what is compared, nothing is kept in memory."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse

from .bodies import Body

_PATIENCE_S = 600.0
_PIECE_BYTES = 1 << 20


def post(port: int, path: str, body: Body) -> bytes:
    """What it is answered with. Raises RuntimeError when it is refused."""
    headers = {"content-type": body.content_type, "content-length": str(body.size_bytes)}
    with _asked(port, "POST", path, body, headers) as answer:
        return answer.read()


def get(port: int, path: str) -> bytes:
    """The same without a body."""
    with _asked(port, "GET", path) as answer:
        return answer.read()


def compare(port: int, path: str, expected: memoryview) -> None:
    """Read what is there, and compare every byte as it comes. Raises RuntimeError when one differs."""
    at = 0
    with _asked(port, "GET", path) as answer:
        while piece := answer.read(_PIECE_BYTES):
            if piece != bytes(expected[at : at + len(piece)]):
                raise RuntimeError(f"{path} differs from what was sent")
            at += len(piece)
    if at != len(expected):
        raise RuntimeError(f"{path} has {at} bytes instead of {len(expected)}")


@contextmanager
def _asked(
    port: int, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        connection.request(method, path, body.pieces if body else None, headers or {})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {answer.read(300)!r}")
        yield answer
