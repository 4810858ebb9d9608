"""What the admin page shows of a stretch of time, as JSON: buckets in a row, and what is put together of them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.stores.sql.overview import Bucket, Busiest, Quantiles, Sums

_HOUR_S, _DAY_S = 3600, 86_400
RANGES = {"24h": (_HOUR_S, 24), "7d": (_DAY_S, 7), "30d": (_DAY_S, 30), "90d": (_DAY_S, 90)}
_LINES = 6
"""As many colours as can be told apart; all others are one."""

_TOP = 10

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets in a row; the last one is running. In Unix seconds; days are UTC's."""

    range: str
    bucket_s: int
    starts_s: Sequence[int]

    @property
    def start_s(self) -> int:
        return self.starts_s[0]


def span_of(name: str, now_s: float) -> Span:
    """`24h` by the hour; `7d`, `30d` or `90d` by the day. Raises InvalidRequest for any other."""
    if name not in RANGES:
        raise InvalidRequest(f"'range' must be one of {', '.join(RANGES)}.", param="range", code="invalid_value")
    bucket_s, count = RANGES[name]
    last_s = int(now_s) // bucket_s * bucket_s
    return Span(name, bucket_s, [last_s - bucket_s * back for back in reversed(range(count))])


def today_of(now_s: float) -> int:
    """When it began, in UTC."""
    return int(now_s) // _DAY_S * _DAY_S


def glance(span: Span, buckets: Sequence[Bucket]) -> dict[str, Json]:
    """All that follows from the buckets of a span."""
    by_model, by_provider = (_rows(buckets, position) for position in (0, 1))
    return {
        **told(sum((bucket.sums for bucket in buckets), Sums())),
        **_latencies(buckets),
        "range": span.range,
        "start": span.start_s,
        "bucket_s": span.bucket_s,
        "buckets": [{"start": bucket.start_s, **told(bucket.sums), **_latencies([bucket])} for bucket in buckets],
        "by_model": _lines(buckets, by_model),
        "by_provider": _lines(buckets, by_provider),
        "models": busiest([Busiest(name, sum(row, Sums())) for name, row in by_model.items()][:_TOP]),
        "failures": _failures(buckets),
    }


def busiest(found: Iterable[Busiest]) -> list[Json]:
    """Names with their sums."""
    return [{"name": each.name, **told(each.sums)} for each in found]


def told(sums: Sums) -> dict[str, Json]:
    """Sums, with what follows from them."""
    return {**asdict(sums), "failed": sums.edits - sums.completed}


def quantile(points: Quantiles, share: float) -> float | None:
    """The least value that at least `share` of all are not above; None of nothing. The values are in ascending order."""
    left = share * sum(count for _, count in points)
    for value, count in points:
        left -= count
        if left <= 1e-9:
            return value
    return None


def _latencies(buckets: Sequence[Bucket]) -> dict[str, Json]:
    first = sorted(point for bucket in buckets for point in bucket.first_event)
    total = sorted(point for bucket in buckets for point in bucket.total)
    return {
        name: {"p50": quantile(points, 0.5), "p95": quantile(points, 0.95)}
        for name, points in (("first_event_s", first), ("total_s", total))
    }


def _rows(buckets: Sequence[Bucket], position: int) -> Mapping[str, Sequence[Sums]]:
    """By model or by provider, the busiest first: the sums of each bucket."""
    rows: dict[str, list[Sums]] = defaultdict(lambda: [Sums()] * len(buckets))
    for index, bucket in enumerate(buckets):
        for names, sums in bucket.models.items():
            rows[names[position]][index] += sums
    return dict(sorted(rows.items(), key=lambda row: (-sum(sums.edits for sums in row[1]), row[0])))


def _lines(buckets: Sequence[Bucket], rows: Mapping[str, Sequence[Sums]]) -> list[Json]:
    """The busiest ones, and one for all others, if there are any."""
    shown = dict(list(rows.items())[:_LINES])
    lines = [_line(name, row) for name, row in shown.items()]
    rest = [_less(bucket.sums, [row[index] for row in shown.values()]) for index, bucket in enumerate(buckets)]
    return [*lines, _line(OTHER, rest)] if any(sums.edits for sums in rest) else lines


def _line(name: str, row: Sequence[Sums]) -> Json:
    return {
        "name": name,
        "edits": _each(row, lambda sums: sums.edits),
        "spend_micros": _each(row, lambda sums: sums.spend_micros),
    }


def _each(row: Sequence[Sums], number: Callable[[Sums], int]) -> list[Json]:
    return [number(sums) for sums in row]


def _less(sums: Sums, parts: Sequence[Sums]) -> Sums:
    shown = sum(parts, Sums())
    return Sums(
        sums.edits - shown.edits,
        sums.completed - shown.completed,
        sums.images - shown.images,
        sums.spend_micros - shown.spend_micros,
    )


def _failures(buckets: Sequence[Bucket]) -> list[Json]:
    """Each provider's failures by outcome; most first."""
    counts: Counter[tuple[str, str]] = Counter()
    for bucket in buckets:
        counts.update(bucket.failures)
    by_provider: dict[str, dict[str, Json]] = defaultdict(dict)
    for (provider, outcome), count in counts.most_common():
        by_provider[provider][outcome] = count
    return [{"provider": provider, "outcomes": outcomes} for provider, outcomes in by_provider.items()]
