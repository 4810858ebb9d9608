"""`streamedit models`: who can make edits, and what each of them can do."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any

import typer

from streamedit import providers
from streamedit.cli.editing import Unreachable
from streamedit.cli.editing.refusals import exit_of, told
from streamedit.cli.editing.server import models as listed_by
from streamedit.cli.exits import Exit
from streamedit.cli.options import AsJson, PlaceOptions, spread
from streamedit.cli.printing import fail, print_gap, print_json, print_pairs, print_table
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import Settings
from streamedit.documents import ConfigError
from streamedit.errors import EditError
from streamedit.providers.base import Provider
from streamedit.sources import Source
from streamedit.targets import Target
from streamedit.turns import Turns
from streamedit.upstream.client import Upstream, UpstreamLimits
from streamedit.wire.bodies import model_object

EXAMPLES = (
    "streamedit models",
    "streamedit models darkroom",
    "streamedit models --server https://images.example --json",
)

_COLUMNS = ("Model", "Provider", "Streams", "Partials", "Mask", "Per call", "Inputs", "Makes")

Model = Mapping[str, Any]
"""As `/v1/models` lists it."""


@spread
def models(
    place: PlaceOptions,
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="Tell all of this one.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show the models, and what each can do."""
    listed = _listed(place)
    if model is not None:
        _show(_found(listed, model), as_json=as_json)
    elif as_json:
        print_json({"object": "list", "data": listed})
    else:
        print_table(_COLUMNS, [_row(each) for each in listed])


def of_settings(settings: Settings) -> Sequence[Model]:
    """The models of a configuration, as a server with it lists them. Nobody is asked."""
    upstream = Upstream(UpstreamLimits(), Turns())
    built = providers.build(settings.routes.providers, settings.server, upstream, SYSTEM_CLOCKS.now_s)
    routes = settings.routes
    return [_of(name, routes.find(name).targets[0], built, is_default=name == routes.default_model) for name in routes.names]


def _of(name: str, target: Target, built: Mapping[str, Provider], *, is_default: bool) -> Model:
    can = built[target.provider].capabilities(target)
    return model_object(name, target.provider, can.described(), is_default=is_default)


def _listed(place: PlaceOptions) -> Sequence[Model]:
    """Those of the server, or of the configuration. What goes wrong is told, and ends the command."""
    server = place.server_or_none()
    try:
        if server is not None:
            return asyncio.run(listed_by(server))
        return of_settings(Source(place.config, dict(os.environ)).read())
    except ConfigError as error:
        fail("\n".join(error.mistakes))
    except EditError as error:
        fail("\n".join(told(error.detail)), exit_of(error.detail))
    except Unreachable as error:
        fail(str(error), Exit.UNREACHABLE)


def _found(listed: Sequence[Model], name: str) -> Model:
    known = {model["id"]: model for model in listed}
    return known.get(name) or fail(f"There is no model {name}: {', '.join(known)}.", Exit.REFUSED)


def _row(model: Model) -> Sequence[str]:
    can = model["capabilities"]
    name = f"{model['id']} (default)" if model["default"] else model["id"]
    formats = ", ".join(can["formats"]) or "as its provider says"
    images = "1 image" if can["max_images"] == 1 else f"to {can['max_images']} images"
    return (
        name,
        model["owned_by"],
        *(_yes(can[what]) for what in ("streams", "partial_images", "mask")),
        str(can["n"]),
        images,
        formats,
    )


def _show(model: Model, *, as_json: bool) -> None:
    if as_json:
        print_json(model)
        return
    can = model["capabilities"]
    print_pairs({
        "Model": model["id"],
        "Provider": model["owned_by"],
        "Default": _yes(model["default"]),
        "Streams": _yes(can["streams"]),
        "Partial images": _yes(can["partial_images"]),
        "Images per call": str(can["n"]),
        "Input images": str(can["max_images"]),
        "Input kinds": ", ".join(can["inputs"]),
        "Output formats": ", ".join(can["formats"]) or "as its provider says",
        **_parameters(can["parameters"]),
        "Further fields": ", ".join(can["extra_parameters"]),
    })  # fmt: skip
    if can.get("repertoire"):
        print_gap()
        _show_repertoire(can["repertoire"])


def _parameters(support: Mapping[str, str]) -> Mapping[str, str]:
    """What becomes of OpenAI's parameters."""
    heads = {"Takes": ("native", "mapped"), "Ignores": ("dropped",), "Refuses": ("refused",)}
    return {head: ", ".join(name for name, how in support.items() if how in hows) for head, hows in heads.items()}


def _show_repertoire(repertoire: Sequence[Mapping[str, Any]]) -> None:
    """What a prompt can ask for, by families."""
    rows = []
    for family, entries in groupby(repertoire, key=lambda entry: entry["family"]):
        rows += [(family if place == 0 else "", *_told(entry)) for place, entry in enumerate(entries)]
    print_table(("About", "It can", "Say, for example", "Kinds", "Needs"), rows)


def _told(entry: Mapping[str, Any]) -> Sequence[str]:
    needs = {"mask": "a mask", "image": "a second image"}.get(entry["needs"] or "", "")
    return entry["name"], entry["example"], ", ".join(entry["kinds"]), needs


def _yes(value: object) -> str:
    return "yes" if value else "no"
