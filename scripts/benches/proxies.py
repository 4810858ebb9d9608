"""The reverse proxies: nginx as most configure it for streams and tuned for large events, and HAProxy."""

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial

from .footprints import debian
from .relays import Relay, Site


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


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
    client_max_body_size 256m;
    location = /ready {{ return 200; }}
    location / {{
      proxy_pass {"https" if site.tls else "http"}://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      {buffers}
    }}
  }}
}}
"""


def _haproxy_command(program: str, site: Site) -> Sequence[str]:
    config = site.folder / "haproxy.cfg"
    config.write_text(_haproxy_config(site))
    return [program, "-db", "-f", str(config)]


def _haproxy_config(site: Site) -> str:
    # without http-no-delay it holds the end of an event for up to 200 ms, in the hope of more
    return f"""global
  nbthread 1
  maxconn 4096
  tune.bufsize 16384
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend bench
  bind 127.0.0.1:{site.port} backlog 4096
  http-request return status 200 if {{ path /ready }}
  default_backend provider
backend provider
  server provider 127.0.0.1:{site.upstream_port} {"ssl verify none" if site.tls else ""}
"""


_NGINX_TUNED = "proxy_buffer_size 256k; proxy_buffers 4 256k; proxy_busy_buffers_size 256k;"


def _nginx(name: str, buffers: str) -> Relay:
    return Relay(
        name,
        partial(_found, "nginx"),
        _nginx_command(buffers),
        version=[_found("nginx") or "nginx", "-v"],
        hint="apt-get install nginx",
        footprint=partial(debian, "nginx", "nginx-common"),
    )


PROXIES = [
    _nginx("nginx-default", ""),
    _nginx("nginx-tuned", _NGINX_TUNED),
    Relay(
        "haproxy",
        partial(_found, "haproxy"),
        _haproxy_command,
        version=[_found("haproxy") or "haproxy", "-v"],
        hint="apt-get install haproxy",
        footprint=partial(debian, "haproxy"),
    ),
]
