"""Options that several commands have, each bundle of them a dataclass."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from streamedit.allowances import AllowanceFields
from streamedit.cli.editing.server import Server
from streamedit.events import Json


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of each of its parameters that is a dataclass."""
    parameters = inspect.signature(command, eval_str=True).parameters
    types: dict[str, Any] = {name: each.annotation for name, each in parameters.items()}
    bundles: dict[str, Any] = {name: type_ for name, type_ in types.items() if is_dataclass(type_)}

    def run(**given: Any) -> None:
        made = {
            name: bundle(**{field.name: given.pop(field.name) for field in fields(bundle)}) for name, bundle in bundles.items()
        }
        command(**given, **made)

    single = [each for name, each in parameters.items() if name not in bundles]
    options = [option for bundle in bundles.values() for option in _options(bundle)]
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    vars(run)["__signature__"] = inspect.Signature([*single, *options])
    return run


def _options(bundle: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    return [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
        for field in fields(bundle)
    ]


Models = Annotated[list[str] | None, typer.Option("--model", help="A name, or a pattern with a star; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


_place = partial(typer.Option, rich_help_panel="Where")


@dataclass(frozen=True, slots=True)
class PlaceOptions:
    """Where edits are made: in this process, or on a server."""

    config: Annotated[
        Path | None, _place(help="The YAML file to work by; without one the environment counts.", metavar="FILE")
    ] = None
    server: Annotated[str | None, _place(help="A streamedit server; else $STREAMEDIT_SERVER.", metavar="URL")] = None
    key: Annotated[
        str | None, _place(help="Its API key; better in $STREAMEDIT_KEY, which no list of processes shows.", metavar="KEY")
    ] = None

    def server_or_none(self) -> Server | None:
        """The server that was named, here or, without a file, in the environment. A mistake in it ends the command."""
        if self.server and self.config:
            raise typer.BadParameter("a server has a configuration of its own", param_hint="--config")
        url = self.server or (None if self.config else os.environ.get("STREAMEDIT_SERVER"))
        if not url:
            return None
        key = (self.key or os.environ.get("STREAMEDIT_KEY") or "").strip()
        if not (key.isascii() and (key.isprintable())):
            raise typer.BadParameter("a key has letters, digits and signs alone", param_hint="--key")
        try:
            return Server(url, key or None)
        except ValueError as error:
            raise typer.BadParameter(f"this is no server's address: {error}", param_hint="--server") from None


@dataclass(frozen=True, slots=True)
class AllowanceOptions:
    """What a key, a group or an end user may do, as a patch; `clear` names the fields to take away."""

    rpm: Annotated[int | None, typer.Option(help="Requests in any sixty seconds.")] = None
    images_per_minute: Annotated[int | None, typer.Option(help="Images in any sixty seconds.")] = None
    parallel: Annotated[int | None, typer.Option(help="Edits at a time.")] = None
    budget: Annotated[
        list[str] | None,
        typer.Option(help="Dollars/period: 10/1d, 100/1mo; 10 for good. May be repeated.", metavar="USD/PERIOD"),
    ] = None
    metadata: Annotated[list[str] | None, typer.Option(help="A text of your own; may be repeated.", metavar="NAME=VALUE")] = (
        None
    )
    clear: Annotated[
        list[str] | None,
        typer.Option(help="A field to take away: limits, budgets, models ...; may be repeated.", metavar="FIELD"),
    ] = None

    def patch(self, model: type[AllowanceFields], **own: Json) -> Mapping[str, Json]:
        """What was given, as a merge patch on `model`; `own`: its fields beside these, None for what was not given."""
        limits = {"requests_per_minute": self.rpm, "images_per_minute": self.images_per_minute, "parallel_edits": self.parallel}
        given = {
            **own,
            "limits": {name: value for name, value in limits.items() if value is not None} or None,
            "budgets": None if self.budget is None else [_budget(text) for text in self.budget],
            "metadata": None if self.metadata is None else dict(pair_of(text, "--metadata") for text in self.metadata),
        }
        cleared = dict.fromkeys(self.clear or ())
        if unknown := sorted(cleared.keys() - model.model_fields.keys()):
            known = ", ".join(model.model_fields)
            raise typer.BadParameter(f"'{unknown[0]}' is none of: {known}", param_hint="--clear")
        return {**cleared, **{name: value for name, value in given.items() if value is not None}}


def _budget(text: str) -> Mapping[str, Json]:
    dollars, slash, period = text.partition("/")
    return {"limit_usd": dollars.removeprefix("$"), **({"period": period} if slash else {})}


def pair_of(text: str, option: str) -> tuple[str, str]:
    """NAME=VALUE. A mistake in it is told by its option, and ends the command."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"'{text}' is not NAME=VALUE", param_hint=option)
    return name, value
