"""A place on the screen for pictures, each of which takes that of the one before."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image
from rich.console import Console
from rich.text import Text

from streamedit.cli.previews import blocks, iterm2, kitty, sixel
from streamedit.cli.previews.detection import Answers, Protocol, by_environment
from streamedit.cli.previews.thumbnails import Cells, opened, scaled

_MAX_COLUMNS, _MAX_ROWS = 64, 24
_LEAST_ROWS = 4
_OTHER_ROWS = 12
"""Of the screen, for the lines about the edit."""

_SAVE, _RESTORE, _ERASE_LINE = "\x1b7", "\x1b8", "\x1b[2K"
_SIXEL_ROWS = 6


@dataclass(frozen=True, slots=True)
class Way:
    """How pictures are shown. `character_px`: width and height of a character; None where nobody knows."""

    protocol: Protocol
    character_px: tuple[int, int] | None = None


def chosen(wish: Protocol | None, console: Console, environ: Mapping[str, str], ask: Callable[[], Answers]) -> Way:
    """The way that is wished for, else the best that the terminal has; none without one."""
    if not console.is_terminal or wish is Protocol.NONE:
        return Way(Protocol.NONE)
    known = wish or by_environment(environ)
    if known is not None and known is not Protocol.SIXEL:
        return Way(known)
    answers = ask()
    return Way(known or (Protocol.SIXEL if answers.has_sixel else Protocol.BLOCKS), answers.character_px)


class Screen:
    """Shows pictures on a console, above the lines that are printed after the first of them."""

    def __init__(self, console: Console, way: Way) -> None:
        self._console = console
        self._way = way
        self._number = os.getpid()
        self._place: Cells | None = None
        self._lines_below = 0

    def printed(self, lines: int) -> None:
        """So many lines below the picture, if there is one."""
        self._lines_below += lines

    def prepared(self, content: bytes) -> Callable[[], None] | None:
        """What shows a picture; None for one that cannot be shown. To prepare takes a while, and touches no screen."""
        if self._way.protocol is Protocol.NONE or self._console.height - _OTHER_ROWS < _LEAST_ROWS:
            return None
        image = opened(content)
        if image is None:
            return None
        cells = self._room().fitting(*image.size)
        shown = self._encoded(image, cells)
        return lambda: self._show(shown, cells)

    @property
    def _is_in_sight(self) -> bool:
        """Whether all of the last picture is still on the screen."""
        return self._place is not None and self._place.rows + self._lines_below < self._console.height

    def _room(self) -> Cells:
        """What the next picture may take."""
        rows = self._place.rows if self._place and self._is_in_sight else self._console.height - _OTHER_ROWS
        return Cells(min(_MAX_COLUMNS, self._console.width - 1), min(_MAX_ROWS, rows), *(self._way.character_px or ()))

    def _encoded(self, image: Image.Image, cells: Cells) -> str | Text:
        if self._way.protocol is Protocol.BLOCKS:
            return blocks.drawn(image, cells)
        width_px, height_px = cells.size_px
        if self._way.protocol is Protocol.SIXEL:
            return sixel.encoded(scaled(image, width_px, height_px - height_px % _SIXEL_ROWS))
        small = scaled(image, min(width_px, image.width), min(height_px, image.height))
        return (
            kitty.encoded(small, cells, self._number) if self._way.protocol is Protocol.KITTY else iterm2.encoded(small, cells)
        )

    def _show(self, shown: str | Text, cells: Cells) -> None:
        """In the place of the last one, else in a new one below everything. Then the cursor is where it was, or below that."""
        if self._place is None or not self._is_in_sight:
            self._place, self._lines_below = cells, 0
            self._write("\n" * cells.rows)
        self._write(f"\x1b[{self._place.rows + self._lines_below}A\r")
        if cells != self._place:
            self._erase(self._place.rows)
        self._write(_SAVE)
        if isinstance(shown, Text):
            self._console.print(shown, no_wrap=True, crop=True, soft_wrap=True)
        else:
            self._write(shown)
        self._write(f"{_RESTORE}\x1b[{self._place.rows + self._lines_below}B\r")
        self._console.file.flush()

    def _erase(self, rows: int) -> None:
        self._write(f"{_ERASE_LINE}\n" * rows + f"\x1b[{rows}A\r")

    def _write(self, text: str) -> None:
        self._console.file.write(text)
