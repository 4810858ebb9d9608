"""What an edit tells while it happens: events, their legal order, their collapse.

An event's JSON is encoded once, as bytes, and shared by all readers. `Payload` keeps those bytes beside a small parsed view
of them in which the image is empty, and the place of the image's base64 text, so that nobody needs to parse megabytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from streamedit.contents import Content, Excerpt
from streamedit.errors import ErrorDetail

Json: TypeAlias = Any
"""A parsed JSON value."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One event's JSON object, on one line.

    `content`: its bytes. `fields`: the object parsed, with `b64_json` as an empty string. `image`: where the base64 text lies
    in the content; an empty slice when there is none (an image given by URL).
    """

    content: Content
    fields: Mapping[str, Json]
    image: slice = field(default_factory=lambda: slice(0, 0))

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes

    @property
    def has_image(self) -> bool:
        return bool(self.image.stop > self.image.start)

    @property
    def image_base64(self) -> Excerpt:
        return Excerpt(self.content, self.image.start, self.image.stop)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the provider counted for one image, and its cost in micro-dollars where the provider told that itself.

    `input_tokens` are text but for `input_image_tokens`, and among them `cached_tokens`, of which `cached_image_tokens` are of
    images; `output_tokens` are image but for `output_text_tokens`.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_image_tokens: int = 0
    cached_tokens: int = 0
    cached_image_tokens: int = 0
    output_text_tokens: int = 0
    cost_micros: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        costs = [usage.cost_micros for usage in (self, other) if usage.cost_micros is not None]
        return Usage(**counts, cost_micros=sum(costs) if costs else None)

    @classmethod
    def of(cls, payload: Payload) -> "Usage":
        """The usage that a completed payload reports, zeros where it reports none."""
        usage = as_object(payload.fields.get("usage"))
        inputs, outputs = as_object(usage.get("input_tokens_details")), as_object(usage.get("output_tokens_details"))
        cached = as_object(inputs.get("cached_tokens_details"))
        cost = usage.get("cost")
        return cls(
            input_tokens=_count(usage.get("input_tokens")),
            output_tokens=_count(usage.get("output_tokens")),
            total_tokens=_count(usage.get("total_tokens")),
            input_image_tokens=_count(inputs.get("image_tokens")),
            cached_tokens=_count(inputs.get("cached_tokens")),
            cached_image_tokens=_count(cached.get("image_tokens")),
            output_text_tokens=_count(outputs.get("text_tokens")),
            cost_micros=round(cost * 1_000_000) if isinstance(cost, int | float) and 0 <= cost < 1e6 else None,
        )


_MOST_TOKENS = 10**9
"""Nobody counts more for one answer: sums of money that come of it have room where they are kept."""

_COUNTS = tuple(count.name for count in fields(Usage) if count.name != "cost_micros")


@dataclass(frozen=True, slots=True)
class PartialImage:
    """An interim image. `headers`: answer headers of the upstream stream that it came from."""

    payload: Payload
    headers: Mapping[str, str] = field(default_factory=dict)
    image_index: int = 0


@dataclass(frozen=True, slots=True)
class Completed:
    """One finished image; an edit of n images has n of them, in the order in which they were finished.

    `cost_micros`: what it cost, where that is known; where one call made several images, the first has the cost of all.
    `goes_by_url`: its caller wants the picture's address in its place.
    """

    payload: Payload
    headers: Mapping[str, str] = field(default_factory=dict)
    image_index: int = 0
    cost_micros: int | None = None
    goes_by_url: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The edit ended without all of its images."""

    error: ErrorDetail


Event: TypeAlias = PartialImage | Completed | Failed


class IllegalEvent(Exception):
    """An event came where the order of an edit's events has no place for it."""


_OPEN, _DONE = "open", "done"

_ORDER: Mapping[tuple[str, type[Event]], str] = {
    (_OPEN, PartialImage): _OPEN,
    (_OPEN, Completed): _DONE,
}
"""For each image: state x event -> next state. What is not here is illegal. Failed ends the edit from any state."""


class Order:
    """Holds one edit's events to their legal order and knows which one is the last.

    Each of the n images is `open` until it is completed; the edit ends with its n-th completed image or with its only failure.
    """

    def __init__(self, n: int = 1) -> None:
        self._images = dict.fromkeys(range(n), _OPEN)
        self.ended = False

    def accept(self, event: Event) -> bool:
        """Take the next event; true when it is the edit's last. Raises IllegalEvent."""
        if self.ended:
            raise IllegalEvent(f"{type(event).__name__} after the end")
        if isinstance(event, Failed):
            self.ended = True
            return True
        state = self._images.get(event.image_index)
        following = _ORDER.get((state or "unknown", type(event)))
        if following is None:
            raise IllegalEvent(f"{type(event).__name__} for image {event.image_index}, which is {state or 'unknown'}")
        self._images[event.image_index] = following
        self.ended = all(state == _DONE for state in self._images.values())
        return self.ended


def collapse(events: Sequence[Event]) -> Sequence[Completed] | Failed:
    """What a caller who does not stream gets of a whole edit: its images in order, or why there are none.

    Images that were made are given even if others of the same edit failed: they are paid for.
    """
    images = [event for event in events if isinstance(event, Completed)]
    if images:
        return sorted(images, key=lambda image: image.image_index)
    return next(event for event in events if isinstance(event, Failed))


def as_object(value: Json) -> Mapping[str, Json]:
    """A JSON object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _count(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else 0
