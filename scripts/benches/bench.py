"""One run of the benchmark: the upstream with its streams, and the way to ask a relay for one of them."""

import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .certificates import Certificate, certificate
from .forms import write_request
from .pictures import picture
from .relays import Relay, Running, started
from .samples import Options
from .workloads import LARGEST_UPLOAD, STREAMS, WORKLOADS, Stream

_BEGUN_S = time.monotonic()
_WARM_UP_REQUESTS = 40
_FILLING_REQUESTS = {"large": 100, "plain": 100, "edit": 64}
"""More of them than the 256 MiB that streamedit keeps of edits that are over; of whole edits as many at once as will run."""


@dataclass(frozen=True)
class Secured:
    """An upstream behind TLS, and the certificate to trust."""

    port: int
    certificate: Path


@dataclass(frozen=True)
class Bench:
    """`streams`: the file of each stream's frames; `secured`: the same upstream behind TLS, where that can be had."""

    options: Options
    folder: Path
    upstream: Running
    secured: Secured | None
    streams: Mapping[Stream, Path]
    image: bytes

    def target(self, relay: Running, name: str) -> tools.Target:
        workload = WORKLOADS[name]
        request = self.folder / f"{relay.name}-{workload.name}.http"
        write_request(request, relay.path, workload, self.image, relay.headers)
        return tools.Target(relay.port, request, self.streams[workload.stream], workload.plain)

    def load(self, relay: Running, name: str, *options: str) -> tools.Load:
        """One run of the load generator over the named workload."""
        target = self.target(relay, name)
        try:
            return tools.load(self.folder, target, *options)
        finally:
            target.request.unlink()

    def weighed(self, relay: Running, name: str, *options: str) -> tuple[tools.Load, float]:
        """The same, and the seconds of CPU that it cost the relay."""
        before_s = relay.weight.cpu_s()
        load = self.load(relay, name, *options)
        return load, relay.weight.cpu_s() - before_s

    def warm_up(self, relay: Running) -> None:
        """What is imported or allocated once is no request's."""
        self.load(relay, "small", "-c", "4", "-n", str(_WARM_UP_REQUESTS))

    def fill(self, relay: Running, name: str = "large") -> None:
        """What the relay keeps of edits that are over is as much as it will ever be: from here on memory is used again."""
        count = str(_FILLING_REQUESTS[name])
        self.load(relay, name, "-c", count if name == "edit" else "4", "-n", count)

    @contextmanager
    def alone(self, relay: Relay) -> Iterator[Running]:
        """The relay in a fresh process, warm."""
        with started(relay, self.upstream.port, self.folder) as running:
            self.warm_up(running)
            yield running

    @contextmanager
    def side_by_side(self, relays: Sequence[Relay]) -> Iterator[Sequence[Running]]:
        """All relays at once, each filled."""
        with ExitStack() as stack:
            running = [stack.enter_context(started(relay, self.upstream.port, self.folder)) for relay in relays]
            for relay, each in zip(relays, running, strict=True):
                self.fill(each, "edit" if relay.streams else "plain")
            yield running

    @contextmanager
    def behind_tls(self, relays: Sequence[Relay]) -> Iterator[Sequence[Running]]:
        """The same in front of the upstream behind TLS; none where there is no such upstream."""
        if self.secured is None:
            yield []
            return
        port, certificate = self.secured.port, self.secured.certificate
        with ExitStack() as stack:
            folder = self.folder / "tls"
            running = [stack.enter_context(started(relay, port, folder, trust=certificate)) for relay in relays]
            for each in running:
                self.fill(each)
            yield running

    def turns(self, subjects: Sequence[Running], text: str, most: int = 99) -> Iterator[tuple[int, Running]]:
        """Relays take turns, so that a noisy minute hits every one."""
        for turn in range(min(self.options.rounds, most)):
            for relay in subjects:
                progress(f"{text}, round {turn + 1}: {relay.name}")
                yield turn, relay


@contextmanager
def prepared(options: Options, folder: Path) -> Iterator[Bench]:
    """Tools compiled, streams written, upstreams up."""
    folder.mkdir(parents=True, exist_ok=True)
    tools.build(folder)
    streams = {stream: stream.write(folder) for stream in STREAMS}
    image = folder / "image.png"
    image.write_bytes(picture(LARGEST_UPLOAD, random.Random(0)))  # noqa: S311 - content, not a secret
    with ExitStack() as stack:
        files = list(streams.values())
        plain = stack.enter_context(tools.upstream(folder, image, files))
        secured = stack.enter_context(_secured(folder, image, files))
        yield Bench(options, folder, plain, secured, streams, image.read_bytes())


@contextmanager
def _secured(folder: Path, image: Path, streams: Sequence[Path]) -> Iterator[Secured | None]:
    made = _certificate(folder)
    if made is None:
        yield None
        return
    with tools.upstream(folder, image, streams, made) as running:
        yield Secured(running.port, made.file)


def _certificate(folder: Path) -> Certificate | None:
    """None, and a hint, where something is missing that TLS needs."""
    try:
        if not tools.has_tls():
            raise RuntimeError("apt-get install libssl-dev")
        return certificate(folder)
    except RuntimeError as hint:
        progress(f"no upstream behind TLS: {hint}")
        return None


def progress(text: str) -> None:
    """A line for whoever waits; the tables alone go to stdout."""
    sys.stderr.write(f"{time.monotonic() - _BEGUN_S:5.0f} s  {text}\n")
