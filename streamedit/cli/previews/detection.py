"""How a terminal can show pictures: as its environment tells, else as it answers itself."""

import os
import re
import select
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

_ANSWER_S = 0.5
"""For a terminal at the other end of the world; one that does not answer is not asked twice."""

_SIXEL = "4"
"""Among the attributes of a terminal (VT330/VT340 Programmer Reference Manual, volume 1, chapter 4: DA1)."""

_ASK = b"\x1b[16t\x1b[c"
"""For the size of a character (XTerm's window operations), and for the attributes, which every terminal tells."""

_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_CHARACTER = re.compile(rb"\x1b\[6;(\d+);(\d+)t")

_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_PROGRAMS = {"ghostty": "kitty", "WezTerm": "iterm2", "iTerm.app": "iterm2", "mintty": "iterm2"}


class Protocol(StrEnum):
    """A way to show pictures."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    BLOCKS = "blocks"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a terminal has said of itself. `character_px`: width and height; None where it has not told."""

    has_sixel: bool = False
    character_px: tuple[int, int] | None = None


def by_environment(environ: Mapping[str, str]) -> Protocol | None:
    """What the environment tells of a terminal; None where it tells nothing."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in ("", "dumb"):
        return Protocol.NONE
    if environ.get("TMUX") or environ.get("STY") or term.startswith(("tmux", "screen")):
        # What is between here and the terminal passes on characters alone.
        return Protocol.BLOCKS
    if environ.get("KITTY_WINDOW_ID") or term in _KITTY_TERMS or environ.get("KONSOLE_VERSION", "") >= "220400":
        return Protocol.KITTY
    if environ.get("WEZTERM_PANE") or environ.get("LC_TERMINAL") == "iTerm2":
        return Protocol.ITERM2
    program = _PROGRAMS.get(environ.get("TERM_PROGRAM", ""))
    return Protocol(program) if program else None


def asked() -> Answers:
    """What the terminal says of itself, when standard input and error are both it, and it listens to this process."""
    if not _is_ours():
        return Answers()
    with suppress(termios.error, OSError), _listening(sys.stdin.fileno()) as terminal:
        os.write(sys.stderr.fileno(), _ASK)
        return read_answers(_until_answered(terminal))
    return Answers()


def read_answers(said: bytes) -> Answers:
    """What a terminal's answers mean."""
    attributes, character = _ATTRIBUTES.search(said), _CHARACTER.search(said)
    height, width = (int(character[1]), int(character[2])) if character else (0, 0)
    has_sixel = attributes is not None and _SIXEL in attributes[1].decode().split(";")
    return Answers(has_sixel, (width, height) if width and height else None)


def _is_ours() -> bool:
    try:
        terminal = os.ttyname(sys.stdin.fileno())
        return terminal == os.ttyname(sys.stderr.fileno()) and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


@contextmanager
def _listening(terminal: int) -> Iterator[int]:
    """What is typed comes at once, and is not shown."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield terminal
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _until_answered(terminal: int) -> bytes:
    said, until_s = b"", monotonic() + _ANSWER_S
    while not _ATTRIBUTES.search(said) and (left_s := until_s - monotonic()) > 0:
        if select.select([terminal], [], [], left_s)[0]:
            said += os.read(terminal, 256)
    return said
