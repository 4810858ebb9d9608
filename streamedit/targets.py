"""Where a model can be had, and what a configuration may say of that. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

_SECRET = re.compile("key|token|secret|password|credentials")
_SECRET_CHARS = 6
"""Nothing shorter is looked for: it would be found in ordinary words."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a target may be asked for: requests and tokens a minute, calls at a time; None where there is no limit."""

    rpm: float | None = None
    tpm: float | None = None
    max_parallel: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a model can be had: a provider, its name for the model, and how to call it.

    `params`: what the configuration says beyond that, in LiteLLM's names (`organization`, `extra_headers`, `timeout` ...).
    `id`: under which its health is kept, the same in all processes; None when none is kept. `is_callers`: the account is the
    caller's own, and the key is for one call. `pattern`: the configuration's model, when `model` is what a caller's name has
    made of it.
    """

    provider: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    params: Mapping[str, object] = field(default_factory=dict, repr=False)
    id: str | None = field(default=None, compare=False)
    is_callers: bool = False
    pattern: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """As configurations and callers write it."""
        return f"{self.provider}/{self.model}"

    @property
    def address(self) -> tuple[str | None, int | None]:
        """The host and the port of a configured `api_base`."""
        try:
            parts = urlsplit(self.api_base or "")
            return parts.hostname, parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return None, None

    def text(self, name: str) -> str | None:
        """A parameter as text; None where there is none, or an empty one."""
        value = self.params.get(name)
        return str(value) if value not in (None, "") else None

    def number(self, name: str) -> float | None:
        """A parameter as a positive number; None where there is none."""
        value = self.params.get(name)
        return float(value) if isinstance(value, int | float) and value > 0 else None

    @property
    def timeout_s(self) -> float | None:
        """The configuration's bound for one call."""
        return self.number("timeout")

    @property
    def base_model(self) -> str:
        """Which model it is, by the name that its maker gave it, where a deployment has a name of its own."""
        base = self.text("base_model")
        return self.model if base is None else base.rpartition("/")[2]

    @property
    def takes_urls(self) -> bool:
        """It is to be given the URLs of images as callers name them, where its provider can fetch them itself."""
        return self.params.get("pass_image_urls") is True

    @property
    def limits(self) -> Limits:
        return Limits(self.number("rpm"), self.number("tpm"), self.number("max_parallel_requests"))

    @property
    def order(self) -> float:
        """Those of the lowest order are tried first, those without one last (as LiteLLM does)."""
        order = self.params.get("order")
        return float(order) if isinstance(order, int | float) else float("inf")

    @property
    def tags(self) -> frozenset[str]:
        """For which requests it is meant."""
        tags = self.params.get("tags")
        return frozenset(map(str, tags)) if isinstance(tags, list) else frozenset()

    @property
    def extra_headers(self) -> Mapping[str, str]:
        """The headers that the configuration adds to calls."""
        headers = self.params.get("extra_headers") or self.params.get("headers")
        return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no caller may see of it."""
        named = (str(value) for name, value in self.params.items() if value and _SECRET.search(name))
        return tuple(
            secret for secret in (self.api_key or "", *named, *self.extra_headers.values()) if len(secret) >= _SECRET_CHARS
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """What a configuration may say of a provider.

    `environment`: for `api_key`, `api_base` and parameters, the environment variables that fill them where the configuration is
    silent, first set first. `params`: the names that the provider reads of `Target.params`. `mistake`: what a target lacks, in
    words. `models`: what `/v1/models` lists of it without a configuration, when its key is in the environment. `is_keyless`: it
    has other credentials than an `api_key`.
    """

    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: frozenset[str] = frozenset()
    mistake: Callable[[Target], str | None] = lambda _: None
    models: tuple[str, ...] = ()
    is_keyless: bool = False

    def lacks(self, target: Target) -> str | None:
        """What a target lacks to be asked, in words: a key, too, unless it is at an address of its own."""
        needs_key = "api_key" in self.environment and not (self.is_keyless or target.api_key or target.api_base)
        told = self.mistake(target) or ("api_key is missing" if needs_key else None)
        if told is None:
            return None
        named = next((variables for name, variables in self.environment.items() if told.startswith(f"{name} is missing")), ())
        return told if any(name in told for name in named) or not named else f"{told} (or {' or '.join(named)})"

    def completed(self, target: Target, environ: Mapping[str, str]) -> Target:
        """The target with what the environment says where the configuration is silent."""
        found = {name: _first(environ, variables) for name, variables in self.environment.items()}
        own = {name: value for name, value in found.items() if value and name not in ("api_key", "api_base")}
        return replace(
            target,
            api_key=target.api_key or found.get("api_key"),
            api_base=target.api_base or found.get("api_base"),
            params={**own, **{name: value for name, value in target.params.items() if value is not None}},
        )


def _first(environ: Mapping[str, str], variables: Sequence[str]) -> str | None:
    return next((environ[variable] for variable in variables if environ.get(variable)), None)
