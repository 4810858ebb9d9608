"""A provider's JSON, read without touching the images in it: each long string is set aside before the rest is parsed.

Other dialects hold their images under many names (`data`, `image`, `images[]`, `url`), so here any long string counts.
"""

import json
import secrets
from collections.abc import Iterator

from streamedit.events import Json
from streamedit.wire import payloads

_LONG_BYTES = 1 << 12


class Cutout:
    """A parsed JSON text. `json`: its value, with a mark in the place of each long string; `text` gives the string itself."""

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError for what is not JSON."""
        self._raw = raw
        self._mark = secrets.token_hex(8)
        self._long: list[slice] = []
        self.json: Json = payloads.loads(b"".join(self._rest(raw)))

    def text(self, value: Json) -> bytes | memoryview:
        """The text of a string in `json`, without a copy where it is long; empty for anything but a string."""
        if not isinstance(value, str):
            return b""
        if not value.startswith(self._mark):
            return value.encode()
        string = self._long[int(value.removeprefix(self._mark))]
        text = memoryview(self._raw)[string]
        return _unescaped(text) if self._raw.find(b"\\", string.start, string.stop) >= 0 else text

    def base64(self, value: Json) -> bytes | memoryview:
        """The image in a string of `json`, which is base64 or a data URL; empty for anything else."""
        text = self.text(value)
        if bytes(text[:5]) != b"data:":
            return text
        comma = bytes(text[:256]).find(b",")
        return text[comma + 1 :] if comma >= 0 else b""

    def _rest(self, raw: bytes) -> Iterator[bytes]:
        """The text with marks for the long strings."""
        kept = 0
        for string in _strings(raw):
            if string.stop - string.start > _LONG_BYTES:
                yield raw[kept : string.start]
                yield f"{self._mark}{len(self._long)}".encode()
                self._long.append(string)
                kept = string.stop
        yield raw[kept:]


def _strings(raw: bytes) -> Iterator[slice]:
    """What stands between the quotes of each string. Raises ValueError for a string that does not end."""
    at = raw.find(b'"')
    while at >= 0:
        end = _end_of(raw, at + 1)
        yield slice(at + 1, end)
        at = raw.find(b'"', end + 1)


def _end_of(raw: bytes, start: int) -> int:
    """Where the string that begins at `start` has its closing quote: the first with an even number of backslashes before it."""
    end = raw.find(b'"', start)
    while end > start and raw[end - 1] == 0x5C:
        before = raw[start:end]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return end
        end = raw.find(b'"', end + 1)
    if end < 0:
        raise ValueError("a string that does not end")
    return end


def _unescaped(text: memoryview) -> bytes:
    """Some write `/` as `\\/` and `=` as `\\u003d`. Raises ValueError."""
    return str(json.loads(b'"%b"' % bytes(text))).encode()
