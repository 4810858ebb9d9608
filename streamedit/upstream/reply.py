"""One HTTP/1.1 answer while it arrives."""

from dataclasses import dataclass, field
from http import HTTPStatus

import httptools
import httpx

_MAX_HEAD_BYTES = 1 << 16


@dataclass(slots=True)
class Head:
    """What an answer begins with."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def tells_length(self) -> bool:
        """Otherwise the body ends with the connection (RFC 9112, 6.3)."""
        names = {name.lower() for name, _ in self.headers}
        return self.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) or not names.isdisjoint(
            (b"content-length", b"transfer-encoding")
        )


class Reply:
    """Feed it what was read: it `is_answered` once the head is there, and `is_ended` once the body is whole.

    `keeps_alive`: another request may follow on the connection, as far as the answer goes. Parsing is httptools'.
    """

    def __init__(self) -> None:
        self.head = Head()
        self.is_answered = self.is_ended = False
        self.keeps_alive = True
        self._head_bytes = 0
        self._pieces: list[bytes] = []
        # The parser's callback for each HTTP chunk is a builtin: a network's chunks are small, and there are many.
        self.on_body = self._pieces.append
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def room(self, buffer: memoryview) -> memoryview:
        """What may be read into. A head has to be in the first `_MAX_HEAD_BYTES`; only then there is room for more."""
        return buffer if self.is_answered else buffer[: _MAX_HEAD_BYTES - self._head_bytes]

    def feed(self, data: memoryview) -> None:
        """Parse what was read. Raises httpx.RemoteProtocolError when it is no answer."""
        try:
            if self._parser is not None:
                self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._garbled()
        if not self.is_answered:
            self._head_bytes += len(data)
            if self._head_bytes == _MAX_HEAD_BYTES:
                self._garbled()

    def take(self) -> bytes:
        """What has come of the body since the last time, in one piece."""
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        return piece

    def end(self) -> None:
        """The connection has ended, and with it a body whose length nobody told."""
        if self.is_answered and not self.head.tells_length:
            self.is_ended = True

    def close(self) -> None:
        """Nothing more is parsed. The parser holds on to this reply, and no garbage collector should have to see that."""
        self._parser = None

    def _garbled(self) -> None:
        """What follows a whole answer only spoils the connection."""
        self.keeps_alive = False
        if not self.is_ended:
            raise httpx.RemoteProtocolError("The provider's answer is not HTTP/1.1.")

    # -- what the parser finds --

    def on_message_begin(self) -> None:
        if self.is_ended:
            raise httptools.HttpParserError("a second answer")
        self.head = Head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer; those behind its body (trailers) say nothing that is of use here."""
        if not self.is_answered:
            self.head.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Answers below 200 only announce the real one."""
        if self._parser is None or self.is_answered or self._parser.get_status_code() < HTTPStatus.OK:
            return
        self.head.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive() and self.head.tells_length
        self.is_answered = True

    def on_message_complete(self) -> None:
        self.is_ended = self.is_answered
