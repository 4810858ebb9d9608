"""Times edits of the darkroom on one core, and prints what they took beside what they may."""

import os
import statistics
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import anyio
import cv2

from scripts.benches.report import table

from .apart import Case, cost
from .edits import mask, photograph, timed
from .floors import FLOORS, Floor
from .instructions import measured

_HEADS = ("what", "measured", "goal", "")
_SQUARE_PX, _4K_PX = (1024, 1024), (3840, 2160)
_LARGE_MS, _TIMES_DECODED = 5000, 10
"""What an edit at 3840x2160 may take."""

_INSTRUCTION_HEADS = (
    "instruction, by its example",
    "1024x1024, from pixels to pixels: ms of the processor",
    f"3840x2160: ms (at most {_LARGE_MS})",
    f"memory there: x decoded (at most {_TIMES_DECODED})",
)
_TRIPLES = (
    "golden hour, much more contrast, film grain",
    "slightly warmer, lift the shadows, sharpen it",
    "black and white, a strong vignette, film grain",
    "crop to 16:9, more saturation, caption 'Kyoto 2026' bottom right",
)
_LARGE = (
    "golden hour, much more contrast, film grain",
    "blur the background",
    "make the image look like an oil painting",
    "reduce the noise, then sharpen it",
)
_NOTE = (
    "The provider itself in one process on one core (OpenCV with one thread): from the request to the event, with reading "
    "a PNG and writing one, in base64. Medians. The floor is the same picture by bare calls of Pillow, OpenCV and numpy, timed "
    "in turn with it. Memory is the peak of a process of its own above what it held after a small edit of the same kind; a "
    "decoded image has three bytes a pixel."
)


def add_arguments(parser: ArgumentParser) -> None:
    """What `scripts/bench darkroom` takes."""
    parser.add_argument("--instructions", action="store_true", help="every instruction of the repertoire, in its own table")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each small edit; large ones get a third of them")


@dataclass(frozen=True)
class Options:
    """How often each edit is made, and whether every instruction is measured instead."""

    rounds: int
    instructions: bool


@dataclass(frozen=True)
class _Row:
    """One figure, and what it may be at most."""

    name: str
    measured: float
    goal: float
    unit: str

    @property
    def cells(self) -> Sequence[str]:
        verdict = "met" if self.measured <= self.goal else "**missed**"
        return self.name, f"{self.measured:.3g} {self.unit}", f"{self.goal:g}", verdict


def run(options: Options, about: Mapping[str, str | int]) -> int:
    """Measure and print; 1 when a goal is missed."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    shown, met = _by_instruction(options) if options.instructions else _by_edit(options)
    facts = "; ".join(f"{name}: {value}" for name, value in about.items())
    sys.stdout.write(f"{shown}\n\n{_NOTE}\n\n{facts}\n")
    return 0 if met else 1


def _by_edit(options: Options) -> tuple[str, bool]:
    """The table, and whether all goals are met."""
    rows = []
    for row in _rows(options):
        sys.stderr.write(f"{row.name}: {row.measured:.3g} {row.unit}\n")
        rows.append(row)
    return table(_HEADS, [row.cells for row in rows]), all(row.measured <= row.goal for row in rows)


def _by_instruction(options: Options) -> tuple[str, bool]:
    """The same, of every instruction."""
    rows, met = [], True
    for each in measured(_SQUARE_PX, _4K_PX, max(1, options.rounds // 3)):
        sys.stderr.write(f"{each.name}\n")
        figures = (each.large.ms, _LARGE_MS), (each.large.times_decoded, _TIMES_DECODED)
        cells = [f"{figure:.3g}" if figure <= goal else f"**{figure:.3g}**" for figure, goal in figures]
        met = met and all(figure <= goal for figure, goal in figures)
        rows.append((each.name, f"{each.small_ms:.3g}", *cells))
    return table(_INSTRUCTION_HEADS, rows), met


def _rows(options: Options) -> Iterator[_Row]:
    rounds, few = options.rounds, max(1, options.rounds // 3)
    image = photograph(_SQUARE_PX)
    for prompt in _TRIPLES:
        yield _Row(f"1024x1024: {prompt}", _median(prompt, image, None, rounds)[-1], 300, "ms")
        yield _Row("first of three partial images", _median(prompt, image, None, rounds, partials=3)[0], 120, "ms")
    for prompt, floor in FLOORS.items():
        yield _Row(f"beside bare calls: {prompt}", _beside(prompt, image, rounds, floor), 1.3, "x")
    yield _Row("1024x1024: erase 10 %", _median("erase it", image, mask(_SQUARE_PX, 0.1), few)[-1], 1000, "ms")
    large = photograph(_4K_PX)
    for prompt in _LARGE:
        yield _Row(f"3840x2160: {prompt}", _median(prompt, large, None, few)[-1], _LARGE_MS, "ms")
    yield _Row("3840x2160: erase 10 %", _median("erase it", large, mask(_4K_PX, 0.1), few)[-1], _LARGE_MS, "ms")
    for prompt in _LARGE:
        yield _Row(f"memory at 3840x2160: {prompt}", cost(Case(prompt, _4K_PX)).times_decoded, _TIMES_DECODED, "x decoded")
    yield _Row(
        "memory at 3840x2160: erase 10 %", cost(Case("erase it", _4K_PX, 0.1)).times_decoded, _TIMES_DECODED, "x decoded"
    )


def _median(prompt: str, image: bytes, hole: bytes | None, rounds: int, partials: int = 0) -> Sequence[float]:
    runs = [anyio.run(timed, prompt, image, hole, partials) for _ in range(rounds)]
    return [statistics.median(times) for times in zip(*runs, strict=True)]


def _beside(prompt: str, image: bytes, rounds: int, floor: Floor) -> float:
    """The median of the darkroom's time by that of the bare calls, each timed in turn."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(anyio.run(timed, prompt, image)[-1])
        started = time.perf_counter()
        floor(image)
        theirs.append((time.perf_counter() - started) * 1e3)
    return statistics.median(ours) / statistics.median(theirs)
