"""What follows from what was found: the modes, the open and the closed door."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import InvalidRequest, ModerationBlocked, ModerationUnavailable
from streamedit.moderation.findings import Finding, Unjudged, verdict_of
from streamedit.standards import ModerationSettings

AWAY = Unjudged("UpstreamTimeout", may_pass=True)
ODD = Unjudged("unsuitable file", is_callers=True)

FINDINGS = st.lists(st.sampled_from([(), ("violence",), ("sexual", "violence"), AWAY, ODD]), max_size=6)


def settings(mode: Literal["pre_block", "observe"] = "pre_block", **more: Any) -> ModerationSettings:
    """Settings of this mode."""
    return ModerationSettings(mode=mode, api_key="k", **more)


def test_a_refusal_names_the_categories() -> None:
    """Each once, in their order, as OpenAI's own refusals are typed and coded; nobody need send it again."""
    verdict = verdict_of([("violence",), (), ("violence", "sexual")], settings())
    assert verdict.flagged == ("sexual", "violence")
    assert isinstance(verdict.refusal, ModerationBlocked)
    detail = verdict.refusal.detail
    assert detail.message == "Your request was blocked by this server's moderation: sexual, violence."
    assert (detail.status, detail.type, detail.code) == (400, "image_generation_user_error", "moderation_blocked")
    assert (detail.retryable, detail.charged) == (False, False)


@pytest.mark.parametrize("message", ["Not in this house", "Not in this house.", "Not in this house: "])
def test_its_words_are_the_configurations(message: str) -> None:
    """With the categories behind them."""
    verdict = verdict_of([("hate",)], settings(message=message))
    assert str(verdict.refusal) == "Not in this house: hate."


@pytest.mark.parametrize(
    ("findings", "on_error", "outcome", "refusal"),
    [
        ([(), ()], "closed", "passed", type(None)),
        ([], "closed", "passed", type(None)),
        ([(), AWAY], "open", "failed", type(None)),
        ([(), ODD], "open", "failed", type(None)),
        ([(), AWAY], "closed", "failed", ModerationUnavailable),
        ([AWAY, ODD], "closed", "failed", InvalidRequest),
        ([AWAY, ("hate",)], "closed", "blocked", ModerationBlocked),
        ([AWAY, ("hate",)], "open", "blocked", ModerationBlocked),
    ],
)
def test_an_open_door_and_a_closed_one(findings: list[Finding], on_error: str, outcome: str, refusal: type) -> None:
    """What nobody could judge goes on through an open door alone; what was found in the rest counts with both."""
    verdict = verdict_of(findings, settings(on_error=on_error))
    assert (verdict.outcome, type(verdict.refusal)) == (outcome, refusal)


@given(findings=FINDINGS, on_error=st.sampled_from(["open", "closed"]))
def test_who_observes_refuses_nothing(findings: list[Finding], on_error: str) -> None:
    """And sees the same as who blocks."""
    seen, blocked = (verdict_of(findings, settings(mode, on_error=on_error)) for mode in ("observe", "pre_block"))
    assert (seen.refusal, seen.is_blocked) == (None, False)
    assert (seen.flagged, seen.unjudged) == (blocked.flagged, blocked.unjudged)
    assert blocked.is_blocked is bool(blocked.flagged or (blocked.unjudged and on_error == "closed"))


def test_a_file_that_nobody_can_judge_is_the_callers_mistake() -> None:
    """Where all must be judged: sending it again would not help."""
    refusal = verdict_of([ODD], settings(on_error="closed")).refusal
    assert refusal is not None
    detail = refusal.detail
    assert (detail.status, detail.param, detail.code, detail.retryable) == (400, "image", "image_not_judged", False)
