"""The options of `streamedit edit`: what the picture is to be like, where it goes, and what is seen of it."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from streamedit.cli.editing.outputs import format_of
from streamedit.cli.editing.tellers import Quiet, Scripted, Teller, Watched
from streamedit.cli.options import pair_of
from streamedit.cli.previews import detection
from streamedit.cli.previews.detection import Protocol
from streamedit.cli.previews.screen import Screen, chosen
from streamedit.cli.printing import plain
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.documents import ConfigError
from streamedit.sources import Source

_SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536")
_QUALITIES = ("auto", "low", "medium", "high")
_BACKGROUNDS = ("auto", "transparent", "opaque")
_FORMATS = ("png", "jpeg", "webp")

_PARTIALS = 3
"""As many as there may be, when somebody looks; when nobody does, none are paid."""

_TAKEN = frozenset({"prompt", "image", "image[]", "mask", "model", "n", "stream", "partial_images", "response_format"})
"""Fields that are not to be set beside the options."""


def _among(words: Iterable[str]) -> Any:
    """Completes one of some words; others are taken, too."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]


def _models(ctx: Any, incomplete: str) -> list[str]:
    """Completes a model's name, of those that the configuration or the environment has."""
    try:
        names = Source(ctx.params.get("config"), dict(os.environ)).read().routes.names
    except ConfigError:
        return []
    return [name for name in names if name.startswith(incomplete) and "*" not in name]


class Preview(StrEnum):
    """As `Protocol`, or as the terminal has it."""

    AUTO = "auto"
    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    BLOCKS = "blocks"
    NONE = "none"


_picture = partial(typer.Option, rich_help_panel="Picture")
_output = partial(typer.Option, rich_help_panel="Output")
_watching = partial(typer.Option, rich_help_panel="Watching")


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What the picture is to be like."""

    model: Annotated[
        str | None,
        _picture("--model", "-m", help="Who makes it: see `streamedit models`.", metavar="NAME", autocompletion=_models),
    ] = None
    mask: Annotated[
        str | None, _picture(help="Of the first image's size, transparent where it is to be edited.", metavar="FILE")
    ] = None
    n: Annotated[int, _picture("--n", "-n", min=1, max=10, help="How many pictures.", metavar="COUNT", show_default=False)] = 1
    size: Annotated[str | None, _picture(help="As 1024x1536, or auto.", metavar="SIZE", autocompletion=_among(_SIZES))] = None
    quality: Annotated[
        str | None, _picture(help="low, medium, high ...", metavar="WORD", autocompletion=_among(_QUALITIES))
    ] = None
    background: Annotated[
        str | None, _picture(help="transparent, opaque or auto.", metavar="WORD", autocompletion=_among(_BACKGROUNDS))
    ] = None
    seed: Annotated[
        int | None, _picture(help="The same one gives the same picture, where a model knows it.", metavar="NUMBER")
    ] = None
    user: Annotated[str | None, _picture(help="Your own user, for whom this is.", metavar="NAME")] = None
    set: Annotated[
        list[str] | None, _picture("--set", help="A field of the provider's own; may be repeated.", metavar="NAME=VALUE")
    ] = None

    @property
    def fields(self) -> Mapping[str, str]:
        """As a form has them. A mistake in them ends the command."""
        given = {name: getattr(self, name) for name in ("size", "quality", "background", "seed", "user")}
        own = dict(pair_of(text, "--set") for text in self.set or ())
        if taken := sorted(own.keys() & (_TAKEN | given.keys())):
            raise typer.BadParameter(f"'{taken[0]}' is no field of a provider's own: look for its option", param_hint="--set")
        return {**{name: str(value) for name, value in given.items() if value is not None}, **own}


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Where the pictures go, and as what."""

    output: Annotated[
        str | None,
        _output(
            "--output", "-o", help="A file, a folder, or - for stdout. Without it a new file beside the image.", metavar="FILE"
        ),
    ] = None
    format: Annotated[
        str | None, _output(help="png, jpeg or webp; else as -o ends.", metavar="WORD", autocompletion=_among(_FORMATS))
    ] = None
    compression: Annotated[int | None, _output(min=0, max=100, help="Percent, of jpeg and webp.", metavar="PERCENT")] = None
    save_partials: Annotated[Path | None, _output(help="Keep the partial images there.", metavar="FOLDER", file_okay=False)] = (
        None
    )

    @property
    def fields(self) -> Mapping[str, str]:
        """As a form has them. Raises OutputError."""
        asked = {"jpg": "jpeg"}.get(self.format or "", self.format) or format_of(self.output)
        compression = {} if self.compression is None else {"output_compression": str(self.compression)}
        return {**({"output_format": asked} if asked else {}), **compression}


@dataclass(frozen=True, slots=True)
class WatchingOptions:
    """What is seen of it."""

    partial_images: Annotated[
        int | None,
        _watching(min=0, max=3, help="Interim pictures: 3 when somebody looks, else 0.", metavar="COUNT"),
    ] = None
    preview: Annotated[
        Preview, _watching(help="auto, kitty, iterm2, sixel, blocks or none.", metavar="WAY", show_default=False)
    ] = Preview.AUTO
    as_json: Annotated[bool, _watching("--json", help="Print a JSON object for each event, in lines.")] = False
    quiet: Annotated[bool, _watching("--quiet", "-q", help="Print nothing but errors.")] = False

    def partials(self, *, saved: bool) -> int:
        """How many to ask for: providers want to be paid for each."""
        if self.partial_images is not None:
            return self.partial_images
        looks = saved or self.as_json or (sys.stderr.isatty() and not self.quiet)
        return _PARTIALS if looks else 0

    def teller(self) -> Teller:
        """Who tells of the edit."""
        if self.as_json:
            return Scripted()
        if self.quiet:
            return Quiet()
        console = plain(stderr=True)
        wish = None if self.preview is Preview.AUTO else Protocol(self.preview)
        return Watched(console, Screen(console, chosen(wish, console, os.environ, detection.asked)), SYSTEM_CLOCKS.clock)
