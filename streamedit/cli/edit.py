"""`streamedit edit`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from streamedit.cli.editing import Asked, InputFile, Maker
from streamedit.cli.editing.interrupts import run
from streamedit.cli.editing.local import Local
from streamedit.cli.editing.options import OutputOptions, PictureOptions, WatchingOptions
from streamedit.cli.editing.outputs import STDIO, OutputError, made, output_of
from streamedit.cli.editing.remote import Remote
from streamedit.cli.editing.session import Places, Session
from streamedit.cli.options import PlaceOptions, spread
from streamedit.cli.printing import fail
from streamedit.clocks import SYSTEM_CLOCKS

EXAMPLES = (
    'streamedit edit photo.jpg "golden hour, film grain"',
    'streamedit edit photo.jpg "a red scarf" --mask mask.png --model gpt-image-2 -o scarf.webp',
    'streamedit edit cat.png hat.png "put the hat on the cat" --n 4 -o cat.png',
    'streamedit edit - "pencil sketch" < photo.jpg | display',
    'streamedit edit photo.jpg "sepia" --server https://images.example --json',
)


@spread
def edit(  # noqa: PLR0913, PLR0917 - a bundle for each panel of its help
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="The pictures to edit; - is stdin.", show_default=False)
    ],
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What to change, in words; it comes last.", show_default=False)
    ],
    picture: PictureOptions,
    output: OutputOptions,
    watching: WatchingOptions,
    place: PlaceOptions,
) -> None:
    """Edit a picture, and watch it happen.

    It is made in this process, by whoever the configuration or the environment has a key for, else by the darkroom, which needs
    none; with --server it is made there, and resumed by itself after every drop.

    Exit codes:
    - 0: done
    - 1: refused: the message says which parameter, and what would help
    - 2: nothing could be begun, or the picture could not be written
    - 3: the provider or the server failed
    - 4: the server cannot be reached, or was given up
    - 130: interrupted by Ctrl-C, and cancelled (143: by SIGTERM)
    """
    try:
        places, fields = _places(images, output, picture.n, watching), {**picture.fields, **output.fields}
    except OutputError as error:
        fail(str(error))
    partials = watching.partials(saved=output.save_partials is not None)
    files = _read([*images, *([picture.mask] if picture.mask else [])], prompt)
    mask = files.pop() if picture.mask else None
    asked = Asked(prompt, tuple(files), mask, picture.model, picture.n, partials, fields)
    server = place.server_or_none()
    maker: Maker = Remote(server) if server else Local(place.config)
    session = Session(asked, places, watching.teller(), SYSTEM_CLOCKS.clock)
    raise typer.Exit(run(session.run(maker)))


def _places(images: list[str], output: OutputOptions, n: int, watching: WatchingOptions) -> Places:
    """Where the pictures go; that is tried now, before anybody is paid. Raises OutputError."""
    piped = not sys.stdout.isatty() and not watching.as_json
    if watching.as_json and output.output == STDIO:
        raise OutputError("--json and the picture cannot both go to stdout: name a file with -o.")
    if output.save_partials:
        made(output.save_partials)
    stem = "image" if images[0] == STDIO else Path(images[0]).stem
    return Places(output_of(output.output, images, n, piped=piped), output.save_partials, stem)


def _read(names: list[str], prompt: str) -> list[InputFile]:
    """The files, in their order. What cannot be read ends the command."""
    if names.count(STDIO) > 1:
        fail("Only one picture can come from stdin.")
    for name in names:
        if name != STDIO and not Path(name).exists():
            turned = " The prompt comes last, behind the images." if Path(prompt).exists() else ""
            fail(f"There is no file {name}.{turned}")
    return [_file(name) for name in names]


def _file(name: str) -> InputFile:
    if name == STDIO and sys.stdin.isatty():
        fail("Nothing is piped into stdin: streamedit edit - PROMPT < photo.jpg")
    try:
        content = sys.stdin.buffer.read() if name == STDIO else Path(name).read_bytes()
    except OSError as error:
        fail(f"{name} cannot be read: {error.strerror}.")
    shown = "stdin" if name == STDIO else Path(name).name
    return InputFile(shown, content or fail(f"{shown} is empty."))
