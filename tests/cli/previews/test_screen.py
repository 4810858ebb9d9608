"""A place on the screen for pictures."""

import io

import pyte
import pytest
from PIL import Image
from rich.console import Console

from streamedit.cli.previews.detection import Answers, Protocol
from streamedit.cli.previews.screen import Screen, Way, chosen
from streamedit.cli.previews.thumbnails import png

COLUMNS, ROWS = 80, 40
XTERM = {"TERM": "xterm-256color"}


class Looker:
    """A screen of pictures, and what is to be seen of it."""

    def __init__(self) -> None:
        self._file = io.StringIO()
        self.console = Console(
            file=self._file, force_terminal=True, width=COLUMNS, height=ROWS, color_system="truecolor", highlight=False
        )
        self.screen = Screen(self.console, Way(Protocol.BLOCKS))

    def show(self, colour: str, width_px: int = 100, height_px: int = 100) -> None:
        """A plain picture."""
        shown = self.screen.prepared(png(Image.new("RGB", (width_px, height_px), colour)))
        assert shown
        shown()

    def say(self, *lines: str) -> None:
        """Lines below."""
        for line in lines:
            self.console.print(line)
            self.screen.printed(1)

    def seen(self) -> pyte.Screen:
        """By now. A terminal goes back to the first column at each line's end."""
        screen = pyte.Screen(COLUMNS, ROWS)
        pyte.Stream(screen).feed(self._file.getvalue().replace("\n", "\r\n"))
        return screen


def colours(screen: pyte.Screen, row: int) -> set[str]:
    """Of a row's pictures."""
    cells = (screen.buffer[row][column] for column in range(COLUMNS))
    return {cell.fg for cell in cells if cell.data == "▀"}


def test_a_picture_takes_the_place_of_the_one_before() -> None:
    """The lines below stay where they are, and those that follow are below them."""
    looker = Looker()
    looker.say("head")
    looker.show("#ff0000")
    looker.say("one")
    looker.show("#00ff00")
    looker.say("two")
    seen = looker.seen()
    assert seen.display[0].strip() == "head"
    assert [colours(seen, row) for row in range(1, 25)] == [{"00ff00"}] * 24
    assert [line.strip() for line in seen.display[25:28]] == ["one", "two", ""]


def test_nothing_is_left_of_a_larger_one() -> None:
    """What the next picture does not need is empty."""
    looker = Looker()
    looker.show("#ff0000")
    looker.show("#00ff00", 20, 100)
    looker.say("one")
    seen = looker.seen()
    assert set().union(*(colours(seen, row) for row in range(ROWS))) == {"00ff00"}
    assert seen.display[24].strip() == "one"


def test_what_is_out_of_sight_is_not_drawn_over() -> None:
    """When lines have pushed a picture off the screen, the next one is below them."""
    looker = Looker()
    looker.show("#ff0000")
    looker.say(*(f"line {number}" for number in range(20)))
    looker.show("#00ff00")
    looker.say("end")
    display = [line.strip() for line in looker.seen().display]
    place = display.index("end")
    assert [colours(looker.seen(), row) for row in range(place - 24, place)] == [{"00ff00"}] * 24
    assert display[place - 25] == "line 19"


@pytest.mark.parametrize(
    ("wish", "answers", "way"),
    [
        (None, Answers(True, (8, 16)), Way(Protocol.SIXEL, (8, 16))),
        (None, Answers(False, (8, 16)), Way(Protocol.BLOCKS, (8, 16))),
        (Protocol.SIXEL, Answers(False, (8, 16)), Way(Protocol.SIXEL, (8, 16))),
        (Protocol.KITTY, None, Way(Protocol.KITTY)),
        (Protocol.NONE, None, Way(Protocol.NONE)),
    ],
)
def test_a_wish_counts_and_else_the_terminal_is_asked(wish: Protocol | None, answers: Answers | None, way: Way) -> None:
    """Only where its answer matters."""
    questions: list[str] = []

    def ask() -> Answers:
        questions.append("asked")
        return answers or Answers()

    assert chosen(wish, Looker().console, XTERM, ask) == way
    assert bool(questions) == (answers is not None)


def test_without_a_terminal_there_is_nothing_to_choose() -> None:
    """Whatever is wished for."""
    assert chosen(Protocol.KITTY, Console(file=io.StringIO()), XTERM, Answers) == Way(Protocol.NONE)
