"""`streamedit check`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from streamedit import config, databases
from streamedit.cli.exits import Exit
from streamedit.cli.options import AsJson
from streamedit.cli.printing import mistakes as tell_mistakes
from streamedit.cli.printing import print_gap, print_json, print_pairs, print_success, print_table
from streamedit.documents import ConfigError
from streamedit.events import Json
from streamedit.routes import Route, Routes
from streamedit.sources import Source
from streamedit.strategies import Strategy


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Tell all mistakes of a configuration, or what it says.

    Exit codes:
    - 0: it can be served
    - 1: it has mistakes
    """
    mistakes: Sequence[str] = ()
    settings = None
    try:
        settings = Source(file, dict(os.environ)).read()
    except ConfigError as error:
        mistakes = error.mistakes
    if as_json:
        print_json(_report(file, settings, mistakes))
    elif settings is None:
        tell_mistakes("\n".join(mistakes))
    else:
        _summarise(file, settings)
    raise typer.Exit(Exit.REFUSED if settings is None else Exit.DONE)


def _report(file: Path, settings: config.Settings | None, mistakes: Sequence[str]) -> Mapping[str, Json]:
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
    routes = settings.routes
    print_success(f"{file}: no mistakes")
    print_gap()
    rows = [(route.model, _joint(route).join(_targets(route)), ", ".join(_fallbacks(routes, route))) for route in routes.all]
    print_table(("Model", "Targets", "Fallbacks"), rows)
    print_gap()
    keys = _keys(settings)
    print_pairs({
        "Default model": routes.default_model or "none",
        "Aliases": ", ".join(f"{alias}: {model}" for alias, model in _aliases(routes).items()),
        "API keys": str(keys) if keys else "none: open to everybody on its machine, and to nobody beyond it",
        "Database": _database(settings.server) or "none: no keys to give out, no budgets, no ledger",
        "Limits": str(_limits(settings.server)),
        "Budgets": str(_budgets(settings.server)),
        "Ignored": ", ".join(settings.ignored),
    })  # fmt: skip


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
