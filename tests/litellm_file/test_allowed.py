"""LiteLLM's limits and budgets."""

from pathlib import Path

import pytest
from configurations import MINIMAL, mistakes_of, read

from streamedit.budgets import Budget
from streamedit.limits import RateLimits
from streamedit.parties import Allowance

LITELLM = """\
general_settings: {max_parallel_requests: 4, global_max_parallel_requests: 100, user_header_name: x-user}
litellm_settings: {max_budget: 12.5, budget_duration: 30d, max_end_user_budget: 0.25}
"""


def test_they_are_this_servers(tmp_path: Path) -> None:
    """For all together, for each key and for each end user; nothing of it is told to be ignored."""
    settings = read(tmp_path, MINIMAL + LITELLM)
    server = settings.server
    assert server.limits.read() == RateLimits(parallel_edits=100)
    assert [budget.read() for budget in server.budgets] == [Budget(12_500_000, "30d")]
    assert server.key_defaults.read() == Allowance(RateLimits(parallel_edits=4))
    assert server.end_user_defaults.read() == Allowance(budgets=(Budget(250_000),))
    assert (server.user_header, settings.ignored) == ("x-user", ())


def test_the_servers_own_count_more(tmp_path: Path) -> None:
    """Each limit by itself; budgets as a whole."""
    own = """\
server:
  limits: {parallel_edits: 50, images_per_minute: 9}
  budgets: [{limit_usd: 1, period: 1d}]
  key_defaults: {limits: {requests_per_minute: 60}}
  end_user_defaults: {budgets: [{limit_micros: 7, period: 1h}]}
  user_header: x-own
"""
    server = read(tmp_path, MINIMAL + LITELLM + own).server
    assert server.limits.read() == RateLimits(images_per_minute=9, parallel_edits=50)
    assert [budget.read() for budget in server.budgets] == [Budget(1_000_000, "1d")]
    assert server.key_defaults.read() == Allowance(RateLimits(requests_per_minute=60, parallel_edits=4))
    assert server.end_user_defaults.read() == Allowance(budgets=(Budget(7, "1h"),))
    assert server.user_header == "x-own"


@pytest.mark.parametrize(
    ("said", "budgets"),
    [
        ("{max_budget: 3}", [Budget(3_000_000)]),
        ("{max_budget: 3, budget_duration: 1mo}", [Budget(3_000_000, "1mo")]),
        ("{max_budget: 0, budget_duration: 1d}", []),
        ("{budget_duration: 1d}", []),
    ],
)
def test_a_budget_without_an_end(tmp_path: Path, said: str, budgets: list[Budget]) -> None:
    """No duration is for ever; no amount, and LiteLLM's 0, is no budget."""
    server = read(tmp_path, f"{MINIMAL}litellm_settings: {said}\n").server
    assert [budget.read() for budget in server.budgets] == budgets


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("general_settings: {max_parallel_requests: 0}", "general_settings.max_parallel_requests"),
        ("general_settings: {global_max_parallel_requests: many}", "general_settings.global_max_parallel_requests"),
        ("litellm_settings: {max_budget: -1}", "litellm_settings.max_budget"),
        ("litellm_settings: {max_budget: .nan}", "litellm_settings.max_budget"),
        ("litellm_settings: {max_budget: 5, budget_duration: soon}", "litellm_settings.budget_duration"),
        ("litellm_settings: {max_end_user_budget: 1e12}", "litellm_settings.max_end_user_budget"),
    ],
)
def test_a_wrong_value_is_a_mistake(tmp_path: Path, line: str, place: str) -> None:
    """At its place."""
    (mistake,) = mistakes_of(tmp_path, f"{MINIMAL}{line}\n")
    assert mistake.split(": ")[1] == place
