"""CSV that a spreadsheet may open."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.sheets import csv_of


def test_rows_in_columns() -> None:
    """A line of names; what is not there is empty, lists are JSON, quotes are doubled."""
    text = csv_of(("a", "b", "c"), [{"a": 1, "b": None, "c": 'x"y'}, {"a": -1.5, "b": ["k", "ü"]}])
    assert text == 'a,b,c\r\n1,,"x""y"\r\n-1.5,"[""k"", ""ü""]",\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """An apostrophe makes it a text."""
    assert cells_of(csv_of(("a",), [{"a": text}])) == [["a"], [f"'{text}"]]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_every_text_comes_back(texts: list[str]) -> None:
    """But for its apostrophe; and there are as many cells as there were texts."""
    names = [f"c{number}" for number in range(len(texts))]
    found = cells_of(csv_of(names, [dict(zip(names, texts, strict=True))]))[1]
    assert [cell if text == cell else cell[1:] for cell, text in zip(found, texts, strict=True)] == texts


def cells_of(text: str) -> list[list[str]]:
    """As a reader has them."""
    return list(csv.reader(io.StringIO(text, newline="")))
