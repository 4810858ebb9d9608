"""How long to wait for a server that is away, and when to give up."""

import random
from collections.abc import Callable

_FIRST_S = 0.5
_LONGEST_S = 15.0


class Backoff:
    """Waits that double from half a second to fifteen, until nothing has succeeded for `patience_s`."""

    def __init__(self, patience_s: float, clock: Callable[[], float]) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._failures = 0
        self._succeeded_at_s = clock()

    @property
    def failures(self) -> int:
        """In a row."""
        return self._failures

    def succeeded(self) -> None:
        """The server has answered, or has sent something."""
        self._failures = 0
        self._succeeded_at_s = self._clock()

    def wait_s(self, least_s: float = 0.0) -> float | None:
        """How long to wait before the next try, at least what the server wishes; None: it is time to give up."""
        left_s = self._patience_s - (self._clock() - self._succeeded_at_s)
        if left_s <= 0:
            return None
        delay_s: float = min(_FIRST_S * 2**self._failures, _LONGEST_S) * random.uniform(0.8, 1.0)  # noqa: S311 - so that not all come at once
        self._failures += 1
        return min(max(delay_s, least_s), left_s)
