"""One run of the benchmark: the upstream with its streams, and the way to ask a relay for one of them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .relays import Running
from .samples import Options
from .workloads import Workload, workloads, write_request


@dataclass(frozen=True)
class Bench:
    """`streams`: every workload and the file of its frames, in the order in which the upstream numbers them."""

    options: Options
    folder: Path
    upstream: Running
    streams: Mapping[Workload, Path]

    def target(self, relay: Running, name: str) -> tools.Target:
        number, workload = next((number, each) for number, each in enumerate(self.streams) if each.name == name)
        request = write_request(self.folder, relay.path, number, workload, relay.headers)
        return tools.Target(relay.port, request, self.streams[workload])

    def load(self, relay: Running, name: str, *options: str) -> tools.Load:
        """One run of the load generator over the named workload."""
        kept = ["-k"] if self.options.keepalive else []
        return tools.load(self.folder, self.target(relay, name), *options, *kept)


@contextmanager
def prepared(options: Options, folder: Path) -> Iterator[Bench]:
    """Tools compiled, streams written, upstream up."""
    folder.mkdir(parents=True, exist_ok=True)
    tools.build(folder)
    streams = {workload: workload.write(folder) for workload in workloads(options.event_mb, options.stuck_event_mb)}
    with tools.upstream(folder, options.piece, list(streams.values())) as upstream:
        yield Bench(options, folder, upstream, streams)


def progress(text: str) -> None:
    """A line for whoever waits; the tables alone go to stdout."""
    sys.stderr.write(f"{text}\n")
