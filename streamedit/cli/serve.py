"""`streamedit serve`."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from streamedit import config, serving
from streamedit.cli.database import try_books
from streamedit.cli.printing import fail, note, plain
from streamedit.documents import ConfigError
from streamedit.sources import Source
from streamedit.version import __version__

EXAMPLES = (
    "streamedit serve",
    "streamedit serve --port 9000 --config streamedit.yaml",
)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback only with an API key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the port; more than one need server.redis_url.")
    ] = 1,
    file: Annotated[Path | None, typer.Option("--config", help="The YAML file: model_list, general_settings, server.")] = None,
) -> None:
    """Serve the playground and POST /v1/images/edits.

    Without a file the models are darkroom, mock, and those of whom the environment has a key for.
    """
    serving.defer_hangups()
    source = Source(file, dict(os.environ), host)
    try:
        settings = source.read()
    except ConfigError as error:
        fail("\n".join(error.mistakes))
    if workers > 1 and settings.server.redis_url is None:
        fail(f"--workers {workers} needs server.redis_url: any worker must be able to show what another one makes.")
    try_books(settings.server)
    listener = _listen(host, port)
    _announce(settings, listener)
    raise typer.Exit(serving.serve(settings, source, listener, workers))


def _announce(settings: config.Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    models = ", ".join(route.model for route in settings.routes.all)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    out = plain(stderr=True)
    out.print(f"streamedit {__version__} listens on {url} (open it in a browser)")
    out.print(f"models: {models} (default: {settings.routes.default_model or 'none'})")
    if not settings.api_keys:
        note("no API key is configured: open to everybody on this machine, and to nobody beyond it")
    if settings.ignored:
        note(f"ignored in the configuration: {', '.join(settings.ignored)}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        fail(f"Cannot listen on {host}:{port}: {error.strerror}.")
