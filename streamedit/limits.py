"""How much may be done in how much time. Pure: whoever asks says what time it is."""


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
