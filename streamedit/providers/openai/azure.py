"""Azure OpenAI: OpenAI's API under a resource's address, with an `api-key` or a token of Entra ID.

    {api_base}/openai/deployments/{model}/images/edits?api-version=V    for a dated `api_version`; no `model` in the form
    {api_base}/openai/v1/images/edits                                   for `preview`, `latest`, `v1` or none

`api_base` is the resource's address; whatever it has from `/openai` on is understood: a deployment there is the one that is
called, `/openai/v1` chooses that surface, and an `api-version` is the version where the configuration names none. A `model` is
the name of a deployment. A key goes before a token, a token before the credentials of a client (`tenant_id`, `client_id`,
`client_secret`). Sources: Microsoft's how-to of Azure OpenAI image models (2026-04) and openai-python 3.52.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities, Support
from streamedit.providers.openai import entra
from streamedit.providers.openai.dialect import Dialect, Speaker
from streamedit.providers.openai.form import Form
from streamedit.targets import Setup, Target
from streamedit.wire import bodies

_V1_VERSIONS = ("preview", "latest", "v1")
_DATED_VERSION = "2025-04-01-preview"
"""The one that Microsoft's pages name for edits; for a base that has a deployment and no version."""

_API_PATH = re.compile(r"/(openai|providers|mai|models)(?=/|$).*", re.IGNORECASE)
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)", re.IGNORECASE)
_V1_PATH = re.compile(r"/openai/v1(?=/|$)", re.IGNORECASE)

BLOCKS = frozenset({"contentFilter", "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})

CAPABILITIES = Capabilities(
    streams=True,
    partial_images=True,
    n=10,
    inputs=("png", "jpeg"),
    formats=("png", "jpeg", "webp"),
    parameters={
        **dict.fromkeys(("size", "quality", "background", "input_fidelity", "user", "mask"), Support.NATIVE),
        **dict.fromkeys(("output_format", "output_compression"), Support.MAPPED),
    },
    verbatim=True,
)
FAMILIES = {"azure/*": CAPABILITIES}

_SENT = ("n", "size", "quality", "background", "output_format", "output_compression", "input_fidelity", "user")


def address(target: Target) -> tuple[str, str, str | None]:
    """The resource's address, what its base has of an API's path behind that, and the version of the API."""
    parts = urlsplit(target.api_base or "")
    version = target.text("api_version") or next(iter(parse_qs(parts.query).get("api-version", [])), None)
    found = _API_PATH.search(parts.path)
    before, path = (parts.path[: found.start()], found[0]) if found else (parts.path, "")
    return urlunsplit((parts.scheme, parts.netloc, before.rstrip("/"), "", "")), path, version


@dataclass(frozen=True, slots=True)
class Surface:
    """Where a target's API is: a resource's address, and a deployment's name with a version, or none of both for v1."""

    base: str
    deployment: str | None
    version: str | None

    @classmethod
    def of(cls, target: Target) -> "Surface":
        """As the target's base, version and model say."""
        base, path, version = address(target)
        named = _DEPLOYMENT.match(path)
        if named is not None and version not in _V1_VERSIONS:
            return cls(base, named[1], version or _DATED_VERSION)
        if version in (None, *_V1_VERSIONS) or _V1_PATH.match(path):
            return cls(base, None, "preview" if version == "preview" else None)
        return cls(base, quote(target.model, safe=""), version)

    @property
    def url(self) -> str:
        """Of image edits."""
        path = "v1" if self.deployment is None else f"deployments/{self.deployment}"
        query = f"?api-version={quote(self.version)}" if self.version else ""
        return f"{self.base}/openai/{path}/images/edits{query}"


def _url(target: Target) -> str:
    return Surface.of(target).url


def explain(body: Json, headers: Mapping[str, str]) -> Mapping[str, Json]:
    """OpenAI's envelope; what its filters have found is in an inner error."""
    said = bodies.explain(body, headers)
    inner = said.get("innererror") or said.get("inner_error")
    if not isinstance(inner, dict) or inner.get("code") != "ResponsibleAIPolicyViolation":
        return said
    found = inner.get("content_filter_result") or inner.get("content_filter_results")
    found = found if isinstance(found, dict) else {}
    kinds = [kind for kind, result in found.items() if isinstance(result, dict) and result.get("filtered") is True]
    message = f"{said.get('message') or 'Filtered.'} ({', '.join(kinds)})" if kinds else said.get("message")
    return {**said, "code": inner["code"], "message": message}


_V1 = Dialect(
    CAPABILITIES, Form(_SENT, streams=True, formats=("png", "jpeg")), _url, entra.headers, explain=explain, blocks=BLOCKS
)
_CLASSIC = replace(_V1, form=replace(_V1.form, model=False))


def mistake(target: Target) -> str | None:
    """What a target lacks, in words."""
    return entra.mistake(target) if target.api_base else "api_base is missing: the address of the resource"


SETUP = Setup(
    environment={
        "api_key": ("AZURE_API_KEY",),
        "api_base": ("AZURE_API_BASE",),
        "api_version": ("AZURE_API_VERSION",),
        **entra.ENVIRONMENT,
    },
    params=frozenset({"api_version", "stream"}) | entra.PARAMS,
    mistake=mistake,
)
"""No models: a deployment may have any name."""


class Azure(Speaker):
    """The provider `azure`."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools, _dialect_of, entra.EntraTokens(tools).authorized)


def _dialect_of(target: Target) -> Dialect:
    return _V1 if Surface.of(target).deployment is None else _CLASSIC
