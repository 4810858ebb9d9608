"""Details read out of words, and the words that are left."""

import pytest

from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import phrases
from streamedit.darkroom.words.readers import READERS
from streamedit.darkroom.words.text import Words


@pytest.mark.parametrize(
    ("reader", "text", "fields", "left"),
    [
        ("degrees", "by 5.5 degrees please", {"number": 5.5}, "by | please"),
        ("degrees", "-90", {"number": -90.0}, "|"),
        ("turn", "to the left", {"side": "left"}, "|"),
        ("turn", "counterclockwise", {"side": "left"}, "|"),
        ("turn", "a quarter turn clockwise", {"number": 90.0, "side": "right"}, "| |"),
        ("axis", "left to right", {"side": "horizontal"}, "|"),
        ("stops", "half a stop", {"number": 0.5}, "|"),
        ("stops", "1/3 ev", {"number": 1 / 3}, "|"),
        ("kelvin", "at 5600 k", {"number": 5600.0}, "at |"),
        ("size", "1024 x 1024", {"size_px": (1024, 1024)}, "|"),
        ("size", "800 px wide", {"size_px": (800, 0)}, "|"),
        ("times", "x2", {"number": 2.0}, "|"),
        ("times", "twice as large", {"number": 2.0}, "| as large"),
        ("ratio", "to 4 by 5", {"ratio": 0.8}, "to |"),
        ("ratio", "square", {"ratio": 1.0}, "|"),
        ("percent", "by 20 %", {"percent": 0.2}, "by |"),
        ("pixels", "by 12 px", {"number": 12.0}, "|"),
        ("count", "to 4 levels", {"number": 4.0}, "to |"),
        ("width", "thin", {"percent": 0.02}, "|"),
        ("place", "in the top left corner", {"place": (-1, -1)}, "in the | |"),
        ("place", "at the bottom", {"place": (0, 1)}, "at the |"),
        ("place", "in the centre", {}, "in the centre"),
        ("side", "from the right", {"side": "right"}, "|"),
        ("text", 'saying "0" twice', {"text": "0"}, "| twice"),
        ("colour", "nothing here", {}, "nothing here"),
    ],
)
def test_each_reader_takes_what_it_reads(reader: str, text: str, fields: dict[str, object], left: str) -> None:
    """What was understood is gone from the words; the rest is still there to be understood, or named."""
    words = Words(text)
    assert READERS[reader](words) == fields
    assert " ".join(words.left.split()) == left


def test_every_row_reads_what_can_be_read() -> None:
    """No cell of the table names a reader that there is not."""
    assert {name for row in TABLE for name in phrases(row.reads)} <= set(READERS)
