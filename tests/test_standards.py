"""The `moderation` section: what it takes, what it means, and every mistake in it with its line."""

from pathlib import Path

import pytest
from configurations import MINIMAL, mistakes_of, read
from hypothesis import given
from hypothesis import strategies as st

from streamedit.standards import CATEGORIES, ModerationSettings


def test_without_the_section_nothing_is_moderated(tmp_path: Path) -> None:
    """As without a file."""
    assert read(tmp_path, MINIMAL).server.moderation is None


def test_a_section_can_say_everything(tmp_path: Path) -> None:
    """The key may be in the environment."""
    text = f"""{MINIMAL}server:
  moderation:
    mode: pre_block
    api_key: os.environ/MODERATION_KEY
    api_base: https://moderation.example/v1
    model: omni-moderation-2024-09-26
    timeout_s: 5
    retries: 0
    thresholds: {{violence: 0.7, house-rules: 0.2}}
    ignored_categories: [self-harm]
    keywords: [red dragon]
    images: false
    on_error: closed
    cache_s: 60
    cache_size: 10
    message: Not here
"""
    moderation = read(tmp_path, text, MODERATION_KEY="sk-1").server.moderation
    assert moderation is not None
    assert (moderation.api_key, moderation.timeout_s, moderation.thresholds["violence"]) == ("sk-1", 5, 0.7)
    assert (moderation.is_on, moderation.blocks) == (True, True)


@pytest.mark.parametrize("mode", ["off", "'off'", "false"])
def test_off_is_off_however_yaml_reads_it(tmp_path: Path, mode: str) -> None:
    """YAML takes a bare `off` for false; it needs nothing to judge by."""
    moderation = read(tmp_path, f"{MINIMAL}server:\n  moderation: {{mode: {mode}}}\n").server.moderation
    assert moderation is not None
    assert (moderation.is_on, moderation.blocks) == (False, False)


def test_who_observes_does_not_block() -> None:
    """And yet it is on."""
    settings = ModerationSettings(mode="observe", api_key="k")
    assert (settings.is_on, settings.blocks) == (True, False)


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ("{}", "server.moderation.mode: Field required"),
        ("{mode: block}", "server.moderation.mode: Input should be 'off', 'pre_block' or 'observe'"),
        ("{mode: observe}", "server.moderation: has neither an api_key nor keywords to judge by"),
        ("{mode: observe, api_key: k, timeout_s: 31}", "timeout_s: Input should be less than or equal to 30"),
        ("{mode: observe, api_key: k, thresholds: {violence: 1.5}}", "violence: Input should be less than or equal to 1"),
        ("{mode: observe, api_key: k, thresholds: {voilence: 1}}", "OpenAI has no category voilence; there are: harassment, "),
        ("{mode: observe, api_key: k, ignored_categories: [hat]}", "OpenAI has no category hat; there are: harassment, "),
        ("{mode: observe, keywords: ['\u200b ']}", "server.moderation.keywords[0]: has nothing to look for"),
        (f"{{mode: observe, keywords: [{'x' * 201}]}}", "keywords[0]: String should have at most 200 characters"),
        ("{mode: observe, api_key: k, api_base: moderation.example}", "api_base: String should match pattern"),
        ("{mode: observe, api_key: k, on_error: maybe}", "on_error: Input should be 'open' or 'closed'"),
        ("{mode: observe, api_key: k, block_status: 403}", "block_status: Extra inputs are not permitted"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, section: str, mistake: str) -> None:
    """With the line and the name of what is wrong."""
    (told,) = mistakes_of(tmp_path, f"{MINIMAL}server:\n  moderation: {section}\n")
    assert told.startswith("streamedit.yaml:5: server.moderation")
    assert mistake in told


def test_more_keywords_than_there_may_be_are_a_mistake() -> None:
    """Ten thousand are not too many."""
    keywords = [f"word{number}" for number in range(10_001)]
    assert len(ModerationSettings(mode="observe", keywords=tuple(keywords[:-1])).keywords) == 10_000
    with pytest.raises(ValueError, match="at most 10000 items"):
        ModerationSettings(mode="observe", keywords=tuple(keywords))


def test_it_shows_neither_its_key_nor_its_keywords() -> None:
    """Nor an address, which may have a secret in it."""
    settings = ModerationSettings(mode="observe", api_key="sk-canary", keywords=("slur",), api_base="https://h/canary")
    assert not [canary for canary in ("canary", "slur") if canary in repr(settings)]


NAMES = st.sampled_from(sorted(CATEGORIES))
SCORES = st.floats(0, 1)


@given(
    categories=st.dictionaries(NAMES, st.none() | st.booleans()),
    scores=st.dictionaries(NAMES, st.none() | SCORES),
    thresholds=st.dictionaries(NAMES, SCORES),
    ignored=st.frozensets(NAMES),
)
def test_thresholds_decide_where_there_are_any(
    categories: dict[str, bool | None], scores: dict[str, float | None], thresholds: dict[str, float], ignored: frozenset[str]
) -> None:
    """The endpoint's own word holds for all other categories, and for those without a score; what is ignored never counts."""
    settings = ModerationSettings(mode="observe", api_key="k", thresholds=thresholds, ignored_categories=ignored)
    flagged = settings.flagged(categories, scores)
    assert len(flagged) == len(set(flagged))
    for name in CATEGORIES:
        score, threshold = scores.get(name), thresholds.get(name)
        by_score = score >= threshold if score is not None and threshold is not None else categories.get(name) is True
        assert (name in flagged) is (by_score and name not in ignored)
