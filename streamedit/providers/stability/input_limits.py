"""What a provider says of the pixels of its input images. Pure."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input image must be like, in pixels. `ratio`: how many times as long as the other a side may be."""

    min_pixels: int = 4_096
    max_pixels: int = 9_437_184
    min_side_px: int = 64
    max_side_px: int = 65_535
    ratio: float = math.inf

    def broken(self, width_px: int, height_px: int) -> str | None:
        """The limit that such an image breaks, in words; None where it keeps them all."""
        short_px, long_px = sorted((width_px, height_px))
        if short_px < self.min_side_px:
            return f"at least {self.min_side_px} pixels on every side"
        if long_px > self.max_side_px:
            return f"at most {self.max_side_px:,} pixels on every side"
        if not self.min_pixels <= width_px * height_px <= self.max_pixels:
            return f"of {self.min_pixels:,} to {self.max_pixels:,} pixels"
        if long_px > self.ratio * short_px:
            return f"of a shape between 1:{self.ratio:g} and {self.ratio:g}:1"
        return None
