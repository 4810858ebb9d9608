"""The providers: where edits are made. This is their catalogue."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from importlib.util import find_spec

from streamedit.config import ServerSettings
from streamedit.providers.base import Provider
from streamedit.providers.mock import Mock
from streamedit.providers.openai import OpenAI
from streamedit.upstream.client import Upstream


def available() -> frozenset[str]:
    """The names of the providers that this installation has; `darkroom` needs its extra."""
    has_darkroom = find_spec("cv2") is not None and find_spec("numpy") is not None
    return frozenset(("mock", "openai", *(["darkroom"] if has_darkroom else [])))


def build(
    names: AbstractSet[str],
    server: ServerSettings,
    upstream: Upstream,
    now_s: Callable[[], float],
) -> Mapping[str, Provider]:
    """The named providers. `now_s` gives Unix time."""
    openai = OpenAI(upstream, now_s=now_s, max_event_bytes=server.max_event_bytes, max_answer_bytes=server.max_answer_bytes)
    providers: dict[str, Provider] = {"mock": Mock(now_s), "openai": openai}
    if "darkroom" in names:
        from streamedit.providers.darkroom import Darkroom  # noqa: PLC0415 - an optional extra

        providers["darkroom"] = Darkroom(now_s, max_pixels=server.darkroom_max_pixels)
    return {name: providers[name] for name in names}
