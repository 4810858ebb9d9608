"""How often somebody may try to log in."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import RateLimited
from streamedit.web.logins import Logins


def fail(logins: Logins, address: str, now_s: float) -> None:
    """One attempt with the wrong key. Raises RateLimited."""
    logins.admit(address, now_s)
    logins.failed(address, now_s)


def test_five_wrong_keys_a_minute_from_one_address() -> None:
    """The sixth attempt is refused with the seconds until the next, and let in after exactly those."""
    logins = Logins()
    for second in range(5):
        fail(logins, "192.0.2.1", second)
    with pytest.raises(RateLimited) as refused:
        logins.admit("192.0.2.1", 20.5)
    assert refused.value.detail.headers == {"retry-after": "40"}
    with pytest.raises(RateLimited):
        logins.admit("192.0.2.1", 59.9)
    logins.admit("192.0.2.1", 60)


def test_right_keys_do_not_count_as_wrong() -> None:
    """Nor do others' wrong ones."""
    logins = Logins()
    for _ in range(5):
        fail(logins, "192.0.2.1", 0)
    for _ in range(20):
        logins.admit("192.0.2.2", 0)


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
    ],
)
def test_an_address_is_what_one_client_has(one: str, other: str, are_same: bool) -> None:
    """A whole /64 of IPv6; an IPv4 address in either notation; none at a Unix socket."""
    logins = Logins()
    for _ in range(5):
        fail(logins, one, 0)
    if are_same:
        with pytest.raises(RateLimited):
            logins.admit(other, 0)
    else:
        logins.admit(other, 0)


def test_sixty_attempts_a_minute_in_all() -> None:
    """However many addresses they come from."""
    logins = Logins()
    for number in range(60):
        logins.admit(f"192.0.2.{number}", number / 10)
    with pytest.raises(RateLimited) as refused:
        logins.admit("198.51.100.1", 6)
    assert refused.value.detail.headers == {"retry-after": "54"}
    logins.admit("198.51.100.1", 60)


@given(st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), st.floats(0, 20)), max_size=150))
def test_no_minute_has_more(attempts: Sequence[tuple[str, float]]) -> None:
    """In any sixty seconds at most five failures of one address, and sixty of all."""
    logins, now_s = Logins(), 0.0
    failed: list[tuple[str, float]] = []
    for address, pause_s in attempts:
        now_s += pause_s
        with suppress(RateLimited):
            fail(logins, address, now_s)
            failed.append((address, now_s))
    for _, start_s in failed:
        minute = [address for address, at_s in failed if start_s <= at_s < start_s + 60]
        assert len(minute) <= 60
        assert all(minute.count(address) <= 5 for address in minute)


def test_memory_is_bounded() -> None:
    """Of addresses beyond number only the latest are remembered."""
    logins = Logins()
    for number in range(12_000):
        logins.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0)
    assert len(logins._wrong) == 10_000
