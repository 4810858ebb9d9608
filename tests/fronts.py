"""This server in front of a provider that is played: clients ask here, and what arrived is told there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from providers.fakes import KEY as PROVIDERS_KEY
from providers.fakes import Fake
from providers.fakes.openai import OpenAI
from servers import RunningServer, serving, settings_of
from upstreams import Asked, ScriptedUpstream, upstream

from streamedit.config import from_file
from streamedit.providers import available
from streamedit.routes import Route, Routes

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
    def has_asked_nobody(self) -> bool:
        return not self._played.asked

    @property
    def fields(self) -> dict[str, str]:
        """The fields that the caller chose, as the provider was asked for them."""
        return {name: value for name, value in self.asked.fields if name not in _OURS}

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files that the provider was sent."""
        return [(name, content) for name, _, _, content in self.asked.files]


@contextmanager
def fronting(*models: str, fake: Fake | None = None, key: str | None = KEY, **said: Any) -> Iterator[Front]:
    """A server with that key, whose models, by all these names, are a provider's: OpenAI's when no other is given.

    `said`: what else is said of the server.
    """
    with _played(fake or OpenAI()) as (player, played):
        routes = Routes([Route(model, (player.target(),)) for model in models], models[0])
        with serving(replace(settings_of(player.target(), keys=(key,) if key else (), **said), routes=routes)) as server:
            yield Front(server, played, player)


@contextmanager
def configured(file: Path, fake: Fake, api_key: str, api_base: str) -> Iterator[Front]:
    """A server of that configuration, which finds the provider's key and address in these variables of the environment."""
    with _played(fake) as (player, played):
        environ = {api_key: PROVIDERS_KEY, api_base: player.url, "STREAMEDIT_DATABASE_URL": "none"}
        environ["XDG_DATA_HOME"] = str(file.parent)
        settings = from_file(file, environ, available())
        with serving(settings) as server:
            yield Front(server, played, player)


@contextmanager
def _played(fake: Fake) -> Iterator[tuple[Fake, ScriptedUpstream]]:
    with upstream() as played:
        fake.url = played.url
        yield fake, played
