"""An edit as an app at fal takes it: one JSON object, with images as data URLs."""

import json
from collections.abc import Mapping

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.capabilities import extras_of
from streamedit.providers.fal.apps import App, Masking, Sizing
from streamedit.providers.inputs import grey_mask, seeded, two_way_mask, typed
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px
from streamedit.targets import Target
from streamedit.wire.jsonbody import Base64

API_BASE = "https://fal.run"
QUEUE_BASE = "https://queue.fal.run"

_QUALITIES = {"hd": "high", "standard": "medium"}
"""DALL-E's names, which LiteLLM takes."""

_SAID = frozenset({"num_images", "image_url", "image_urls", "mask_url"})
"""What is judged and counted before it comes here."""


def base_of(target: Target, *, queued: bool) -> str:
    """Where the apps are, or the queue to them; a base of the configuration's own has its queue at the same place."""
    base = (target.api_base or API_BASE).rstrip("/")
    return QUEUE_BASE if queued and base == API_BASE else base


async def arguments(request: EditRequest, target: Target, app: App) -> dict[str, Json]:
    """The body. Raises InvalidRequest."""
    urls = [Base64.data_url(await typed(image)) for image in request.images]
    mask = await _mask(request, app)
    return {
        "prompt": request.prompt,
        **({"image_urls": urls} if app.many else {"image_url": urls[0]}),
        **({"mask_url": Base64.data_url(mask)} if mask else {}),
        **_options(request, app),
        **seeded(await _own(request, target, app), request),
    }


async def _mask(request: EditRequest, app: App) -> InputImage | None:
    if app.masked and request.mask is None:
        raise InvalidRequest("This model needs a mask.", param="mask", code="missing_required_parameter")
    return await (two_way_mask(request) if app.masking is Masking.BOTH else grey_mask(request))


async def _own(request: EditRequest, target: Target, app: App) -> dict[str, Json]:
    """The app's own fields; of an app that nothing is known of, whatever the caller has sent."""
    if not app.capabilities.verbatim:
        return extras_of(request, app.capabilities, target)
    for name in (name for name, _ in request.extra if name in _SAID):
        raise InvalidRequest(f"{name} is what the request's own fields say.", param=name, code="unsupported_parameter")
    files = {name: Base64.data_url(await typed(file)) for name, file in request.extra_files}
    return {name: _value(text) for name, text in request.extra} | files


def _options(request: EditRequest, app: App) -> Mapping[str, Json]:
    options = request.options
    chosen = {
        "num_images": request.n if request.n > 1 else None,
        "quality": _QUALITIES.get(options.quality, options.quality) if options.quality else None,
        "background": options.background,
        "output_format": _format(request, app),
        **_size(options.size, app),
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _format(request: EditRequest, app: App) -> str | None:
    """The format to ask for: what the app does not make, or cannot compress, is made here of a lossless picture."""
    wanted = request.options.output_format
    if not wanted or not app.formats:
        return None
    return wanted if wanted in app.formats and request.options.output_compression is None else "png"


def _size(size: str | None, app: App) -> Mapping[str, Json]:
    size_px = parse_size(size)
    if size_px is None or app.sizing is Sizing.NONE:
        return {}
    if app.sizing is Sizing.PIXELS:
        return {"image_size": {"width": size_px[0], "height": size_px[1]}}
    ratio = {"aspect_ratio": nearest_ratio(size_px, app.ratios)}
    return ratio if app.sizing is Sizing.RATIO else {**ratio, "resolution": _tier(side_px(size_px))}


def _tier(side: float) -> str:
    if side < 1536:
        return "1K"
    return "2K" if side < 3072 else "4K"


def _value(text: str) -> Json:
    """A form knows only text: what reads as JSON is what it says, anything else is text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
