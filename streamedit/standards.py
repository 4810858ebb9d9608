"""What this server's moderation lets pass, as a configuration says it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from streamedit.keywords import tokens_of

OPENAI = "https://api.openai.com/v1"

CATEGORIES = frozenset(
    (
        "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
        "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
    )
)  # fmt: skip
"""OpenAI's, of omni-moderation-latest (API reference)."""

_MAX_KEYWORDS = 10_000

_Mode: TypeAlias = Literal["off", "pre_block", "observe"]
# YAML 1.1 reads `off` as false.
_ModeField = Annotated[_Mode, BeforeValidator(lambda mode: "off" if mode is False else mode)]


def _with_something_in_it(keyword: str) -> str:
    if not tokens_of(keyword):
        raise PydanticCustomError("keyword", "has nothing to look for")
    return keyword


_Keyword = Annotated[str, Field(max_length=200), AfterValidator(_with_something_in_it)]
_Score = Annotated[float, Field(ge=0, le=1)]


class ModerationSettings(BaseModel):
    """The `server.moderation` section. Times in seconds.

    `thresholds`: the score from which on a category counts; of the others the endpoint's own word does. `keywords` are looked
    for here, with no `api_key`, too. `on_error`: whether what nobody could judge goes on. `timeout_s`: of each call.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mode: _ModeField
    api_key: str | None = Field(None, min_length=1, repr=False)
    api_base: Annotated[str, Field(pattern=r"^https?://\S+$", repr=False)] = OPENAI
    model: str = Field("omni-moderation-latest", min_length=1)
    timeout_s: float = Field(3, gt=0, le=30)
    retries: int = Field(1, ge=0, le=5)
    thresholds: Mapping[str, _Score] = Field(default_factory=dict)
    ignored_categories: frozenset[str] = frozenset()
    keywords: Annotated[tuple[_Keyword, ...], Field(max_length=_MAX_KEYWORDS, repr=False)] = ()
    images: bool = True
    on_error: Literal["open", "closed"] = "open"
    cache_s: float = Field(600, ge=0)
    cache_size: int = Field(10_000, ge=0)
    message: str = Field("Your request was blocked by this server's moderation", min_length=1, max_length=500)

    @model_validator(mode="after")
    def _can_judge(self) -> Self:
        if self.mode != "off" and not (self.api_key or self.keywords):
            raise PydanticCustomError("moderation", "has neither an api_key nor keywords to judge by")
        return self

    @model_validator(mode="after")
    def _knows_its_categories(self) -> Self:
        """A misspelt one would let pass what it was meant to stop."""
        unknown = sorted({*self.thresholds, *self.ignored_categories} - CATEGORIES)
        if unknown and self.api_base.rstrip("/") == OPENAI:
            told = {"names": ", ".join(unknown), "known": ", ".join(sorted(CATEGORIES))}
            raise PydanticCustomError("categories", "OpenAI has no category {names}; there are: {known}", told)
        return self

    @property
    def is_on(self) -> bool:
        return self.mode != "off"

    @property
    def blocks(self) -> bool:
        """Otherwise it only takes note."""
        return self.mode == "pre_block"

    def flagged(self, categories: Mapping[str, bool | None], scores: Mapping[str, float | None]) -> Sequence[str]:
        """The categories that count, of what was found in one thing; `scores` are from 0 to 1. In no particular order."""
        named = {*categories, *scores} - self.ignored_categories
        return [name for name in named if self._counts(name, categories.get(name), scores.get(name))]

    def _counts(self, category: str, is_flagged: bool | None, score: float | None) -> bool:
        if category in self.thresholds and score is not None:
            return score >= self.thresholds[category]
        return bool(is_flagged)
