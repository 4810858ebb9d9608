"""What was used: which edits somebody wants summed up, by what, and the sums. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from streamedit.errors import InvalidRequest

NAMES = ("day", "model", "provider", "key", "group", "end_user", "tag")
"""By which edits are told apart, and chosen."""

SUMS = (
    "edits", "completed", "failed", "images", "input_tokens", "input_image_tokens", "cached_tokens", "output_tokens",
    "output_text_tokens", "cost_micros", "charge_micros",
)  # fmt: skip

PERCENTILES = ("first_event_p50_s", "first_event_p95_s", "total_p50_s", "total_p95_s")
"""Of the edits that had an event, and of those that were completed; the value that so many per cent do not exceed."""

MOST_ROWS = 10_000

_DAY_S = 86_400
_DEFAULT_DAYS = 30
_LATEST_S = 253_402_300_800
_DAYS = re.compile(r"([0-9]{1,5})d", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)

Row: TypeAlias = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Span:
    """From a Unix time to before another one."""

    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """The edits that began in a span and are like `filters`, summed up by each of `group_by` together."""

    span: Span
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """`rows`: one for each combination that there is of what was asked to group by; of days the earliest first, of the others
    the dearest. An edit counts once for each of its tags, in the `total` once. `has_more`: there are more than `MOST_ROWS`;
    then the rows have no percentiles.
    """

    rows: Sequence[Row]
    total: Row
    has_more: bool = False


def span_of(start: str | None, end: str | None, now_s: float) -> Span:
    """From `start` to `end`: Unix times, dates, or `30d` for so many days ago; a day that is the end belongs to it.

    By default the last thirty days. Raises InvalidRequest naming `start` or `end`.
    """
    end_s = int(now_s) + 1 if end is None else _moment_s("end", end, now_s, is_end=True)
    start_s = max(0, end_s - _DEFAULT_DAYS * _DAY_S) if start is None else _moment_s("start", start, now_s, is_end=False)
    if start_s >= end_s:
        raise InvalidRequest("The start must be before the end.", param="start", code="invalid_value")
    return Span(start_s, end_s)


def groups_of(text: str) -> tuple[str, ...]:
    """Names with commas between them, each once. Raises InvalidRequest naming `group_by`."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in NAMES:
            told = f"'{name[:64]}' is nothing to group by; there are: {', '.join(NAMES)}."
            raise InvalidRequest(told, param="group_by", code="invalid_value")
    return names


def filters_of(given: Mapping[str, str]) -> Mapping[str, str]:
    """Of what was given, what chooses edits. Raises InvalidRequest."""
    filters = {name: value for name, value in given.items() if name in NAMES}
    for name, value in filters.items():
        if not value or not _is_storable(value):
            raise InvalidRequest(f"This is no {name}.", param=name, code="invalid_value")
    return filters


def columns_of(query: UsageQuery) -> tuple[str, ...]:
    """What its rows say, in order."""
    return (*query.group_by, *SUMS, *PERCENTILES)


def _is_storable(text: str) -> bool:
    """What is no text cannot be in the database either, and must not be looked for."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _moment_s(name: str, text: str, now_s: float, *, is_end: bool) -> int:
    if _SECONDS.fullmatch(text):
        return min(int(float(text)), _LATEST_S)
    if days := _DAYS.fullmatch(text):
        return max(0, int(now_s) - int(days[1]) * _DAY_S)
    try:
        day = date.fromisoformat(text)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1 if is_end else 0)
        return max(0, int(midnight.timestamp()))
    except (ValueError, OverflowError):
        told = "It must be a date (2026-11-30), a Unix time in seconds, or so many days ago (30d)."
        raise InvalidRequest(told, param=name, code="invalid_value") from None
