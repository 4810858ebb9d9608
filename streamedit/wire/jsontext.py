"""A JSON text while it arrives: kept as it is, with the place in it at which it stands.

Nothing is checked here: of a text that is no JSON the places mean nothing, and whoever parses it will say so.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Step: TypeAlias = bytes | int | None
"""A member's name as it is written, an element's index, or None for a member whose name is not known yet."""

MAX_DEPTH = 256
"""No parser that this text may go to reads deeper."""

_INSIDE = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
"""A string up to its end, or up to an escape that has not come whole."""

_OPENING: Mapping[bytes, Step] = {b"[": 0, b"{": None}

_REST = re.compile(rb'%b("?)' % _INSIDE, re.DOTALL)
_TOKEN = re.compile(rb'([\[\]{},])|"(%b)("?)' % _INSIDE, re.DOTALL)


class JsonText:
    """Feed it the text in any pieces. `text`: all of it so far."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._at = 0
        self._opened = -1
        self._path: list[Step] = []

    @property
    def opened(self) -> int:
        """Where in `text` the string begins that has not ended yet, behind its quote; -1 between strings."""
        return self._opened

    @property
    def path(self) -> Sequence[Step]:
        """Where the text stands: a step for each object and array around it."""
        return self._path

    def feed(self, piece: bytes) -> None:
        """Take what follows. Raises ValueError for what is nested deeper than `MAX_DEPTH`."""
        self.text += piece
        if self._opened >= 0 and not self._end_string():
            return
        for token in _TOKEN.finditer(self.text, self._at):
            mark, string, quote = token.groups()
            if mark:
                self._follow(mark)
            elif quote:
                self._name(string)
            else:
                self._opened, self._at = token.start(2), token.end()
                return
        self._at = len(self.text)

    def take_from(self, start: int) -> bytes:
        """What stands from `start` on, inside the string that has not ended; it is not in the text any more."""
        taken = bytes(self.text[start:])
        del self.text[start:]
        self._at = start
        return taken

    def _end_string(self) -> bool:
        """Go on behind the string that has begun; false while it has not ended."""
        rest = _REST.match(self.text, self._at)
        if rest is None or not rest[1]:
            self._at = rest.end() if rest else self._at
            return False
        self._name(bytes(self.text[self._opened : rest.start(1)]))
        self._opened, self._at = -1, rest.end()
        return True

    def _name(self, string: bytes) -> None:
        """A string has ended: the first one in a member is its name."""
        if self._path and self._path[-1] is None:
            self._path[-1] = string

    def _follow(self, mark: bytes) -> None:
        path = self._path
        if mark in _OPENING:
            path.append(_OPENING[mark])
            if len(path) > MAX_DEPTH:
                raise ValueError("nested too deep")
        elif not path:
            return
        elif mark == b",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else None
        else:
            path.pop()
