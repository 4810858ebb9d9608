"""What is measured, and the bound that it is held to."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADS = ("theme", "what", "measured", "bound", "")


@dataclass(frozen=True)
class Figure:
    """One number. `bound`: at most this; None when it is told without one."""

    theme: str
    name: str
    unit: str
    value: float
    bound: float | None = None

    @property
    def is_met(self) -> bool:
        """What was not measured (nan) is missed."""
        return self.bound is None or self.value <= self.bound

    def row(self) -> Sequence[str]:
        verdict = "" if self.bound is None else ("met" if self.is_met else "**missed**")
        bound = "-" if self.bound is None else _number(self.bound)
        return self.theme, f"{self.name}, {self.unit}" if self.unit else self.name, _number(self.value), bound, verdict


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
