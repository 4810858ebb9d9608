"""When a query holds."""

import time

import pytest

from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.portkey.conditions import Context, holds

CONTEXT: Context = {
    "metadata": {"plan": "paid", "seats": 12, "beta": True, "version": "1.5"},
    "params": {"model": "gpt-image-2", "n": 2, "user": None},
    "url": {"pathname": "/v1/images/edits"},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, True),
        ({"metadata.plan": "paid"}, True),
        ({"metadata.plan": "free"}, False),
        ({"metadata.plan": {"$eq": "paid"}}, True),
        ({"metadata.plan": {"$ne": "paid"}}, False),
        ({"metadata.none": {"$ne": "paid"}}, True),
        ({"metadata.seats": {"$gt": 11, "$lt": 13}}, True),
        ({"metadata.seats": {"$gt": 12}}, False),
        ({"metadata.seats": {"$gte": "12", "$lte": 12}}, True),
        ({"metadata.version": {"$lt": 2}}, True),
        ({"metadata.plan": {"$lt": 2}}, False),
        ({"metadata.plan": {"$gte": 0}}, False),
        ({"metadata.none": {"$gte": 0}}, False),
        ({"metadata.beta": {"$gte": 0}}, False),
        ({"metadata.seats": {"$lt": 10**400}}, False),
        ({"metadata.beta": True}, True),
        ({"metadata.beta": 1}, False),
        ({"metadata.plan": {"$in": ["free", "paid"]}}, True),
        ({"metadata.plan": {"$in": "paid"}}, False),
        ({"metadata.plan": {"$nin": ["free"]}}, True),
        ({"metadata.plan": {"$nin": "free"}}, False),
        ({"metadata.plan": {"$regex": "^p.+d$"}}, True),
        ({"metadata.plan": {"$regex": "ai"}}, True),
        ({"metadata.plan": {"$regex": "AI"}}, False),
        ({"metadata.plan": {"$regex": "(?i)AI"}}, True),
        ({"metadata.seats": {"$regex": "1"}}, False),
        ({"metadata.none": {"$regex": ".*"}}, False),
        ({"params.model": "gpt-image-2", "params.n": 2}, True),
        ({"params.user": None}, True),
        ({"url.pathname": {"$regex": "edits$"}}, True),
        ({"elsewhere.x": "y"}, False),
        ({"metadata": "paid"}, False),
        ({"$or": [{"metadata.plan": "free"}, {"params.n": 2}]}, True),
        ({"$or": []}, False),
        ({"$and": [{"metadata.plan": "paid"}, {"params.n": 3}]}, False),
        ({"$and": [{"$or": [{"metadata.plan": "paid"}]}, {"params.n": 2}]}, True),
        ({"$and": [1]}, False),
    ],
)
def test_queries(query: dict[str, Json], expected: bool) -> None:
    """As Portkey's router reads them: members are all to hold, texts count as numbers where numbers are compared."""
    assert holds(query, CONTEXT) is expected


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"$nor": []}, "no operator '$nor'"),
        ({"$or": {}}, "$or takes a list"),
        ({"metadata.plan": {"$like": "p"}}, "no operator '$like'"),
        ({"metadata.plan": {"$regex": "("}}, "without lookaround"),
        ({"metadata.plan": {"$regex": "(?=p)"}}, "without lookaround"),
        ({"metadata.plan": {"$regex": 5}}, "an expression of at most 128"),
        ({"metadata.plan": {"$regex": "p" * 129}}, "an expression of at most 128"),
        ({"metadata.plan": {"$regex": "(p{10}){10}"}}, "at most 50 counted"),
        ({"metadata.plan": {"$regex": "(a{0}p{99})"}}, "at most 50 counted"),
        ({"metadata.plan": {"$regex": "p{2,60}"}}, "at most 50 counted"),
    ],
)
def test_what_is_no_query(query: dict[str, Json], why: str) -> None:
    """A 400 that says why: a query that cannot be read is not one that does not hold."""
    with pytest.raises(InvalidRequest, match="Invalid config passed") as caught:
        holds(query, CONTEXT)
    assert why in caught.value.detail.message


def test_long_texts_are_refused() -> None:
    """What is matched is bounded, as the expression is."""
    with pytest.raises(InvalidRequest, match="1024 characters"):
        holds({"params.prompt": {"$regex": "a"}}, {"params": {"prompt": "a" * 1025}})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "^(a|a)*$", "(.*)(.*)(.*)(.*)(.*)(.*)b", r"(\w+\s?)+$"])
def test_no_expression_is_slow(pattern: str) -> None:
    """Those that take other engines centuries take milliseconds."""
    started_s = time.monotonic()
    assert holds({"params.prompt": {"$regex": pattern}}, {"params": {"prompt": "a" * 1000 + "!"}}) is False
    assert time.monotonic() - started_s < 1
