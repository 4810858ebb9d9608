"""How long to wait, and when to give up."""

from streamedit.cli.editing.backoff import Backoff


def test_success_begins_anew() -> None:
    """Both the waits and the patience."""
    now_s = 0.0
    backoff = Backoff(10, lambda: now_s)
    assert [backoff.wait_s() is not None for _ in range(5)] == [True] * 5
    now_s = 9.0
    backoff.succeeded()
    assert backoff.failures == 0
    now_s = 18.0
    first_s = backoff.wait_s()
    assert first_s is not None and 0.4 <= first_s <= 0.5
    now_s = 19.0
    assert backoff.wait_s() is None


def test_a_wish_is_heeded_within_the_patience() -> None:
    """A server that wants to be left alone is, but nobody waits beyond the time to give up."""
    backoff = Backoff(10, lambda: 0.0)
    assert (backoff.wait_s(5), backoff.wait_s(50)) == (5, 10)
