"""How much may be done in how much time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import ImagesLimited, RateLimited
from streamedit.limits import Rate, Reading, Standing, TokenBucket, Window, duration, headers_of, refusal


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


MINUTE_US = 60_000_000


class Log:
    """A window with one limit, and beside it what was really taken, and when."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.window = Window(MINUTE_US)
        self.taken: list[tuple[int, int]] = []

    def ask(self, amount: int, now_us: int) -> int | None:
        """Take it if there is room; until there is."""
        _, wait_us, _ = self.window.read(amount, self.limit, now_us)
        if wait_us == 0:
            self.window.take(amount, now_us)
            self.taken.append((now_us, amount))
        return wait_us

    def most(self) -> int:
        """In any sixty seconds that begin with somebody."""
        return max((sum(n for at, n in self.taken if start <= at < start + MINUTE_US) for start, _ in self.taken), default=0)


ASKED = st.lists(st.tuples(st.sampled_from([0, 1, 999_999, 7_000_000, 59_999_999, 60_000_000]), st.integers(1, 4)), max_size=40)


@given(ASKED, st.integers(1, 6))
def test_in_any_sixty_seconds_there_are_never_more(asked: list[tuple[int, int]], limit: int) -> None:
    """Wherever the sixty seconds begin; and as many as there may be are let in."""
    log, now_us = Log(limit), 0
    for pause_us, amount in asked:
        now_us += pause_us
        used = sum(n for at, n in log.taken if at > now_us - MINUTE_US)
        assert (log.ask(amount, now_us) == 0) == (used + amount <= limit)
    assert log.most() <= limit


@given(ASKED, st.integers(1, 6))
def test_who_waits_as_long_as_is_said_is_let_in(asked: list[tuple[int, int]], limit: int) -> None:
    """And nobody a microsecond before; what is more than the limit never is."""
    log, now_us = Log(limit), 0
    for pause_us, amount in asked:
        now_us += pause_us
        wait_us = log.ask(amount, now_us)
        assert (wait_us is None) == (amount > limit)
        if wait_us:
            assert log.window.read(amount, limit, now_us + wait_us - 1)[1] == 1
            now_us += wait_us
            assert log.ask(amount, now_us) == 0


@given(ASKED)
def test_what_is_given_back_was_never_taken(asked: list[tuple[int, int]]) -> None:
    """Once; when it counts no more anyway, nothing happens."""
    log, plain, now_us = Log(1000), Window(MINUTE_US), 0
    for pause_us, amount in asked:
        now_us += pause_us
        log.ask(amount, now_us)
        plain.read(1, 100, now_us)
        end_us = plain.take(amount, now_us)
        plain.take(2, now_us)
        plain.give_back(2, end_us)
    assert plain.used(now_us) == log.window.used(now_us)
    plain.used(now_us + MINUTE_US)
    plain.give_back(1, now_us)
    assert plain.used(now_us + MINUTE_US) == 0


def test_what_is_left() -> None:
    """Of a limit of five: two are taken, for another sixty seconds at most; then all are there."""
    window = Window(MINUTE_US)
    window.take(1, 0)
    window.take(1, 10_000_000)
    assert window.read(1, 5, 20_000_000) == (2, 0, 50_000_000)
    assert window.read(4, 5, 20_000_000) == (2, 40_000_000, 50_000_000)
    assert window.read(1, 5, 60_000_000) == (1, 0, 10_000_000)
    assert window.read(1, 5, 70_000_000) == (0, 0, 0)


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0s"), (1, "1ms"), (120_000, "120ms"), (999_001, "1s"), (1_000_000, "1s"), (8_640_000, "8.64s"),
        (59_999_000, "59.999s"), (60_000_000, "1m0s"), (86_400_000, "1m26.4s"), (360_000_000, "6m0s"),
    ],
)  # fmt: skip
def test_durations_as_openai_writes_them(us: int, text: str) -> None:
    """To the next whole millisecond."""
    assert duration(us) == text


def test_headers_of_what_is_limited() -> None:
    """Three of each; none of what has no limit."""
    assert headers_of(None, None) == {}
    assert headers_of(Standing(60, 59, 60.0), Standing(5, 0, 0.12)) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-limit-images": "5",
        "x-ratelimit-remaining-images": "0",
        "x-ratelimit-reset-images": "120ms",
    }


def reading(rate: Rate = Rate.REQUESTS, wait_us: int | None = 0, **fields: int) -> Reading:
    """Of a limit of 60, of which all is used."""
    known = {"limit": 60, "used": 60, "requested": 1, "reset_us": 30_000_000, **fields}
    return Reading("this key", rate, wait_us=wait_us, **known)


class TestRefusal:
    """What those are told who come too soon."""

    def test_nobody_is_refused_where_there_is_room(self) -> None:
        """Nor where there is no limit."""
        assert refusal([]) is None
        assert refusal([reading(used=59)]) is None

    def test_a_request_too_many(self) -> None:
        """OpenAI's words, type and code, and when to come back: in whole seconds, rounded up, and exactly."""
        refused = refusal([reading(wait_us=11_999_001)])
        assert type(refused) is RateLimited
        assert refused.detail.message == (
            "Rate limit reached for this key on requests per min (RPM): Limit 60, Used 60, Requested 1."
            " Please try again in 12s."
        )
        assert (refused.detail.status, refused.detail.type, refused.detail.code) == (429, "requests", "rate_limit_exceeded")
        assert refused.detail.headers == {
            "retry-after": "12", "retry-after-ms": "12000",
            "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s",
        }  # fmt: skip

    def test_the_longest_wait_is_told(self) -> None:
        """Who comes back then is let in by the others, too."""
        refused = refusal([reading(wait_us=2_000_000), reading(Rate.IMAGES, 5_000_000), reading(wait_us=3_000_000)])
        assert type(refused) is ImagesLimited
        assert refused.detail.headers["retry-after-ms"] == "5000"

    def test_more_images_than_there_may_ever_be(self) -> None:
        """Names the parameter, and does not ask anybody to come back."""
        refused = refusal([reading(wait_us=60_000_000), reading(Rate.IMAGES, None, limit=4, used=0, requested=5, reset_us=0)])
        assert type(refused) is ImagesLimited
        assert refused.detail.param == "n"
        assert refused.detail.message == (
            "Request too large for this key on images per min (IPM): Limit 4, Requested 5. Ask for fewer images."
        )
        assert "retry-after" not in refused.detail.headers
        assert refused.detail.headers["x-ratelimit-remaining-images"] == "4"

    def test_the_tightest_limit_is_told(self) -> None:
        """Of a key, its group and the server: what is left of the one with the least left."""
        refused = refusal([reading(limit=100), reading(limit=61, wait_us=1), reading(limit=70)])
        assert refused is not None
        assert refused.detail.headers["x-ratelimit-limit-requests"] == "61"
