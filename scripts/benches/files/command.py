"""Weighs each way in a fresh server, and prints what it took."""

import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.benches import machine, tools, workloads
from scripts.benches.bench import progress
from scripts.benches.report import table
from scripts.benches.samples import percentile
from scripts.benches.viewers.subject import Subject, serving

from . import hosted
from .cells import CELLS, Cell, Ground
from .images import LARGEST_BYTES, SMALL_BYTES, Images, sizes
from .shelf import shelf

_SMALL = workloads.Stream("small", 1, 8 << 10)
_HEADS = ("what", "memory, MB", "goal, MB", "", "CPU s/GB", "MB/s")
_GOAL_MB = 64
_COPIES = 2
"""Of each image on the disk, at most: stored, and on its way."""
_SPARE_BYTES = 2 << 30
"""More than the server leaves free by itself."""
_MB, _GB = 1e6, 1e9

_NOTE = (
    "One process of `streamedit serve` on one core, fresh for each row; its clients, the upstream and the web server of the "
    "images on the other. Images are 50 MiB each, no two alike, sent from mapped files. For edits the scripted upstream of "
    "the relay's bench plays a provider of OpenAI's dialect: it reads and compares every byte of every image, and answers "
    "with 8 KB; what is read is compared, too. Memory is the peak of the server's resident memory during the row, less what "
    "it had after a small request of the same kind. MB = 10^6 bytes and GB = 10^9, of images, not of base64. "
    "`server.max_body_bytes` is 2 GiB for data URLs, whose body is larger than its default of 1 GiB, and "
    "`server.image_urls.internal` names the web server; all other bounds of sizes and of memory are the defaults."
)


def add_arguments(parser: ArgumentParser) -> None:
    """What `scripts/bench files` takes."""
    counts = range(1, 17)
    parser.add_argument(
        "--images", type=int, choices=counts, metavar="N", default=16, help="1 to 16, each needs 0.1 GB of disk"
    )
    parser.add_argument("--edits", type=int, metavar="N", default=48, help="whose result is hosted, and as many whose is not")


@dataclass(frozen=True)
class Options:
    """How many images, and how many edits whose result is hosted."""

    images: int
    edits: int


@dataclass(frozen=True)
class _Weighed:
    """What a cell took."""

    name: str
    grown_bytes: int
    image_bytes: int
    took_s: float
    cpu_s: float

    @property
    def is_met(self) -> bool:
        return self.grown_bytes <= _GOAL_MB * _MB

    def row(self) -> Sequence[str]:
        costs = f"{self.cpu_s / (self.image_bytes / _GB):.2f}", f"{self.image_bytes / _MB / self.took_s:.0f}"
        return self.name, f"{self.grown_bytes / _MB:.0f}", str(_GOAL_MB), "met" if self.is_met else "**missed**", *costs


@dataclass(frozen=True)
class _Stage:
    """What all cells share."""

    folder: Path
    images: Images
    upstream_port: int
    shelf_port: int

    @contextmanager
    def serving(self, **settings: object) -> Iterator[tuple[Subject, Ground]]:
        """A server that has the files of the one before."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        settings["image_urls"] = {"internal": [f"127.0.0.1:{self.shelf_port}"]}
        with serving(home, settings, upstream_port=self.upstream_port) as subject:
            yield subject, Ground(subject.port, self.images, self.shelf_port)

    def forget_files(self) -> None:
        """Also for the system: where more is on the disk than ever was, a virtual machine has to find memory to cache it."""
        shutil.rmtree(self.folder / "home", ignore_errors=True)


def run(options: Options, folder: Path, about: Mapping[str, object]) -> int:
    """Measure and print; 1 when a goal is missed."""
    with machine.pinned(machine.TOOLS_CORE), _staged(folder / "files", options.images) as stage:
        weighed = [_weigh(stage, cell, sizes(options.images)) for cell in CELLS]
        times = _hosted(stage, options.edits)
    facts = "; ".join(f"{name}: {value}" for name, value in about.items())
    rows = table(_HEADS, [each.row() for each in weighed])
    sys.stdout.write(f"{rows}\n\n{_told(times)}\n\n{_NOTE}\n\n{facts}\n")
    return 0 if all(each.is_met for each in weighed) else 1


@contextmanager
def _staged(folder: Path, images: int) -> Iterator[_Stage]:
    """The folder is gone afterwards, and so is one that a run has left which was killed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _need(folder, images * LARGEST_BYTES * _COPIES + _SPARE_BYTES)
        tools.build(folder)
        shown = Images(folder)
        streams = [_SMALL.write(folder), hosted.STREAM.write(folder)]
        with tools.upstream(folder, shown.file, streams) as upstream, shelf(shown) as shelf_port:
            yield _Stage(folder, shown, upstream.port, shelf_port)
    finally:
        shutil.rmtree(folder)


def _need(folder: Path, size_bytes: int) -> None:
    if shutil.disk_usage(folder).free < size_bytes:
        raise RuntimeError(f"this needs {size_bytes / _GB:.0f} GB of disk: take fewer --images")


def _weigh(stage: _Stage, cell: Cell, wanted: Sequence[int]) -> _Weighed:
    progress(cell.name)
    if cell.stores:
        stage.forget_files()
    with stage.serving(**cell.settings) as (subject, ground):
        cell.run(ground, [SMALL_BYTES])
        subject.weight.forget_peak()
        before_bytes, before_s, begun_s = subject.weight.rss_bytes(), subject.weight.cpu_s(), time.monotonic()
        cell.run(ground, wanted)
        took_s, cpu_s = time.monotonic() - begun_s, subject.weight.cpu_s() - before_s
        return _Weighed(cell.name, subject.weight.peak_bytes() - before_bytes, sum(wanted), took_s, cpu_s)


def _hosted(stage: _Stage, edits: int) -> hosted.Times:
    progress("results, hosted and not")
    with stage.serving() as (_, ground):
        return hosted.measure(ground, edits)


def _told(times: hosted.Times) -> str:
    told_ms, hosted_ms = (percentile(each, 50) for each in (times.told_ms, times.hosted_ms))
    return (
        f"A plain edit with a result of 3 MiB, p50 of {len(times.told_ms)} each, in turn: {told_ms:.1f} ms with "
        f"`response_format=b64_json`, {hosted_ms:.1f} ms with `url`: hosting adds {hosted_ms - told_ms:.1f} ms."
    )
