"""How much may be spent in how much time: budgets in micro-dollars, and the periods in which they begin anew. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FOR_EVER = "total"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_WORDS = {"hour": "1h", "daily": "1d", "day": "1d", "week": "1w", "weekly": "1w", "month": "1mo", "monthly": "1mo"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w)")
_MONTH = "1mo"
_MONDAY_S = 4 * 86_400
"""The Unix epoch was a Thursday; weeks begin on Mondays (ISO 8601)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit_micros` in each period: `total`, a calendar month `1mo`, or a length as `30m`, `5h`, `1d`, `1w`.

    Periods other than months are counted from the Unix epoch, whole weeks from a Monday; all of them in UTC.
    """

    limit_micros: int
    period: str = FOR_EVER


@dataclass(frozen=True, slots=True)
class Period:
    """One of a budget's periods, in Unix seconds. `end_s` is the next one's start; None when there is no other."""

    start_s: int
    end_s: int | None


@dataclass(frozen=True, slots=True)
class Spend:
    """What a budget has come to in its period: spent, and reserved for edits at work."""

    budget: Budget
    period: Period
    spent_micros: int = 0
    reserved_micros: int = 0

    @property
    def left_micros(self) -> int:
        """For the next edit. Not below nothing: a provider may have taken more than its worst case."""
        return max(0, self.budget.limit_micros - self.spent_micros - self.reserved_micros)


def canonical(period: str) -> str:
    """A period as budgets have it: of LiteLLM's notations and of words, too. Raises ValueError."""
    period = _WORDS.get(period, period)
    if period not in (FOR_EVER, _MONTH) and _DURATION.fullmatch(period) is None:
        raise ValueError("a period is 'total', '1mo', or a number with s, m, h, d or w behind it")
    return period


def period_of(period: str, now_s: float) -> Period:
    """The one that is running."""
    if period == FOR_EVER:
        return Period(0, None)
    if period == _MONTH:
        return _month(datetime.fromtimestamp(now_s, UTC))
    number, unit = int(period[:-1]), period[-1]
    length_s = number * _UNITS[unit]
    offset_s = _MONDAY_S if length_s % _UNITS["w"] == 0 else 0
    start_s = (int(now_s) - offset_s) // length_s * length_s + offset_s
    return Period(start_s, start_s + length_s)


def tightest(spends: Sequence[Spend]) -> Spend | None:
    """The one with the least left."""
    return min(spends, key=lambda spend: spend.left_micros, default=None)


def _month(now: datetime) -> Period:
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (start + timedelta(days=32)).replace(day=1)
    return Period(int(start.timestamp()), int(following.timestamp()))
