"""How much may be done in how much time. Pure: whoever asks says what time it is."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from streamedit.errors import ImagesLimited, RateLimited


class Rate(StrEnum):
    """What is counted by the minute; each by its name in headers."""

    REQUESTS = "requests"
    IMAGES = "images"


HEADERS = tuple(f"x-ratelimit-{what}-{rate}" for rate in Rate for what in ("limit", "remaining", "reset"))
"""In which what is left is told."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How much a scope may do: in any sixty seconds so many requests and images; so many edits at a time. None: no limit."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    parallel_edits: int | None = None

    def by_rate(self, images: int) -> Iterator[tuple[Rate, int, int]]:
        """Of what is limited by the minute: the limit, and what a request for so many images takes of it."""
        if self.requests_per_minute is not None:
            yield Rate.REQUESTS, self.requests_per_minute, 1
        if self.images_per_minute is not None:
            yield Rate.IMAGES, self.images_per_minute, images


@dataclass(frozen=True, slots=True)
class QuotaRules:
    """At most `queue_size` edits wait for the slots of a scope, for `queue_wait_s` at most; `window_s`: what a minute is."""

    queue_size: int = 100
    queue_wait_s: float = 30.0
    window_s: float = 60.0

    @property
    def queue_wait_us(self) -> int:
        return round(self.queue_wait_s * 1e6)

    @property
    def window_us(self) -> int:
        return round(self.window_s * 1e6)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit. `reset_s`: until all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


@dataclass(slots=True)
class Reading:
    """A limit as a request finds it. `whose`: in words; `used`: by those before it; `requested`: by itself.

    `wait_us`: until there is room for it, 0 when there is, None when there never will be. `reset_us`: until nothing is used.
    """

    whose: str
    rate: Rate
    limit: int
    used: int
    requested: int
    wait_us: int | None
    reset_us: int

    @property
    def standing(self) -> Standing:
        """Before the request."""
        return Standing(self.limit, max(0, self.limit - self.used), self.reset_us / 1e6)

    def taken(self, window_us: int) -> Standing:
        """After it: all of it is there again when the request does not count any more."""
        return Standing(self.limit, self.limit - self.used - self.requested, window_us / 1e6)


class Window:
    """Each unit that was taken in the last `length_us`: in any time of that length, there are never more than the limit.

    Times are whole microseconds, as Redis has them: what is said of a wait is so to the last digit.
    """

    def __init__(self, length_us: int) -> None:
        self._length_us = length_us
        self._ends_us: deque[int] = deque()

    def used(self, now_us: int) -> int:
        """How many units count."""
        while self._ends_us and self._ends_us[0] <= now_us:
            self._ends_us.popleft()
        return len(self._ends_us)

    def read(self, amount: int, limit: int, now_us: int) -> tuple[int, int | None, int]:
        """How many units count; until so many more may be taken, None if that is more than the limit; until nothing counts."""
        used = self.used(now_us)
        reset_us = self._ends_us[-1] - now_us if used else 0
        if amount > limit:
            return used, None, reset_us
        over = used + amount - limit
        return used, self._ends_us[over - 1] - now_us if over > 0 else 0, reset_us

    def take(self, amount: int, now_us: int) -> int:
        """Take so many; gives when they will count no more."""
        end_us = now_us + self._length_us
        self._ends_us.extend([end_us] * amount)
        return end_us

    def give_back(self, amount: int, end_us: int) -> None:
        """What was taken until `end_us` counts no more, if it still does."""
        with suppress(ValueError):
            for _ in range(amount):
                self._ends_us.remove(end_us)


def tightest(readings: Iterable[Reading], rate: Rate) -> Reading | None:
    """The one with the least left; of those, the one that takes longest."""
    of_rate = (reading for reading in readings if reading.rate is rate)
    return min(of_rate, key=lambda reading: (reading.limit - reading.used, -reading.reset_us), default=None)


def headers_of(requests: Standing | None, images: Standing | None) -> Mapping[str, str]:
    """What is left, as OpenAI tells it: `x-ratelimit-*-requests`, `x-ratelimit-*-images`; of what is limited."""
    told = ((Rate.REQUESTS, requests), (Rate.IMAGES, images))
    return {name: value for rate, standing in told if standing for name, value in _headers(rate, standing)}


def refusal(readings: Sequence[Reading]) -> RateLimited | None:
    """Why a request may not be made now, if any of its limits is in its way: told is the one that is so for longest.

    Who waits as long as `retry-after-ms` says is let in, if nobody else comes; where there is none, waiting does not help.
    """
    full = [reading for reading in readings if reading.wait_us != 0]
    if not full:
        return None
    longest = max(full, key=lambda reading: float("inf") if reading.wait_us is None else reading.wait_us)
    headers = {**headers_before(readings), **(retry_headers(longest.wait_us) or {"x-should-retry": "false"})}
    kind, param = (ImagesLimited, "n") if longest.rate is Rate.IMAGES else (RateLimited, None)
    return kind(_told(longest), param=param, headers=headers)


def headers_before(readings: Sequence[Reading]) -> Mapping[str, str]:
    """What is left before a request that is refused."""
    requests, images = tightest(readings, Rate.REQUESTS), tightest(readings, Rate.IMAGES)
    return headers_of(requests.standing if requests else None, images.standing if images else None)


def retry_headers(wait_us: int | None) -> Mapping[str, str]:
    """When to come back: in whole seconds (RFC 9110), and in milliseconds, which OpenAI's packages prefer. None: not known."""
    if wait_us is None:
        return {}
    return {"retry-after": str(_ceil(wait_us, 1_000_000)), "retry-after-ms": str(_ceil(wait_us, 1000))}


def duration(us: int) -> str:
    """As OpenAI writes it, to the next whole millisecond: `120ms`, `1s`, `8.64s`, `6m0s`."""
    ms = _ceil(us, 1000)
    if 0 < ms < 1000:
        return f"{ms}ms"
    minutes, ms = divmod(ms, 60_000)
    return f"{minutes}m{ms / 1000:g}s" if minutes else f"{ms / 1000:g}s"


def _told(reading: Reading) -> str:
    """In OpenAI's words."""
    word = "RPM" if reading.rate is Rate.REQUESTS else "IPM"
    of = f"for {reading.whose} on {reading.rate} per min ({word})"
    if reading.wait_us is None:
        return f"Request too large {of}: Limit {reading.limit}, Requested {reading.requested}. Ask for fewer {reading.rate}."
    counts = f"Limit {reading.limit}, Used {reading.used}, Requested {reading.requested}"
    return f"Rate limit reached {of}: {counts}. Please try again in {duration(reading.wait_us)}."


def _headers(rate: Rate, standing: Standing) -> Iterator[tuple[str, str]]:
    yield f"x-ratelimit-limit-{rate}", str(standing.limit)
    yield f"x-ratelimit-remaining-{rate}", str(standing.remaining)
    yield f"x-ratelimit-reset-{rate}", duration(round(standing.reset_s * 1e6))


def _ceil(us: int, unit_us: int) -> int:
    return -(-us // unit_us)


class TokenBucket:
    """Fills with `per_s` tokens a second, up to a second's worth."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._tokens = per_s
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Take what is asked for, unless there are no tokens left; one that asks for more than there are is waited for."""
        if self._at_s is not None:
            self._tokens = min(self._per_s, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens <= 0:
            return False
        self._tokens -= amount
        return True
