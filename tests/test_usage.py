"""What somebody may want summed up, in the words of a query."""

import pytest

from streamedit.errors import InvalidRequest
from streamedit.usage import Span, filters_of, groups_of, span_of

NOW_S = 1_790_000_000.5  # 2026-09-21 14:13:20 UTC
DAY_S = 86_400


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        (None, None, Span(1_790_000_001 - 30 * DAY_S, 1_790_000_001)),
        ("2026-09-01", "2026-09-01", Span(1_788_220_800, 1_788_220_800 + DAY_S)),
        ("2026-09-01", None, Span(1_788_220_800, 1_790_000_001)),
        (None, "2026-09-01", Span(1_788_220_800 - 29 * DAY_S, 1_788_220_800 + DAY_S)),
        ("7d", None, Span(1_790_000_000 - 7 * DAY_S, 1_790_000_001)),
        ("1788220800", "1788220800.9", None),
        ("1788220800", "1788220801", Span(1_788_220_800, 1_788_220_801)),
        ("99999d", None, Span(0, 1_790_000_001)),
        ("0001-01-01", "9999-12-31", None),
    ],
)
def test_spans(start: str | None, end: str | None, span: Span | None) -> None:
    """Dates, of which the last one belongs to the span, Unix times, days ago; thirty days by default."""
    if span is None:
        with pytest.raises(InvalidRequest) as raised:
            span_of(start, end, NOW_S)
        assert raised.value.detail.param in ("start", "end")
    else:
        assert span_of(start, end, NOW_S) == span


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01", "-5", "1e9", "nan", "30 d", "١٢", "2026-09-01T00:00:00", "9" * 13]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """By the name of its parameter."""
    for given in ({"start": text, "end": None}, {"start": None, "end": text}):
        with pytest.raises(InvalidRequest) as raised:
            span_of(**given, now_s=NOW_S)
        assert raised.value.detail.param == next(name for name, value in given.items() if value is not None)


def test_groups() -> None:
    """Several, each once, in the order that was asked for; none is possible."""
    assert groups_of("day, model,day,end_user") == ("day", "model", "end_user")
    assert groups_of("") == ()
    with pytest.raises(InvalidRequest, match="'prompt' is nothing to group by") as raised:
        groups_of("day,prompt")
    assert raised.value.detail.param == "group_by"


def test_filters() -> None:
    """Those that choose edits; what cannot be in the ledger is refused."""
    assert filters_of({"key": "key_a", "format": "csv"}) == {"key": "key_a"}
    for text in ("", "a\0", "\ud800"):
        with pytest.raises(InvalidRequest) as raised:
            filters_of({"tag": text})
        assert raised.value.detail.param == "tag"
