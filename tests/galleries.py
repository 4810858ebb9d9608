"""Pictures at URLs: a real server on this machine, and what it was asked for."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from upstreams import Asked, Script, ScriptedUpstream, json_answer, sized, upstream

from streamedit.image_urls import ImageUrlSettings


class Gallery:
    """`has`: what is there, by its path; anything else is a 404. A path in `scripts` is answered with that."""

    def __init__(self, scripted: ScriptedUpstream) -> None:
        self.scripted = scripted
        self.has: dict[str, bytes] = {}
        self.scripts: dict[str, Script] = {}
        scripted.serve(self._answer)

    @property
    def host(self) -> str:
        """As a configuration names it."""
        return f"127.0.0.1:{self.scripted.port}"

    @property
    def asked(self) -> list[Asked]:
        return self.scripted.asked

    def url(self, path: str) -> str:
        return f"{self.scripted.url.removesuffix('/v1')}{path}"

    def hang(self, path: str, content: bytes) -> str:
        """Have a picture there; its URL."""
        self.has[path] = content
        return self.url(path)

    def allowed(self, **more: object) -> ImageUrlSettings:
        """Settings with which images are fetched from here, though it is no public address."""
        return ImageUrlSettings.model_validate({"internal": [self.host], **more})

    @property
    def is_left(self) -> bool:
        """Nobody is connected any more."""
        return self.scripted.is_left

    def clear(self) -> None:
        """Nothing was asked for."""
        self.scripted.serve(self._answer)

    def _answer(self, asked: Asked) -> Script:
        if asked.path in self.scripts:
            return self.scripts[asked.path]
        content = self.has.get(asked.path)
        return [json_answer({}, "404 Not Found")] if content is None else [sized(content)]


@contextmanager
def exhibiting(pictures: Mapping[str, bytes] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Gallery]:
    """A gallery for the time of a `with` block."""
    with upstream(tls) as scripted:
        gallery = Gallery(scripted)
        gallery.has.update(pictures or {})
        yield gallery
