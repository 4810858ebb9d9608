"""One real edit, without a server: what a provider answers, event by event, as it comes.

    XAI_API_KEY=... ./scripts/try_provider xai/grok-imagine-image-2.0 photo.jpg "make it night" --save out

The request is read as the server reads it, and goes the server's own way to the provider.
"""

import argparse
import asyncio
import binascii
import mimetypes
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from streamedit import config, providers
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import ServerSettings
from streamedit.documents import ConfigError
from streamedit.edits import EditRequest, InputImage
from streamedit.errors import EditError, ErrorDetail
from streamedit.events import Completed, Event, Failed, PartialImage, Payload, Usage
from streamedit.images import inspect
from streamedit.pricing import Prices
from streamedit.routes import Route
from streamedit.routing import Plan, Stage
from streamedit.stores.healths import MemoryHealths
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.upstream.client import Upstream, UpstreamLimits
from streamedit.walk import Listener
from streamedit.wire.forms import read_request
from streamedit.wire.multipart import BodyLimits, MultipartBody
from streamedit.workshop import make_dispatch


@dataclass(frozen=True, slots=True)
class Place:
    """Where an edit is made: the targets of a model, and the bounds of a server that would make it."""

    route: Route
    server: ServerSettings


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it came, and what its own bytes tell of it."""

    data: bytes
    format: str
    told: str

    @classmethod
    async def of(cls, payload: Payload) -> "Picture":
        text = b"".join([slice_ async for slice_ in payload.image_base64.slices()])
        try:
            data = binascii.a2b_base64(text)
        except binascii.Error:
            return cls(b"", "", "broken base64")
        info = inspect(data)
        if info is None:
            told = f"{len(data):,} bytes, unknown" if data else f"at {payload.fields.get('url')}"
            return cls(data, str(payload.fields.get("output_format") or "bin"), told)
        name = info.media_type.removeprefix("image/")
        return cls(data, name, f"{info.width_px}x{info.height_px} {name}, {len(data):,} bytes")


class Shown:
    """Prints an edit's events, and keeps their pictures in `folder` where one is given."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._began_s = time.perf_counter()

    async def emit(self, event: Event) -> None:
        """The next event."""
        if isinstance(event, Failed):
            return
        picture = await Picture.of(event.payload)
        name = _name_of(event)
        usage = f"; {_told(event)}" if isinstance(event, Completed) else ""
        _print(f"{time.perf_counter() - self._began_s:8.3f} s  {name}: {picture.told}{usage}{self._saved(name, picture)}")

    def _saved(self, name: str, picture: Picture) -> str:
        if self._folder is None or not picture.data:
            return ""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name.replace(' ', '-')}.{picture.format}"
        path.write_bytes(picture.data)
        return f" -> {path}"


def main() -> None:
    """Make one edit and show its events. Exit code 1 when it fails."""
    options = _options()
    place = _configured(options.model, options.config) if options.config else _from_environment(options.model)
    files = [(name, _upload(path)) for name, path in _files(options)]
    try:
        asyncio.run(_edit(place, MultipartBody(_fields(options), files), Shown(options.save)))
    except EditError as error:
        _fail(_explained(error.detail))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="try_provider", description=main.__doc__)
    parser.add_argument("model", help="provider/model, or with --config a model_name of that file")
    parser.add_argument("image", type=Path, help="the picture to edit")
    parser.add_argument("prompt")
    parser.add_argument("--image", dest="more", type=Path, action="append", default=[], help="one more picture; repeatable")
    parser.add_argument("--mask", type=Path, help="transparent where the picture is to be edited")
    parser.add_argument("--n", type=int, default=1)
    parser.add_argument("--size", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--partial-images", type=int, default=2)
    parser.add_argument("--param", type=_pair, action="append", default=[], help="name=value, any other field; repeatable")
    parser.add_argument("--file", type=_pair, action="append", default=[], help="name=path, any other file; repeatable")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep the pictures there")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a YAML file, as the server takes it")
    return parser.parse_args()


