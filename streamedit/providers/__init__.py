"""The providers: where edits are made. This is their catalogue."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.util import find_spec

from streamedit.config import ServerSettings
from streamedit.providers import gemini, mock, openai, vertex, xai
from streamedit.providers.base import Provider, Tools
from streamedit.providers.capabilities import DARKROOM, Capabilities
from streamedit.routing import Setup
from streamedit.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider. `families`: what its models can do, by a pattern of their names as a configuration writes them."""

    make: Callable[[Tools], Provider]
    setup: Setup
    families: Mapping[str, Capabilities]


def _darkroom(tools: Tools) -> Provider:
    from streamedit.providers.darkroom import Darkroom  # noqa: PLC0415 - an optional extra

    return Darkroom(tools.now_s, max_pixels=tools.max_pixels)


CATALOGUE: Mapping[str, Entry] = {
    "darkroom": Entry(_darkroom, Setup(), {"darkroom": DARKROOM}),
    "gemini": Entry(gemini.Gemini, gemini.SETUP, gemini.FAMILIES),
    "mock": Entry(mock.Mock, mock.SETUP, mock.FAMILIES),
    "openai": Entry(openai.OpenAI, openai.SETUP, openai.FAMILIES),
    "vertex_ai": Entry(vertex.VertexAI, vertex.SETUP, vertex.FAMILIES),
    "xai": Entry(xai.XAI, xai.SETUP, xai.FAMILIES),
}


def available() -> Mapping[str, Setup]:
    """The providers that this installation has, in order, and how each is set up; `darkroom` needs its extra."""
    has_darkroom = find_spec("cv2") is not None and find_spec("numpy") is not None
    return {name: entry.setup for name, entry in CATALOGUE.items() if name != "darkroom" or has_darkroom}


def build(
    names: AbstractSet[str], server: ServerSettings, upstream: Upstream, now_s: Callable[[], float]
) -> Mapping[str, Provider]:
    """The named providers. `now_s` gives Unix time."""
    tools = Tools(upstream, now_s, server.max_event_bytes, server.max_answer_bytes, server.darkroom_max_pixels)
    return {name: CATALOGUE[name].make(tools) for name in names}
