"""What is not there."""

from dataclasses import replace
from typing import Any

import pytest
from examined import MOCK, found, patient

from streamedit.budgets import Budget
from streamedit.doctor.findings import Level
from streamedit.parties import Allowance, ApiKey
from streamedit.routes import Route, Routes
from streamedit.stores.sql.inspection import Inspection
from streamedit.targets import Target

OPENAI = Target("openai", "gpt-image-2", "sk-1")
UNKNOWN = Target("openai", "model-of-tomorrow", "sk-1")
BUDGETS: dict[str, Any] = {"budgets": [{"limit_usd": 1}], "database_url": "sqlite:////a.db"}


def test_a_default_model() -> None:
    """Without one requests must name theirs."""
    settings = patient()
    bare = replace(settings, routes=Routes(settings.routes.all, None))
    assert found(bare)["no_default_model"] is Level.NOTE
    assert "no_default_model" not in found(settings)


@pytest.mark.parametrize(("workers", "url", "level"), [(2, None, Level.RISK), (2, "redis://127.0.0.1", None), (1, None, None)])
def test_redis_for_several_workers(workers: int, url: str | None, level: Level | None) -> None:
    """They will not start without."""
    assert found(patient(redis_url=url), workers=workers).get("no_redis") is level


def test_a_database() -> None:
    """Where there is one it is said which."""
    assert found(patient())["no_database"] is Level.WARNING
    assert found(patient(database_url="sqlite:////a.db"))["database"] is Level.OK


def test_a_secret_for_tokens() -> None:
    """Where keys may be changed; an open server has nothing to sign for."""
    assert found(patient())["no_token_secret"] is Level.NOTE
    assert "no_token_secret" not in found(patient(secret="s" * 40))
    assert "no_token_secret" not in found(patient(keys=()))


@pytest.mark.parametrize(
    ("target", "lacks"),
    [
        (Target("openai", "gpt-image-2"), True),
        (Target("openai", "gpt-image-2", "sk-1"), False),
        (Target("openai", "sd-turbo", None, "http://127.0.0.1:8000/v1"), False),
        (Target("bedrock", "amazon.nova-canvas-v1:0"), False),
        (MOCK, False),
    ],
)
def test_keys_for_providers(target: Target, lacks: bool) -> None:
    """Those that have no other way to know who asks."""
    assert ("no_provider_key" in found(patient(target))) is lacks


@pytest.mark.parametrize(
    ("target", "is_told"),
    [
        (UNKNOWN, True),
        (OPENAI, False),
        (replace(UNKNOWN, params={"output_cost_per_image": 0.04}), False),
        (replace(UNKNOWN, model="*"), False),
        (MOCK, False),
    ],
)
def test_prices_for_budgets(target: Target, is_told: bool) -> None:
    """A model whose price nobody knows counts for nothing; without budgets that is no matter."""
    assert ("no_price" in found(patient(target, **BUDGETS))) is is_told
    assert "no_price" not in found(patient(target))


def test_a_keys_own_budget_is_one() -> None:
    """When somebody looked into the database."""
    key = ApiKey("key_a", "a", b"", 0.0, allowance=Allowance(budgets=(Budget(1),)))
    said = found(patient(UNKNOWN), database=Inspection("1", "1", (key,)))
    assert (said["no_price"], said["budgets"]) == (Level.WARNING, Level.OK)


@pytest.mark.parametrize(
    ("server", "host", "topic", "level"),
    [
        ({}, "127.0.0.1", "no_limits", Level.NOTE),
        ({}, "0.0.0.0", "no_limits", Level.WARNING),
        ({"limits": {"parallel_edits": 1}}, "0.0.0.0", "limits", Level.OK),
        ({"key_defaults": {"limits": {"images_per_minute": 1}}}, "0.0.0.0", "limits", Level.OK),
    ],
)
def test_limits(server: dict[str, Any], host: str, topic: str, level: Level) -> None:
    """Worse where others come in."""
    said = found(patient(**server), host=host)
    assert {name: said[name] for name in said if "limits" in name} == {topic: level}


def test_budgets() -> None:
    """Where anything costs money."""
    assert found(patient(OPENAI))["no_budgets"] is Level.NOTE
    assert found(patient(OPENAI, **BUDGETS))["budgets"] is Level.OK
    assert found(patient(MOCK)).keys().isdisjoint({"no_budgets", "budgets"})


def test_bounds_for_end_users() -> None:
    """Where they are told apart."""
    assert found(patient(user_header="x-user"))["no_end_user_defaults"] is Level.NOTE
    bounded = patient(user_header="x-user", end_user_defaults={"limits": {"images_per_minute": 1}})
    assert "no_end_user_defaults" not in found(bounded)


def test_what_has_no_effect() -> None:
    """Is named."""
    assert found(replace(patient(), ignored=("langfuse",)))["ignored"] is Level.NOTE
    assert "ignored" not in found(patient())


def test_urls_that_are_passed_on_by_some() -> None:
    """A model whose targets differ in it has none passed on."""
    passing, other = Target("openai", "a", "sk", params={"pass_image_urls": True}), Target("openai", "b", "sk")
    settings = patient()
    for targets, level in (((passing, other), Level.NOTE), ((passing, passing), None), ((other,), None)):
        routes = Routes([Route("m", targets)], "m")
        assert found(replace(settings, routes=routes)).get("fetched_urls") is level
