"""An HTTP/1.1 answer as it comes: its head, then the pieces of its chunked body, without a copy of any."""

from collections.abc import Iterator

_HEAD_END = b"\r\n\r\n"


class Answer:
    """Fed with what is read. `status` is 0 until the head is there; `is_whole` once the last chunk has come."""

    __slots__ = ("_held", "_left", "_plain_left", "head", "is_whole", "status")

    def __init__(self) -> None:
        self.status = 0
        self.head = b""
        self.is_whole = False
        self._held = b""
        self._left = 0
        self._plain_left = -1

    def pieces(self, data: memoryview) -> Iterator[memoryview]:
        """What `data` has of the body; a view is good until the next read."""
        if not self.status:
            data = self._take_head(data)
        while data and not self.is_whole:
            if self._left <= 2:
                data = self._take_line(data)
                continue
            piece = data[: self._left - 2]
            self._left -= len(piece)
            data = data[len(piece) :]
            yield piece

    def _take_head(self, data: memoryview) -> memoryview:
        self._held += bytes(data)
        head, found, rest = self._held.partition(_HEAD_END)
        if not found:
            return memoryview(b"")
        self.head, self._held = head.lower(), b""
        self.status = int(head.split(b" ", 2)[1])
        self.is_whole = b"transfer-encoding: chunked" not in self.head
        return memoryview(rest)

    def _take_line(self, data: memoryview) -> memoryview:
        """The end of a chunk (two bytes of `_left`), and the size of the next."""
        skipped = data[self._left :]
        self._left -= len(data) - len(skipped)
        if not skipped:
            return skipped
        text = self._held + bytes(skipped[:20])
        line, found, _ = text.partition(b"\r\n")
        if not found:
            self._held = text
            return memoryview(b"")
        rest = skipped[len(line) + 2 - len(self._held) :]
        self._held = b""
        self.is_whole = line == b"0"
        self._left = int(line, 16) + 2
        return rest
