"""The images that are sent: they differ in their length alone, so that one file, and one text of its base64, have them all."""

import mmap
import random
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.pictures import picture

LARGEST_BYTES = (50 << 20) // 3 * 3
"""As large as the server takes them, and whole in base64 without padding."""
FEWER_BYTES = 3
"""Each is so much shorter than the one before; so its base64, too, is the beginning of the other's."""
SMALL_BYTES = 1500


def sizes(count: int) -> Sequence[int]:
    """Of large images, none like another."""
    return [LARGEST_BYTES - FEWER_BYTES * number for number in range(count)]


class Images:
    """Images by their size, none of which takes memory: they are looked at where they are on the disk."""

    def __init__(self, folder: Path) -> None:
        largest = picture(LARGEST_BYTES, random.Random(0))  # noqa: S311 - content, not a secret
        self.file = folder / "image.png"
        self._bytes = _seen(self.file, largest)
        self._base64 = _seen(folder / "image.base64", b64encode(largest))

    def image(self, size: int) -> memoryview:
        return self._bytes[:size]

    def base64(self, size: int) -> memoryview:
        return self._base64[: size // 3 * 4]


def _seen(file: Path, content: bytes) -> memoryview:
    file.write_bytes(content)
    with file.open("rb") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