def _fields(options: argparse.Namespace) -> list[tuple[str, str]]:
    fields = {"prompt": options.prompt, "n": options.n, "stream": "true", "partial_images": options.partial_images}
    size = {"size": options.size} if options.size else {}
    return [*((name, str(value)) for name, value in (fields | size).items()), *options.param]


def _files(options: argparse.Namespace) -> list[tuple[str, Path]]:
    files = [("image[]", path) for path in (options.image, *options.more)]
    files += [("mask", options.mask)] if options.mask else []
    return files + [(name, Path(path)) for name, path in options.file]


async def _edit(place: Place, body: MultipartBody, shown: Shown) -> None:
    server = place.server
    upstream = Upstream(UpstreamLimits(server.connect_s, server.silence_s))
    names = frozenset(target.provider for target in place.route.targets)
    catalogue = providers.build(names, server, upstream, time.time)
    dispatch = make_dispatch(server, catalogue, MemoryHealths(), Prices.shipped(), SYSTEM_CLOCKS)
    request = await _read(body)
    try:
        async with upstream.running():
            plan = Plan.of(Stage(place.route.model, place.route.targets, place.route.policy))
            await dispatch.run(request, plan, Listener(shown.emit))
    finally:
        request.close()


async def _read(body: MultipartBody) -> EditRequest:
    async def pieces() -> AsyncIterator[bytes]:
        async for piece in body:
            yield piece

    return await read_request(body.content_type, pieces(), BodyLimits())


def _from_environment(model: str) -> Place:
    available = providers.available()
    provider, _, name = model.partition("/")
    if provider not in available:
        _fail(f"There is no provider '{provider}' here; there are: {', '.join(sorted(available))}.")
    setup = available[provider]
    target = setup.completed(Target(provider, name or provider), os.environ)
    if _lacks_key(target, setup.environment):
        _fail(f"{provider} needs a key: set {' or '.join(setup.environment['api_key'])}.")
    if lack := setup.mistake(target):
        _fail(f"{provider}: {lack}")
    return Place(Route(model, (target,)), ServerSettings())


def _lacks_key(target: Target, environment: Mapping[str, Sequence[str]]) -> bool:
    """Nothing in the environment tells of this provider, not even a server of its own that may need no key."""
    return "api_key" in environment and not (target.api_key or target.api_base or target.params)


def _configured(model: str, path: Path) -> Place:
    try:
        settings = config.from_file(path, os.environ, providers.available())
        return Place(settings.routes.find(model), settings.server)
    except OSError as error:
        _fail(f"{path}: {error.strerror}")
    except ConfigError as error:
        _fail("\n".join(error.mistakes))
    except EditError as error:
        _fail(_explained(error.detail))


def _upload(path: Path) -> InputImage:
    try:
        data = path.read_bytes()
    except OSError as error:
        _fail(f"{path}: {error.strerror}")
    return InputImage(Upload(data), path.name, mimetypes.guess_type(path)[0] or "application/octet-stream")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"'{text}' must be name=value")
    return name, value


def _name_of(event: PartialImage | Completed) -> str:
    if isinstance(event, Completed):
        return f"completed {event.image_index}"
    return f"partial {event.image_index} {event.payload.fields.get('partial_image_index', 0)}"


def _told(completed: Completed) -> str:
    """The tokens, and the cost where it is known."""
    usage = Usage.of(completed.payload)
    inputs = f"{usage.input_tokens} tokens in ({usage.input_image_tokens} image, {usage.cached_tokens} cached)"
    outputs = f"{usage.output_tokens} out ({usage.output_text_tokens} text)"
    cost = f", ${completed.cost_micros / 1_000_000:.6f}" if completed.cost_micros is not None else ", cost not known"
    return f"{inputs}, {outputs}{cost}" if usage.total_tokens or usage.input_tokens else f"no tokens told{cost}"


def _explained(error: ErrorDetail) -> str:
    param = f" (param: {error.param})" if error.param else ""
    charged = " It may have been paid." if error.charged else ""
    return f"{error.status} {error.code or error.type}: {error.message}{param}{charged}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
