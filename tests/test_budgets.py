"""How much may be spent in how much time: periods."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.budgets import FOR_EVER, Budget, Period, Spend, canonical, period_of, tightest

LENGTHS = st.builds(lambda number, unit: f"{number}{unit}", st.integers(1, 999_999), st.sampled_from("smhdw"))
PERIODS = st.just("1mo") | LENGTHS
# Until the year 2106.
TIMES_S = st.floats(0, 2**32)


def utc(*numbers: int) -> int:
    """That moment in Unix time."""
    return int(datetime(*numbers, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc] # year, month, day, hour ...


class TestPeriods:
    """Which period of a budget is running."""

    @given(PERIODS, TIMES_S)
    def test_now_is_in_its_period(self, period: str, now_s: float) -> None:
        """From its first moment, and not at its end."""
        running = period_of(period, now_s)
        assert running.end_s is not None
        assert running.start_s <= now_s < running.end_s

    @given(PERIODS, TIMES_S)
    def test_periods_follow_each_other(self, period: str, now_s: float) -> None:
        """One's end is the next one's start, and nothing lies between: no moment is in two of them or in none."""
        running = period_of(period, now_s)
        assert running.end_s is not None
        assert period_of(period, running.end_s).start_s == running.end_s
        assert period_of(period, running.start_s - 1).end_s == running.start_s
        assert period_of(period, running.start_s) == period_of(period, running.end_s - 1) == running

    @given(LENGTHS, TIMES_S, TIMES_S)
    def test_all_of_a_length_are_as_long(self, period: str, one_s: float, other_s: float) -> None:
        """Whenever they are."""
        one, other = period_of(period, one_s), period_of(period, other_s)
        assert one.end_s is not None
        assert other.end_s is not None
        assert one.end_s - one.start_s == other.end_s - other.start_s

    @given(st.integers(1, 500), TIMES_S)
    def test_weeks_begin_on_mondays(self, weeks: int, now_s: float) -> None:
        """At midnight; several weeks, and as many days, too."""
        for period in (f"{weeks}w", f"{7 * weeks}d"):
            start = datetime.fromtimestamp(period_of(period, now_s).start_s, UTC)
            assert (start.isoweekday(), start.hour, start.minute, start.second) == (1, 0, 0, 0)

    @given(TIMES_S)
    def test_months_are_the_calendars(self, now_s: float) -> None:
        """From the first day to the last."""
        now, running = datetime.fromtimestamp(now_s, UTC), period_of("1mo", now_s)
        assert running.end_s is not None
        start, end = datetime.fromtimestamp(running.start_s, UTC), datetime.fromtimestamp(running.end_s, UTC)
        assert (start.year, start.month, start.day) == (now.year, now.month, 1)
        assert (end.day, end.month) == (1, now.month % 12 + 1)

    @pytest.mark.parametrize(
        ("period", "now_s", "start_s", "end_s"),
        [
            ("1h", utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 1), utc(2026, 3, 29, 2)),
            ("1d", utc(2026, 12, 31, 23, 59), utc(2026, 12, 31), utc(2027, 1, 1)),
            ("1w", utc(2026, 1, 1), utc(2025, 12, 29), utc(2026, 1, 5)),
            ("1mo", utc(2026, 12, 31, 23, 59), utc(2026, 12, 1), utc(2027, 1, 1)),
            ("1mo", utc(2028, 2, 29), utc(2028, 2, 1), utc(2028, 3, 1)),
        ],
    )
    def test_they_are_utcs(self, period: str, now_s: int, start_s: int, end_s: int) -> None:
        """Wherever the server stands."""
        assert period_of(period, now_s) == Period(start_s, end_s)

    @given(TIMES_S)
    def test_what_is_for_ever_never_ends(self, now_s: float) -> None:
        """It has begun with time."""
        assert period_of(FOR_EVER, now_s) == Period(0, None)


class TestNotations:
    """How people write a period."""

    @given(PERIODS | st.just(FOR_EVER))
    def test_a_period_stays_as_it_is(self, period: str) -> None:
        """As budgets have it."""
        assert canonical(period) == period

    @pytest.mark.parametrize(
        ("written", "meant"),
        [("hour", "1h"), ("day", "1d"), ("daily", "1d"), ("weekly", "1w"), ("month", "1mo"), ("monthly", "1mo")],
    )
    def test_words_are_understood(self, written: str, meant: str) -> None:
        """As other gateways have them."""
        assert canonical(written) == meant

    @pytest.mark.parametrize("text", ["", "0s", "1", "d", "1y", "2mo", "-1d", "1.5h", "1d ", "9999999s", "٣d"])
    def test_nothing_else_is(self, text: str) -> None:
        """The error says what would be."""
        with pytest.raises(ValueError, match="'total', '1mo', or a number"):
            canonical(text)


class TestSpends:
    """What a budget has come to."""

    EVER = Period(0, None)

    def test_what_is_left_is_neither_spent_nor_reserved(self) -> None:
        """Never below nothing, whatever a provider has taken."""
        assert Spend(Budget(100), self.EVER).left_micros == 100
        assert Spend(Budget(100), self.EVER, 30, 50).left_micros == 20
        assert Spend(Budget(100), self.EVER, 130, 50).left_micros == 0

    def test_the_tightest_has_least_left(self) -> None:
        """Of none there is none."""
        wide, narrow = Spend(Budget(100), self.EVER, 10), Spend(Budget(1000), self.EVER, 990)
        assert tightest([wide, narrow]) is narrow
        assert tightest([]) is None
