"""What an image cost: price x usage -> micro-dollars. Pure; the prices are data beside it, each with its source and date.

A provider that tells the cost itself is believed. Else tokens are counted where the provider counted them; else an image has
its price by quality and size, to which each partial image adds its tokens (OpenAI: 100 image output tokens). Before it is made
it has the cost of the worst case: no honest count comes to more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources

from streamedit.edits import EditRequest
from streamedit.events import Usage
from streamedit.targets import Target
from streamedit.worst_cases import PARTIAL_IMAGE_TOKENS, usage_at_most

_LITELLM_TOKENS = {
    "text_in": "input_cost_per_token",
    "image_in": "input_cost_per_image_token",
    "cached_text_in": "cache_read_input_token_cost",
    "cached_image_in": "cache_read_input_image_token_cost",
    "text_out": "output_cost_per_token",
    "image_out": "output_cost_per_image_token",
}
_LITELLM_IMAGE = ("output_cost_per_image", "input_cost_per_image")

OVERRIDES = frozenset((*_LITELLM_TOKENS.values(), *_LITELLM_IMAGE))
"""The names by which a target's configuration sets its own prices, in dollars, as LiteLLM has them."""


@dataclass(frozen=True, slots=True)
class Price:
    """The prices of the models that match a pattern, in micro-dollars: per token by its kind, or for a whole image.

    `quality`, `size`: the images that the price is for; None for any.
    """

    model: str
    per_token: Mapping[str, Decimal] = field(default_factory=dict)
    per_image: Decimal | None = None
    quality: str | None = None
    size: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, beside its usage: one image, and the partial images before it."""

    quality: str | None = None
    size: str | None = None
    partial_images: int = 0


_USUAL = Usage(input_tokens=1_100, input_image_tokens=1_000, output_tokens=1_056)
_USUALLY_MADE = Made("medium", "1024x1024")
"""One image of 1024 x 1024 from one image. Source of its 1,056 tokens: OpenAI's image generation guide, "Cost and latency"."""


_NAMES = 1024
"""Of so many models the rows are remembered."""


class Prices:
    """All prices; the first that fits counts."""

    def __init__(self, rows: Sequence[Price]) -> None:
        self._rows = tuple(rows)
        # Each image asks; callers choose names where a pattern stands in the configuration.
        self._named = lru_cache(_NAMES)(self._rows_of)

    @classmethod
    def shipped(cls) -> "Prices":
        """The prices that come with the package."""
        text = (resources.files("streamedit") / "prices.json").read_text(encoding="utf-8")
        return cls([_row(row) for row in json.loads(text, parse_float=Decimal)])

    def cost_micros(self, target: Target, usage: Usage, made: Made) -> int | None:
        """The cost of one image; None where it is not known. Fractions of a micro-dollar are rounded up."""
        if usage.cost_micros is not None:
            return usage.cost_micros
        rows, tokens = self._of(target)
        if tokens and usage.input_tokens + usage.output_tokens:
            return _rounded(_of_tokens(tokens, usage))
        fits = (row for row in rows if row.per_image is not None and _fits(row, made))
        price = next((row.per_image for row in fits), None)
        if price is None:
            return None
        return _rounded(price + made.partial_images * PARTIAL_IMAGE_TOKENS * tokens.get("image_out", Decimal(0)))

    def worst_micros(self, target: Target, request: EditRequest) -> int | None:
        """What one image of a request can cost at most; None where no price is known, 0 where the caller's account pays.

        An upper bound of `cost_micros`, unless the provider tells a cost of its own, or counts more than its documentation.
        """
        if target.is_callers:
            return 0
        rows, tokens = self._of(target)
        costs = [_of_tokens(_dearest(tokens), usage_at_most(target.base_model, request))] if tokens else []
        image = _image_at_most(rows, request)
        if image is not None:
            partial_images = request.partial_images + 1
            costs.append(image + partial_images * PARTIAL_IMAGE_TOKENS * tokens.get("image_out", Decimal(0)))
        return _rounded(max(costs)) if costs else None

    def usual_micros(self, target: Target) -> Decimal | None:
        """The cost of a usual edit, to compare targets by; None where it is not known."""
        rows, tokens = self._of(target)
        if tokens:
            return _of_tokens(tokens, _USUAL)
        fits = (row.per_image for row in rows if row.per_image is not None and _fits(row, _USUALLY_MADE))
        return next(fits, next((row.per_image for row in rows if row.per_image is not None), None))

    def _of(self, target: Target) -> tuple[Sequence[Price], Mapping[str, Decimal]]:
        """A target's rows, its own or those of the first of its names that has any; and its prices of tokens."""
        rows = _configured(target) or next((rows for name in _names(target) if (rows := self._named(name))), ())
        return rows, next((row.per_token for row in rows if row.per_token), {})

    def _rows_of(self, name: str) -> Sequence[Price]:
        return tuple(row for row in self._rows if fnmatchcase(name, row.model))


