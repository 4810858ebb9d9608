"""This server with a key of its own, in front of a provider that is played: clients ask here, what arrived is told there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from providers.fakes import Fake
from providers.fakes.openai import OpenAI
from servers import RunningServer, serving, settings_of
from upstreams import Asked, ScriptedUpstream, upstream

from streamedit.routing import Route, Routes

KEY = "sk-of-this-server"

_OURS = ("model", "prompt", "stream", "partial_images")
"""Fields that are asked for whatever the caller's choice was."""


class Front:
    """The server, and what the provider was asked since the last `clear`."""

    def __init__(self, server: RunningServer, played: ScriptedUpstream, fake: Fake) -> None:
        self.server = server
        self._played = played
        self._fake = fake
        self.clear()

    @property
    def url(self) -> str:
        return self.server.url

    def clear(self) -> None:
        """Nothing has been asked, and the provider answers as its API does."""
        self._played.serve(self._fake.answer)

    @property
    def asked(self) -> Asked:
        """What the provider was asked, once."""
        [asked] = self._played.asked
        return asked

    @property
    def fields(self) -> dict[str, str]:
        """The fields that the caller chose, as the provider was asked for them."""
        return {name: value for name, value in self.asked.fields if name not in _OURS}

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files that the provider was sent."""
        return [(name, content) for name, _, _, content in self.asked.files]


@contextmanager
def fronting(*models: str, fake: Fake | None = None) -> Iterator[Front]:
    """A server whose models, by all these names, are a provider's that is played: OpenAI's when no other is given."""
    fake = fake or OpenAI()
    with upstream() as played:
        fake.url = played.url
        settings = settings_of(fake.target(), keys=(KEY,))
        routes = Routes([Route(model, (fake.target(),)) for model in models], models[0])
        with serving(replace(settings, routes=routes)) as server:
            yield Front(server, played, fake)
