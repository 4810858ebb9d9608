"""The command `streamedit`."""

import ipaddress
import os
import socket
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from streamedit import __version__, config, providers, serving
from streamedit.documents import ConfigError

main = typer.Typer(name="streamedit", help="Watch an image edit happen.", no_args_is_help=True, add_completion=False)

_console = Console(stderr=True, highlight=False, soft_wrap=True)


@main.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        Console().print(__version__)
        raise typer.Exit


@main.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; beyond loopback only with an API key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the port; more than one need server.redis_url.")
    ] = 1,
    file: Annotated[Path | None, typer.Option("--config", help="A YAML file: model_list, general_settings, server.")] = None,
) -> None:
    """Serve POST /v1/images/edits. Without a file: darkroom, mock, and OpenAI when OPENAI_API_KEY is set."""
    settings = _settings(file)
    if not settings.api_keys and not _is_loopback(host):
        _fail(f"No API key is configured, so {host} is refused: listen on 127.0.0.1, or set STREAMEDIT_API_KEY.")
    if workers > 1 and settings.server.redis_url is None:
        _fail(f"--workers {workers} needs server.redis_url: any worker must be able to show what another one makes.")
    listener = _listen(host, port)
    _announce(settings, listener)
    raise typer.Exit(serving.serve(settings, listener, workers))


def _settings(file: Path | None) -> config.Settings:
    available = providers.available()
    if file is None:
        return config.from_environment(os.environ, available)
    try:
        return config.from_file(file, os.environ, available)
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    except ConfigError as error:
        _fail("\n".join(error.mistakes))


def _announce(settings: config.Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    models = ", ".join(route.model for route in settings.routes.all)
    _console.print(f"streamedit {__version__} listens on http://{f'[{host}]' if ':' in host else host}:{port}")
    _console.print(f"models: {models} (default: {settings.routes.default_model or 'none'})")
    if not settings.api_keys:
        _console.print("no API key is configured: open to everybody on this machine, and to nobody beyond it")
    if settings.ignored:
        _console.print(f"ignored in the configuration: {', '.join(settings.ignored)}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        _fail(f"Cannot listen on {host}:{port}: {error.strerror}.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fail(message: str) -> NoReturn:
    _console.print(message, style="red")
    raise typer.Exit(2)
