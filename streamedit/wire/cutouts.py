"""A provider's JSON, read without touching the images in it: each long string is set aside before the rest is parsed.

Other dialects hold their images under many names (`data`, `image`, `images[]`, `url`), so here any long string counts.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from streamedit.events import Json
from streamedit.wire import payloads

_LONG_BYTES = 1 << 12
_DATA_HEAD_BYTES = 256
"""What stands before the base64 of a data URL is not longer."""

_BACKSLASH = 0x5C
_ESCAPE = (b"\\",)
_LINE_ENDS = (b"\n", b"\r")
"""Some break base64 into lines. No event may be sent like that."""


Pieces: TypeAlias = Sequence[bytes | memoryview]
"""A text in the pieces in which it came."""


class Cutout:
    """A parsed JSON text. `json`: its value, with a mark in the place of each long string, which `text`, `base64` ... give."""

    def __init__(self, *pieces: bytes, quoted: Sequence[bool] = ()) -> None:
        """Of a text in one piece or several, which nobody joins. `quoted`: of a single line's pieces, whether each has a quote.

        Raises ValueError for what is not JSON.
        """
        self._pieces = pieces
        self._mark = secrets.token_hex(8)
        self._long: list[slice] = []
        self._not_base64 = _ESCAPE if quoted else (*_ESCAPE, *_LINE_ENDS)
        self.json: Json = payloads.loads(b"".join(self._rest(quoted or [True] * len(pieces))))

    def text(self, value: Json) -> bytes | memoryview:
        """The text of a string in `json`, without a copy where it is long and in one piece; empty for anything but a string."""
        if not isinstance(value, str) or not value.startswith(self._mark):
            return value.encode() if isinstance(value, str) else b""
        string = self._cut(value)
        text = _joined(list(self._between(string)))
        return _unescaped(text) if self._has(string, _ESCAPE) else text

    def plain(self, value: Json) -> Json:
        """A value in `json` with the long strings in their places: for what is no image."""
        if isinstance(value, dict):
            return {name: self.plain(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.plain(element) for element in value]
        return bytes(self.text(value)).decode("utf-8", "replace") if isinstance(value, str) else value

    def parts(self, value: Json) -> Pieces:
        """The base64 in a string of `json` in the pieces in which it came, nothing copied; none for anything but a string."""
        if not isinstance(value, str) or not value:
            return []
        if value.startswith(self._mark) and not self._has(string := self._cut(value), self._not_base64):
            return list(self._between(string))
        return [b"".join(bytes(self.text(value)).split())]

    def base64(self, value: Json) -> Pieces:
        """The image in a string of `json`, which is base64 or a data URL, in pieces as `parts`; none for anything else."""
        parts = self.parts(value)
        while len(parts) > 1 and len(parts[0]) < _DATA_HEAD_BYTES:
            parts = [b"".join(parts[:2]), *parts[2:]]
        if not parts or bytes(parts[0][:5]) != b"data:":
            return [part for part in parts if len(part)]
        comma = bytes(parts[0][:_DATA_HEAD_BYTES]).find(b",")
        image = [memoryview(parts[0])[comma + 1 :], *parts[1:]] if comma >= 0 else []
        return [part for part in image if len(part)]

    def _cut(self, mark: str) -> slice:
        """Where the string lies that a mark stands for."""
        return self._long[int(mark.removeprefix(self._mark))]

    def _has(self, part: slice, any_of: Sequence[bytes]) -> bool:
        return any(piece.find(byte, start, stop) >= 0 for byte in any_of for piece, start, stop in self._spans(part))

    def _rest(self, quoted: Sequence[bool]) -> Iterator[bytes | memoryview]:
        """The text with marks for the long strings."""
        kept = 0
        for string in _strings(self._pieces, quoted):
            if string.stop - string.start > _LONG_BYTES:
                yield from self._between(slice(kept, string.start))
                yield f"{self._mark}{len(self._long)}".encode()
                self._long.append(string)
                kept = string.stop
        yield from self._between(slice(kept, sum(map(len, self._pieces))))

    def _between(self, part: slice) -> Iterator[bytes | memoryview]:
        for piece, start, stop in self._spans(part):
            yield piece if stop - start == len(piece) else memoryview(piece)[start:stop]

    def _spans(self, part: slice) -> Iterator[tuple[bytes, int, int]]:
        """What each piece has of a part of the text: the piece, from where, to where."""
        begin = 0
        for piece in self._pieces:
            start, stop = max(part.start - begin, 0), min(part.stop - begin, len(piece))
            if start < stop:
                yield piece, start, stop
            begin += len(piece)


def _strings(pieces: Sequence[bytes], quoted: Sequence[bool]) -> Iterator[slice]:
    """What stands between the quotes of each string. Raises ValueError for a string that does not end."""
    begin, opened, before = 0, -1, 0
    for piece, has_quotes in zip(pieces, quoted, strict=True):
        at = piece.find(b'"') if has_quotes else -1
        while at >= 0:
            if opened < 0:
                opened = begin + at + 1
            elif not _is_escaped(piece, at, before):
                yield slice(opened, begin + at)
                opened = -1
            at = piece.find(b'"', at + 1)
        begin += len(piece)
        before = _backslashes(piece, len(piece), before)
    if opened >= 0:
        raise ValueError("a string that does not end")


def _is_escaped(piece: bytes, at: int, before: int) -> bool:
    """Whether a quote is the string's own: backslashes before it are odd in number, `before` of them in earlier pieces."""
    return _backslashes(piece, at, before) % 2 == 1


def _backslashes(piece: bytes, end: int, before: int) -> int:
    """How many stand right before `end`; with those of earlier pieces when there is nothing else in between."""
    start = end
    while start and piece[start - 1] == _BACKSLASH:
        start -= 1
    return end - start + (0 if start else before)


def _joined(parts: Sequence[bytes | memoryview]) -> bytes | memoryview:
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unescaped(text: bytes | memoryview) -> bytes:
    """Some write `/` as `\\/` and `=` as `\\u003d`. Empty for what no string may have in it."""
    try:
        return str(json.loads(b'"%b"' % bytes(text), strict=False)).encode("utf-8", "replace")
    except ValueError:
        return b""
