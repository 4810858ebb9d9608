"""How much may be done in how much time. Pure: whoever asks says what time it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How much a scope may do: in any sixty seconds so many requests and images; so many edits at a time. None: no limit."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    parallel_edits: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit. `reset_s`: until all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


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
