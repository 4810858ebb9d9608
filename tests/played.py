"""Time that passes only when somebody sleeps: at once."""

from streamedit.clocks import Clocks


class PlayedTime:
    """`slept` has every wait in its order, in seconds."""

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s
        self.slept: list[float] = []

    @property
    def clocks(self) -> Clocks:
        """Both clocks are one."""
        return Clocks(self.read, self.read, self.sleep)

    def read(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
