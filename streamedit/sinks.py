"""Where the reports of edits go besides the log and Prometheus, as a configuration says it."""

import base64
import binascii
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

EventType: TypeAlias = Literal["image_edit.completed", "image_edit.failed", "image_edit.cancelled"]
"""What webhooks tell of."""

_ALL_EVENTS: tuple[EventType, ...] = ("image_edit.completed", "image_edit.failed", "image_edit.cancelled")

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
_SECRET_BYTES = range(24, 65)
"""Standard Webhooks: at least 192 bits, 512 at most."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def _checked_secret(secret: str) -> str:
    try:
        size_bytes = len(_decoded(secret)) if secret.startswith(_SECRET_PREFIX) else 0
    except binascii.Error:
        size_bytes = 0
    if size_bytes not in _SECRET_BYTES:
        raise PydanticCustomError("secret", "must be whsec_ and 24 to 64 random bytes in base64")
    return secret


def _decoded(secret: str) -> bytes:
    """Padded or not, as Standard Webhooks' own libraries take it."""
    text = secret.removeprefix(_SECRET_PREFIX).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _checked_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        is_good = False
    if not is_good:
        raise PydanticCustomError("url", "must be an address with http:// or https://")
    return url


_Address = Annotated[str, AfterValidator(_checked_address)]


def _some(events: tuple[EventType, ...]) -> tuple[EventType, ...]:
    if not events:
        raise PydanticCustomError("events", "must name one at least")
    return events


class Webhook(BaseModel):
    """One receiver. What `url` holds beyond its host may be a secret, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: _Address = Field(repr=False)
    secret: Annotated[str, AfterValidator(_checked_secret)] = Field(repr=False)
    events: Annotated[tuple[EventType, ...], AfterValidator(_some)] = _ALL_EVENTS

    @property
    def key(self) -> bytes:
        """What signatures are made with."""
        return _decoded(self.secret)

    @property
    def receiver(self) -> str:
        """As logs name it: by its host."""
        return urlsplit(self.url).hostname or ""


def _can_trace() -> bool:
    # Many packages bring something of `opentelemetry` along: what counts is the exporter.
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


class Otel(BaseModel):
    """OpenTelemetry's collector. Without an `endpoint` that of its own variables, else the one on this machine.

    Everything else is said by the variables of OpenTelemetry's SDK: `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: _Address | None = None
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    service_name: str | None = None

    @property
    def traces_url(self) -> str | None:
        """The endpoint is a base, as in `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"{self.endpoint.removesuffix('/')}/v1/traces" if self.endpoint else None


def _traceable(otel: Otel | None) -> Otel | None:
    if otel is not None and not _can_trace():
        raise PydanticCustomError("otel", "needs OpenTelemetry's exporter: pip install 'streamedit[otel]'")
    return otel


TraceableOtel: TypeAlias = Annotated[Otel | None, AfterValidator(_traceable)]
"""A collector, where this installation can speak to one."""


def otel_of(environ: Mapping[str, str]) -> Otel | None:
    """The collector that OpenTelemetry's own variables name; they often are there for everybody on a machine."""
    return Otel() if _variable(environ) and _can_trace() else None


def untraced(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variable that names a collector to which this installation cannot speak."""
    name = _variable(environ)
    return (f"{name} (needs streamedit[otel])",) if name and not _can_trace() else ()


def _variable(environ: Mapping[str, str]) -> str | None:
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    return None if is_off else next((name for name in _ENDPOINTS if environ.get(name)), None)
