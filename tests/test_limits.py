"""How much may be done in how much time."""

from hypothesis import given
from hypothesis import strategies as st

from streamedit.limits import TokenBucket


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 50)), max_size=60))
def test_no_more_is_given_than_has_come_in(steps: list[tuple[float, float]]) -> None:
    """Over any time: a second's worth, what has come in since, and at most one taker who took more than there was."""
    bucket, now_s, taken, largest = TokenBucket(10), 0.0, 0.0, 0.0
    for pause_s, amount in steps:
        now_s += pause_s
        if bucket.take(amount, now_s):
            taken += amount
            largest = max(largest, amount)
        assert taken <= 10 + 10 * now_s + largest + 1e-6


def test_what_is_empty_fills_again() -> None:
    """With time; a large taker is paid off before the next."""
    bucket = TokenBucket(10)
    assert bucket.take(25, 0)
    assert not bucket.take(1, 1.4)
    assert bucket.take(1, 1.6)


def test_nothing_is_saved_up() -> None:
    """However long nobody asks, there is a second's worth."""
    bucket = TokenBucket(10)
    assert bucket.take(10, 1000)
    assert not bucket.take(1, 1000)
