"""Buckets for tests: those of moto, which speaks as S3 does, and of servers that say or do only one thing."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex

import httpx
from moto.server import ThreadedMotoServer

from streamedit.storage import BucketSettings

_STEP_S = 10

_BEGUN = """<?xml version="1.0"?>
<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>"""


@contextmanager
def moto() -> Iterator[str]:
    """The address of an S3. All of a process have the same buckets, and empty them at their end: they hold files open."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        httpx.post(f"http://{host}:{port}/moto-api/reset").raise_for_status()
        server.stop()


def settings_of(endpoint: str, name: str = "bucket", **fields: str) -> BucketSettings:
    """A bucket at an address of this machine."""
    credentials = {"access_key_id": "id", "secret_access_key": "secret", "region": "us-east-1"} | fields
    return BucketSettings.model_validate({"name": name, "endpoint": endpoint, "allow_http": True, **credentials})


def fresh_bucket(endpoint: str) -> BucketSettings:
    """An empty one, below a prefix."""
    name = f"bucket-{token_hex(8)}"
    httpx.put(f"{endpoint}/{name}").raise_for_status()
    return settings_of(endpoint, name, prefix="some/prefix")


def everything_in(settings: BucketSettings) -> list[str]:
    """The keys of a bucket, and those of uploads that were never ended."""
    texts = [httpx.get(f"{settings.endpoint}/{settings.name}?{query}").text for query in ("list-type=2", "uploads")]
    return [key for text in texts for key in re.findall("<Key>(.*?)</Key>", text)]


class ScriptedBucket:
    """Every request is answered by `answer`, of its method and path; it may wait for `released`. `seen`: all, with headers.

    `missing_bytes`: what is announced of each answer, and comes only when it is released, or never.
    """

    def __init__(self, answer: Callable[["ScriptedBucket", str, str], tuple[int, str]], missing_bytes: int = 0) -> None:
        self.missing_bytes = missing_bytes
        self.released = threading.Event()
        self.seen: list[tuple[str, str, Mapping[str, str]]] = []
        self._answer = answer

    @contextmanager
    def serving(self) -> Iterator[BucketSettings]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield settings_of(f"http://127.0.0.1:{server.server_port}")
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        self.seen.append((method, path, headers))
        return self._answer(self, method, path)


def always(status: int, text: str = "") -> ScriptedBucket:
    """It says the same to everybody."""
    return ScriptedBucket(lambda *_: (status, text))


def full(status: int, text: str) -> ScriptedBucket:
    """It has no blob, and takes none."""
    return ScriptedBucket(lambda _, method, __: (404, "") if method in ("HEAD", "DELETE") else (status, text))


def silent() -> ScriptedBucket:
    """It takes requests, and does not answer until it is released."""

    def answer(bucket: ScriptedBucket, _: str, __: str) -> tuple[int, str]:
        bucket.released.wait(_STEP_S)
        return 500, ""

    return ScriptedBucket(answer)


def half(text: str) -> ScriptedBucket:
    """Its blobs stop in their middle."""
    return ScriptedBucket(lambda *_: (200, text), missing_bytes=len(text))


def stuck() -> ScriptedBucket:
    """It lets an upload begin, and answers to no part of it."""

    def answer(bucket: ScriptedBucket, method: str, path: str) -> tuple[int, str]:
        if method == "HEAD":
            return 404, ""
        if method == "POST":
            return 200, _BEGUN
        if "partNumber" in path:
            bucket.released.wait(_STEP_S)
        return 204, ""

    return ScriptedBucket(answer)


def _handler(bucket: ScriptedBucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = bucket.answer(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", str(len(text) + bucket.missing_bytes))
            self.send_header("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(text.encode())
            if bucket.missing_bytes:
                bucket.released.wait(_STEP_S)
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _do  # noqa: N815 - the server's names

    return Handler
