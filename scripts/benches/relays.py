"""What a relay is, and how one is started: configured in a folder of its own, on a port of its own, until it answers."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from . import machine
from .footprints import Footprint
from .processes import Weight, free_port, running

_READY_S = 60.0
_LOOK_S = 0.005


@dataclass(frozen=True)
class Site:
    """Where one relay works: its folder, its own port and the upstream's, which may speak TLS."""

    folder: Path
    port: int
    upstream_port: int
    tls: bool = False

    @property
    def upstream(self) -> str:
        """The upstream's URL without a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.upstream_port}"


def _no_headers(_: Site) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Relay:
    """How to run one relay. `command` writes its configuration into the site's folder and says what to start.

    One that `remembers` keeps an edit's events for replay, whoever reads them; one that does not `stream` answers plain
    calls only, and one without `plain` calls answers each with a stream. `headers` are what its requests need beside the
    usual ones, `install` makes `program` be there, and `footprint` is what is then installed.
    """

    name: str
    program: Callable[[], str | None]
    command: Callable[[str, Site], Sequence[str]]
    version: Sequence[str]
    hint: str
    footprint: Callable[[], Footprint]
    ready: str = "/ready"
    ready_s: float = _READY_S
    path: str = "/v1/images/edits"
    headers: Callable[[Site], Mapping[str, str]] = _no_headers
    environment: Mapping[str, str] = field(default_factory=dict)
    core: int | None = machine.RELAY_CORE
    install: Callable[[], None] | None = None
    remembers: bool = False
    streams: bool = True
    plain: bool = True


@dataclass(frozen=True)
class Running:
    """A relay that answers, the processes that are charged to it, and the seconds from its start to its first answer."""

    name: str
    port: int
    path: str
    weight: Weight
    headers: Mapping[str, str] = field(default_factory=dict)
    start_s: float = 0.0


@contextmanager
def started(relay: Relay, upstream_port: int, folder: Path, *, trust: Path | None = None) -> Iterator[Running]:
    """The relay, from its first answer until it is stopped. `trust`: the certificate of an upstream that speaks TLS."""
    program = relay.program()
    if program is None:
        raise RuntimeError(f"{relay.name} is not installed: {relay.hint}")
    site = Site(folder / relay.name, free_port(), upstream_port, trust is not None)
    shutil.rmtree(site.folder, ignore_errors=True)
    site.folder.mkdir(parents=True)
    command = relay.command(program, site)
    trusted = {"SSL_CERT_FILE": str(trust)} if trust else {}
    begun = time.monotonic()
    with running(command, relay.core, site.folder, extra={**relay.environment, **trusted}) as process:
        _await_ready(site, relay, lambda: process.poll() is None)
        start_s = time.monotonic() - begun
        yield Running(relay.name, site.port, relay.path, Weight(process.pid), relay.headers(site), start_s)


def _await_ready(site: Site, relay: Relay, alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + relay.ready_s
    while alive() and time.monotonic() < deadline:
        if _answers(site.port, relay.ready):
            return
        time.sleep(_LOOK_S)
    raise RuntimeError(f"{relay.name} does not answer; see the log in {site.folder}")


def _answers(port: int, path: str) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
