"""Where the settings of a server stand, so that they can be read at any time."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streamedit import config, providers
from streamedit.documents import ConfigError


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML file and the environment `environ`, without a file the environment alone.

    `host` is where these settings are served, so that nobody opens a server beyond its machine; None where they are not.
    """

    file: Path | None
    environ: Mapping[str, str] = field(repr=False)
    host: str | None = None

    def read(self) -> config.Settings:
        """The settings that stand there now. Raises ConfigError, when the file cannot be read, too."""
        settings = self._settings()
        if self.host is not None and not settings.api_keys and not is_loopback(self.host):
            refusal = f"No API key is configured, so {self.host} is refused: listen on 127.0.0.1, or set STREAMEDIT_API_KEY."
            raise ConfigError([refusal])
        return settings

    def _settings(self) -> config.Settings:
        available = providers.available()
        if self.file is None:
            return config.from_environment(self.environ, available)
        try:
            return config.from_file(self.file, self.environ, available)
        except OSError as error:
            raise ConfigError([f"{self.file}: {error.strerror}"]) from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
