"""Ends in few words: metrics must not grow by what providers make up."""

import re
from pathlib import Path

import pytest

from streamedit import errors
from streamedit.errors import ErrorDetail
from streamedit.outcomes import label_of, outcome_of

PACKAGE = Path(errors.__file__).parent


def test_every_code_that_this_server_makes_up_is_a_label() -> None:
    """An operator sees which of our own errors it was; a new one in the sources must be named here, too."""
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "outcomes.py")
    codes = set(re.findall(r'code ?= ?"(\w+)"', sources)) | set(re.findall(r'"(mock_(?:refused|error|unavailable))"', sources))
    assert len(codes) > 40
    assert sorted(code for code in codes if label_of(code) != code) == []


@pytest.mark.parametrize("outcome", ["completed", "abandoned", "moderation_blocked", "rate_limit_exceeded", "timeout_error"])
def test_what_many_providers_say_is_a_label(outcome: str) -> None:
    """OpenAI's own codes, and types where there is no code."""
    assert label_of(outcome) == outcome


@pytest.mark.parametrize("outcome", ["E4711", "", "draw a cat", "completed "])
def test_what_nobody_knows_is_other(outcome: str) -> None:
    """One name for all of it."""
    assert label_of(outcome) == "other"


def test_an_end_is_told_by_its_code_or_else_its_type() -> None:
    """Without an error it is completed; a provider's own code stays what it is in a record."""
    assert outcome_of(None) == "completed"
    assert outcome_of(ErrorDetail(400, "invalid_request_error", "No.", code="E4711")) == "E4711"
    assert outcome_of(ErrorDetail(400, "invalid_request_error", "No.")) == "invalid_request_error"


@pytest.mark.parametrize("code", ["draw a cat", "x" * 65, "né", "a\nb"])
def test_text_that_is_no_code_is_not_recorded(code: str) -> None:
    """It might quote a prompt, or be of any length."""
    assert outcome_of(ErrorDetail(400, "t", "No.", code=code)) == "other"