def _names(target: Target) -> Sequence[str]:
    """As the prices may have it. LiteLLM's `base_model` names the provider or not; without one OpenAI's prices are meant."""
    base = target.text("base_model")
    return (target.name,) if base is None else (base, f"{target.provider}/{base}", f"openai/{base}")


def _of_tokens(prices: Mapping[str, Decimal], usage: Usage) -> Decimal:
    """A kind without a price of its own costs as much as the nearest that has one."""
    text_in = prices.get("text_in", Decimal(0))
    image_in = prices.get("image_in", text_in)
    image_out = prices.get("image_out", prices.get("text_out", Decimal(0)))
    # A provider's details may add up to more than its totals: no kind counts for less than nothing, nor for another.
    text = max(0, usage.input_tokens - usage.input_image_tokens)
    cached_text = min(text, max(0, usage.cached_tokens - usage.cached_image_tokens))
    return (
        (text - cached_text) * text_in
        + cached_text * prices.get("cached_text_in", text_in)
        + max(0, usage.input_image_tokens - usage.cached_image_tokens) * image_in
        + usage.cached_image_tokens * prices.get("cached_image_in", image_in)
        + max(0, usage.output_tokens - usage.output_text_tokens) * image_out
        + usage.output_text_tokens * prices.get("text_out", image_out)
    )


def _dearest(prices: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """With these, what is cached or not told apart costs no more than what is counted by its kind."""
    text_in = max(prices.get("text_in", Decimal(0)), prices.get("cached_text_in", Decimal(0)))
    image_in = max(text_in, prices.get("image_in", text_in), prices.get("cached_image_in", text_in))
    return {**prices, "text_in": text_in, "image_in": image_in}


def _image_at_most(rows: Sequence[Price], request: EditRequest) -> Decimal | None:
    """The dearest of the prices that the image could have."""
    asked = request.options
    images = [(row, row.per_image) for row in rows if row.per_image is not None]
    fits = [price for row, price in images if _could(row.quality, asked.quality) and _could(row.size, asked.size)]
    return max(fits or [price for _, price in images], default=None)


def _could(made: str | None, asked: str | None) -> bool:
    return made is None or asked in (None, "auto", made)


def _fits(row: Price, made: Made) -> bool:
    return row.quality in (None, made.quality) and row.size in (None, made.size)


def _configured(target: Target) -> Sequence[Price]:
    """The target's own prices, from its configuration; empty where it has none."""
    tokens = {kind: _dollars(target.params[name]) for kind, name in _LITELLM_TOKENS.items() if name in target.params}
    images = [_dollars(target.params[name]) for name in _LITELLM_IMAGE if name in target.params]
    if not tokens and not images:
        return ()
    return (Price("*", tokens, sum(images, Decimal(0)) if images else None),)


def _dollars(value: object) -> Decimal:
    return Decimal(str(value)) * 1_000_000


def _row(row: Mapping[str, object]) -> Price:
    tokens = row.get("micros_per_token")
    image = row.get("micros_per_image")
    return Price(
        model=str(row["model"]),
        per_token={kind: Decimal(price) for kind, price in tokens.items()} if isinstance(tokens, dict) else {},
        per_image=None if image is None else Decimal(str(image)),
        quality=str(row["quality"]) if "quality" in row else None,
        size=str(row["size"]) if "size" in row else None,
    )


def _rounded(micros: Decimal) -> int:
    return int(micros.to_integral_value(ROUND_CEILING))
