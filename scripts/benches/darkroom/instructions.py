"""Every instruction of the repertoire: what its example costs, in a small picture and in a large one."""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streamedit.darkroom import files
from streamedit.darkroom.develop import Recipe, develop
from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.words.grammar import parse

from .apart import Case, Cost, cost
from .edits import mask, photograph

_MASKED = 0.1
_OTHER_PX = (1024, 1024)

_PROMPTS: Mapping[str, str] = MappingProxyType({"upscale": "upscale 1.5x", "crop": "crop to 4:3"})
"""Where the example's result would be too large, or no other picture."""


@dataclass(frozen=True)
class Measured:
    """An instruction: the time of one core for it alone, in a small picture; and a large edit from a file to a file."""

    name: str
    small_ms: float
    large: Cost


def measured(small_px: tuple[int, int], large_px: tuple[int, int], rounds: int) -> Iterator[Measured]:
    """All instructions, by and by."""
    for row in TABLE:
        others = (_OTHER_PX,) if row.needs == "image" else ()
        masked = _MASKED if row.needs == "mask" else 0
        large = cost(Case(_prompt(row), large_px, masked, others))
        yield Measured(row.name, _small_ms(row, small_px, rounds), large)


def _prompt(row: Entry) -> str:
    return _PROMPTS.get(row.name, row.example)


def _small_ms(row: Entry, size_px: tuple[int, int], rounds: int) -> float:
    """From decoded pixels to pixels, the median."""
    picture = files.decode(photograph(size_px))
    weight = files.decode_mask(mask(size_px, _MASKED), size_px) if row.needs == "mask" else None
    others = (files.decode_other(photograph(_OTHER_PX)),) if row.needs == "image" else ()
    recipe = Recipe(parse(_prompt(row), masked=weight is not None), others=others)
    times = []
    for _ in range(rounds):
        started = time.process_time()
        list(develop(picture, weight, recipe, 0))
        times.append((time.process_time() - started) * 1e3)
    return statistics.median(times)
