"""The caller's span, as W3C's Trace Context has it; what is malformed counts as absent."""

import pytest
from starlette.datastructures import Headers

from streamedit.edits import TraceParent
from streamedit.web.traceparent import parent_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f" 00-{TRACE}-{SPAN}-00 ", 0),
        (f"cc-{TRACE}-{SPAN}-03", 3),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", 1),
    ],
)
def test_a_callers_span_is_read(value: str, flags: int) -> None:
    """Version 00, and later ones as far as they are the same."""
    assert parent_of(headers(traceparent=value)) == TraceParent(TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}x-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01x",
        f"00-{TRACE}-{SPAN}-0\u0661",
    ],
)
def test_what_is_none_is_left_alone(value: str) -> None:
    """The request goes on without it."""
    assert parent_of(headers(traceparent=value, tracestate="a=1")) is None


def test_two_of_them_are_none() -> None:
    """Nobody can tell which."""
    twice = [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())] * 2
    assert parent_of(Headers(raw=twice)) is None


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        (["a=1"], "a=1"),
        (["a=1, b=2,,", "t@v=x y"], "a=1,b=2,t@v=x y"),
        (["no pair"], ""),
        (["A=1"], ""),
        (["a=1,a=2"], ""),
        (["a=\u00e9"], ""),
        (["a=" + "x" * 300], ""),
        ([",".join(f"a{number}=1" for number in range(33))], ""),
        ([",".join(f"a{number}={'x' * 250}" for number in range(3))], ""),
    ],
)
def test_a_state_is_whole_or_not_there(states: list[str], kept: str) -> None:
    """Members of several lines are one list; one that is malformed spoils all."""
    raw = [(b"traceparent", f"00-{TRACE}-{SPAN}-01".encode()), *((b"tracestate", state.encode("latin-1")) for state in states)]
    parent = parent_of(Headers(raw=raw))
    assert parent is not None
    assert parent.state == kept


def headers(**values: str) -> Headers:
    """As a request has them."""
    return Headers(raw=[(name.encode(), value.encode()) for name, value in values.items()])
