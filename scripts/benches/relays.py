"""The relays that are compared. One more is one more `Relay` in `RELAYS`: how it is found, configured and asked."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from . import machine
from .processes import Weight, free_port, running

_STREAMEDIT = Path(".venv/bin/streamedit").absolute()
_READY_S = 60.0


@dataclass(frozen=True)
class Site:
    """Where one relay works: its folder, its own port and the upstream's."""

    folder: Path
    port: int
    upstream_port: int


@dataclass(frozen=True)
class Relay:
    """How to run one relay. `command` writes its configuration into the site's folder and says what to start.

    One that `remembers` keeps an edit's events for replay, whoever reads them.
    """

    name: str
    program: Callable[[], str | None]
    command: Callable[[str, Site], Sequence[str]]
    version: Sequence[str]
    hint: str
    ready: str = "/ready"
    path: str = "/v1/images/edits"
    remembers: bool = False


@dataclass(frozen=True)
class Running:
    """A relay that answers, and the processes that are charged to it."""

    name: str
    port: int
    path: str
    weight: Weight


@contextmanager
def started(relay: Relay, upstream_port: int, folder: Path) -> Iterator[Running]:
    """The relay, from its first answer until it is stopped."""
    program = relay.program()
    if program is None:
        raise RuntimeError(f"{relay.name} is not installed: {relay.hint}")
    site = Site(folder / relay.name, free_port(), upstream_port)
    shutil.rmtree(site.folder, ignore_errors=True)
    site.folder.mkdir(parents=True)
    with running(relay.command(program, site), machine.RELAY_CORE, site.folder) as process:
        _await_ready(site, relay.ready, lambda: process.poll() is None)
        yield Running(relay.name, site.port, relay.path, Weight(process.pid))


def _await_ready(site: Site, path: str, alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_S
    while alive() and time.monotonic() < deadline:
        if _answers(site.port, path):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the relay does not answer; see the log in {site.folder}")


def _answers(port: int, path: str) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


# -- nginx --


def _nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _nginx_command(buffers: str) -> Callable[[str, Site], Sequence[str]]:
    def command(program: str, site: Site) -> Sequence[str]:
        config = site.folder / "nginx.conf"
        config.write_text(_nginx_config(site, buffers))
        return [program, "-p", str(site.folder), "-c", str(config)]

    return command


def _nginx_config(site: Site, buffers: str) -> str:
    # as root the worker would become a user who may not write here; for others the line is a warning
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(f"  {kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
{temporary}
  access_log off;
  upstream provider {{ server 127.0.0.1:{site.upstream_port}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{site.port} backlog=4096;
    client_max_body_size 64m;
    location = /ready {{ return 200; }}
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      {buffers}
    }}
  }}
}}
"""


# -- the packages alone --


def _python() -> str | None:
    return shutil.which(_STREAMEDIT.with_name("python"))


def _libraries_command(program: str, site: Site) -> Sequence[str]:
    return [program, str(Path(__file__).with_name("libraries.py").absolute()), str(site.port), str(site.upstream_port)]


# -- streamedit --


def _streamedit_command(program: str, site: Site) -> Sequence[str]:
    config = site.folder / "streamedit.yaml"
    config.write_text(f"""model_list:
  - model_name: bench
    litellm_params:
      model: openai/bench
      api_base: http://127.0.0.1:{site.upstream_port}/v1
      api_key: none
""")
    return [program, "serve", "--config", str(config), "--host", "127.0.0.1", "--port", str(site.port)]


def _streamedit() -> str | None:
    return shutil.which(_STREAMEDIT)


_NGINX_TUNED = "proxy_buffer_size 256k; proxy_buffers 4 256k; proxy_busy_buffers_size 256k;"
_NGINX_VERSION = [_nginx() or "nginx", "-v"]
_NGINX_HINT = "apt-get install nginx"

_PYTHON = str(_STREAMEDIT.with_name("python"))

_ALL = [
    Relay("nginx-default", _nginx, _nginx_command(""), _NGINX_VERSION, _NGINX_HINT),
    Relay("nginx-tuned", _nginx, _nginx_command(_NGINX_TUNED), _NGINX_VERSION, _NGINX_HINT),
    Relay("packages-alone", _python, _libraries_command, [_PYTHON, "--version"], "./scripts/serve --help"),
    Relay(
        "streamedit",
        _streamedit,
        _streamedit_command,
        version=[str(_STREAMEDIT), "--version"],
        hint="./scripts/serve --help",
        ready="/health/ready",
        remembers=True,
    ),
]
RELAYS: Mapping[str, Relay] = {relay.name: relay for relay in _ALL}
