"""The command `streamedit`."""

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamedit import config, databases, serving
from streamedit.cli import end_users, groups, keys
from streamedit.cli.database import try_books
from streamedit.cli.doctor import doctor
from streamedit.cli.printing import fail, plain
from streamedit.cli.usage import usage
from streamedit.documents import ConfigError
from streamedit.routes import Route, Routes
from streamedit.sources import Source
from streamedit.strategies import Strategy
from streamedit.version import __version__

main = typer.Typer(name="streamedit", help="Watch an image edit happen.", no_args_is_help=True, add_completion=False)
main.command()(usage)
main.command()(doctor)
main.add_typer(keys.commands)
main.add_typer(groups.commands)
main.add_typer(end_users.commands)


_console = plain(stderr=True)


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
    """Serve POST /v1/images/edits. Without a file: darkroom, mock, and whom the environment has a key for."""
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


@main.command()
def check(
    file: Annotated[Path, typer.Argument(help="The YAML file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell all mistakes of a configuration, or what it says. Exit code 0: it can be served; 1: it has mistakes."""
    mistakes: Sequence[str] = ()
    settings = None
    try:
        settings = Source(file, dict(os.environ)).read()
    except ConfigError as error:
        mistakes = error.mistakes
    if as_json:
        sys.stdout.write(f"{json.dumps(_report(file, settings, mistakes))}\n")
    elif settings is None:
        _console.print("\n".join(mistakes), style="red")
    else:
        _summarise(file, settings)
    raise typer.Exit(1 if settings is None else 0)


def _report(file: Path, settings: config.Settings | None, mistakes: Sequence[str]) -> Mapping[str, object]:
    """No value of the file but names: any other may be a secret."""
    report = {"file": str(file), "valid": settings is not None, "mistakes": mistakes}
    if settings is None:
        return report
    routes = settings.routes
    models = [
        {"model": route.model, "targets": _targets(route), "fallbacks": _fallbacks(routes, route)} for route in routes.all
    ]
    return {
        **report,
        "models": models,
        "aliases": _aliases(routes),
        "default_model": routes.default_model,
        "api_keys": _keys(settings),
        "database": _database(settings.server),
        "limits": _limits(settings.server),
        "budgets": _budgets(settings.server),
        "ignored": settings.ignored,
    }


def _summarise(file: Path, settings: config.Settings) -> None:
    out = plain(stderr=False)
    out.print(f"{file}: no mistakes")
    for route in settings.routes.all:
        fallbacks = _fallbacks(settings.routes, route)
        others = f"; then {', '.join(fallbacks)}" if fallbacks else ""
        out.print(f"model {route.model}: {_joint(route).join(_targets(route))}{others}")
    for alias, model in _aliases(settings.routes).items():
        out.print(f"alias {alias}: {model}")
    out.print(f"default model: {settings.routes.default_model or 'none'}")
    keys = _keys(settings)
    out.print(f"API keys: {keys}" if keys else "API keys: none: open to everybody on its machine, and to nobody beyond it")
    out.print(f"database: {_database(settings.server) or 'none: no keys to give out, no budgets, no ledger'}")
    out.print(f"limits: {_limits(settings.server)}, budgets: {_budgets(settings.server)}")
    if settings.ignored:
        out.print(f"ignored: {', '.join(settings.ignored)}")


def _database(server: config.ServerSettings) -> str | None:
    return databases.shown(server.database_url) if server.database_url else None


def _limits(server: config.ServerSettings) -> int:
    allowed = (server.limits, server.key_defaults.limits, server.end_user_defaults.limits)
    return sum(len(limits.model_dump(exclude_none=True)) for limits in allowed)


def _budgets(server: config.ServerSettings) -> int:
    return sum(len(budgets) for budgets in (server.budgets, server.key_defaults.budgets, server.end_user_defaults.budgets))


def _keys(settings: config.Settings) -> int:
    """The file may name the environment's."""
    return len(set(settings.api_keys))


def _aliases(routes: Routes) -> Mapping[str, str]:
    """Of models that are served here."""
    return {alias: model for alias, model in routes.rules.aliases.items() if routes.serves(alias)}


def _joint(route: Route) -> str:
    return ", then " if route.policy.strategy is Strategy.ORDERED else " or "


def _fallbacks(routes: Routes, route: Route) -> list[str]:
    return [model for model in routes.fallbacks_of(route) if model != route.model]


def _targets(route: Route) -> list[str]:
    return [target.name for target in route.targets]


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
        fail(f"Cannot listen on {host}:{port}: {error.strerror}.")
