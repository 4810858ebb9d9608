"""What the admin page shows of a stretch of time."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import InvalidRequest
from streamedit.stores.sql.overview import Bucket, Sums
from streamedit.web.glance import glance, quantile, span_of, today_of

NOW_S = 1_790_042_400.5

SUMS = st.builds(Sums, *([st.integers(0, 1000)] * 4))
NAMES = st.tuples(st.sampled_from([f"model-{number}" for number in range(12)]), st.sampled_from(["openai", "gemini"]))
MODELS = st.lists(st.dictionaries(NAMES, SUMS), min_size=7, max_size=7)


def bucket_of(start_s: int, models: dict[tuple[str, str], Sums], **told: Any) -> Bucket:
    """A bucket with nothing but these edits."""
    whole = sum(models.values(), Sums())
    return Bucket(start_s, whole, models, told.get("failures", {}), told.get("first_event", []), told.get("total", []))


@pytest.mark.parametrize(
    ("name", "bucket_s", "count"), [("24h", 3600, 24), ("7d", 86_400, 7), ("30d", 86_400, 30), ("90d", 86_400, 90)]
)
def test_a_span_ends_with_the_running_bucket(name: str, bucket_s: int, count: int) -> None:
    """Whole hours or days of UTC, without gaps."""
    span = span_of(name, NOW_S)
    assert len(span.starts_s) == count
    assert [start_s % bucket_s for start_s in span.starts_s] == [0] * count
    assert {later - earlier for earlier, later in zip(span.starts_s, span.starts_s[1:], strict=False)} == {bucket_s}
    assert span.starts_s[-1] <= NOW_S < span.starts_s[-1] + bucket_s


@pytest.mark.parametrize("name", ["", "1y", "7D", "0"])
def test_other_ranges_are_refused(name: str) -> None:
    """By name, with those that there are."""
    with pytest.raises(InvalidRequest, match="24h, 7d, 30d, 90d") as refused:
        span_of(name, NOW_S)
    assert refused.value.detail.param == "range"


def test_today_began_at_midnight() -> None:
    """In UTC."""
    assert today_of(NOW_S) == 1_790_035_200


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=300), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_the_nearest_rank(values: Sequence[float], share: float) -> None:
    """Of values that stand for one each: the least that so many are not above."""
    ordered = sorted(values)
    expected = ordered[math.ceil(share * len(ordered) - 1e-9) - 1]
    assert quantile([(value, 1.0) for value in ordered], share) == expected


def test_of_nothing_there_is_no_quantile() -> None:
    """It is not zero."""
    assert quantile([], 0.5) is None


@given(MODELS)
def test_lines_add_up(models: Sequence[dict[tuple[str, str], Sums]]) -> None:
    """Six lines and one for all others are all edits, in each bucket, by model as by provider."""
    span = span_of("7d", NOW_S)
    buckets = [bucket_of(start_s, each) for start_s, each in zip(span.starts_s, models, strict=True)]
    shown: Any = glance(span, buckets)
    for by in ("by_model", "by_provider"):
        assert len(shown[by]) <= 7
        for index, bucket in enumerate(buckets):
            assert sum(line["edits"][index] for line in shown[by]) == bucket.sums.edits
    assert shown["edits"] == sum(each["edits"] for each in shown["buckets"])
    ranked = [sum(line["edits"]) for line in shown["by_model"] if line["name"] != "other"]
    assert ranked == sorted(ranked, reverse=True)


def test_models_that_a_bucket_does_not_name_are_others() -> None:
    """They are in its sums."""
    span = span_of("24h", NOW_S)
    whole = Sums(edits=10, completed=9, images=9, spend_micros=90)
    buckets = [Bucket(start_s, whole, {("m", "p"): Sums(edits=4, spend_micros=50)}, {}, [], []) for start_s in span.starts_s]
    shown: Any = glance(span, buckets)
    assert [(line["name"], line["edits"][0], line["spend_micros"][0]) for line in shown["by_model"]] == [
        ("m", 4, 50),
        ("other", 6, 40),
    ]


def test_failures_are_told_by_provider() -> None:
    """Over all buckets; the worst first."""
    span = span_of("7d", NOW_S)
    buckets = [
        bucket_of(start_s, {}, failures={("openai", "timeout"): 2, ("gemini", "blocked"): 1}) for start_s in span.starts_s
    ]
    shown: Any = glance(span, buckets)
    assert shown["failures"] == [
        {"provider": "openai", "outcomes": {"timeout": 14}},
        {"provider": "gemini", "outcomes": {"blocked": 7}},
    ]


def test_latencies_of_a_span_are_those_of_all_its_edits() -> None:
    """A bucket with many edits counts more than one with few."""
    span = span_of("7d", NOW_S)
    busy = [bucket_of(span.starts_s[0], {}, first_event=[(1.0, 90.0)])]
    idle = [bucket_of(start_s, {}, first_event=[(9.0, 1.0)]) for start_s in span.starts_s[1:]]
    shown: Any = glance(span, [*busy, *idle])
    assert shown["first_event_s"] == {"p50": 1.0, "p95": 9.0}
    assert shown["buckets"][1]["first_event_s"] == {"p50": 9.0, "p95": 9.0}
    assert shown["total_s"] == {"p50": None, "p95": None}
