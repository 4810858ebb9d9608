"""Which bytes of something a GET wants (RFC 9110, 13 and 14). Pure.

One range is served; of several, or of what is no range, the whole is: that is every server's right (14.2).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from streamedit.errors import UnsatisfiableRange

_RANGE = re.compile(r"bytes=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """From `start` to `stop` of `size_bytes`."""

    start: int
    stop: int
    size_bytes: int

    @property
    def is_whole(self) -> bool:
        return (self.start, self.stop) == (0, self.size_bytes)

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.stop - 1}/{self.size_bytes}"


def part_of(headers: Mapping[str, str], etag: str, size_bytes: int) -> Part:
    """What a request's `Range` asks for, if its `If-Range` still holds; else all. Raises UnsatisfiableRange."""
    whole = Part(0, size_bytes, size_bytes)
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    if wanted is None or not any(wanted.groups()) or headers.get("if-range", etag) != etag:
        return whole
    first, last = wanted[1], wanted[2]
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return whole
    if start >= stop:
        told = {"content-range": f"bytes */{size_bytes}"}
        raise UnsatisfiableRange(f"There are {size_bytes} bytes.", param="range", headers=told)
    return Part(start, stop, size_bytes)


def is_known(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a request's `If-None-Match` says that its sender has this already."""
    known = [each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known
