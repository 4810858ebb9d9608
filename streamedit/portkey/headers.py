"""Portkey's request headers: what a caller says with them of who makes the edit, and how."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from streamedit.edits import EditRequest, Wishes
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.portkey import configs, names
from streamedit.portkey.configs import Config, Retry
from streamedit.wire import forwarded as rules

PREFIX = "x-portkey-"
MAX_TRACE_CHARS = 256
_MAX_METADATA_CHARS = 8192

_SAID = ("provider", "virtual-key", "custom-host", "request-timeout")
HEADERS = tuple(
    f"{PREFIX}{name}" for name in (*_SAID, "api-key", "config", "retry-count", "forward-headers", "metadata", "trace-id")
)
"""What every caller may send; those that tell of an account depend on its provider."""

_ACCOUNT = ("openai-", "azure-", "aws-")
"""Headers that say something of a caller's account begin so."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the headers of a request say. `config`: None where the model's own plan is meant; `root`: the rest, as a config.

    `trace_id`: the caller's own. `headers`: those of the request's that every provider is to get.
    """

    root: Config
    config: Config | None
    metadata: Mapping[str, Json]
    trace_id: str | None
    headers: Mapping[str, str]

    def wished(self, wishes: Wishes) -> Wishes:
        """What is to be done whoever is asked, beside other wishes."""
        root = self.root
        return replace(
            wishes,
            retries=root.retry.count if root.retry else wishes.retries,
            timeout_s=root.request_timeout / 1000 if root.request_timeout else wishes.timeout_s,
            headers={**wishes.headers, **self.headers},
            metadata={**wishes.metadata, **{name: str(value) for name, value in self.metadata.items()}},
            trace_id=self.trace_id or wishes.trace_id,
        )

    def config_of(self, request: EditRequest) -> Config | None:
        """The config that a request is planned by: a model `@provider/model` needs no other."""
        return self.config or (self.root if (request.model or "").startswith("@") else None)


def read(headers: Mapping[str, str], own_key: str | None, stored: Mapping[str, Config]) -> Asked | None:
    """What a request's headers say; None where there are none of Portkey's. Raises InvalidRequest.

    `headers` have lower-case names. `own_key`: the caller's own for a provider. `stored`: this server's configs by their names.
    """
    if not any(name.startswith(PREFIX) for name in headers):
        return None
    root = _root(headers, own_key)
    text = headers.get(configs.HEADER)
    config = _configured(text, root, stored) if text else _named(root)
    return Asked(root, config, _metadata(headers), _trace_id(headers), forwarded(headers, _listed(headers)))


def forwarded(headers: Mapping[str, str], wanted: Iterable[str]) -> Mapping[str, str]:
    """Those of the wanted headers that a request has. Raises InvalidRequest for one that may not go to a provider."""
    try:
        checked = rules.checked({name: headers.get(name.lower(), "") for name in wanted})
    except ValueError as error:
        told = f"{PREFIX}forward-headers: {error}."
        raise InvalidRequest(told, param=f"{PREFIX}forward-headers", code="header_not_allowed") from None
    return {name: value for name, value in checked.items() if name in headers}


def listed_in(config: Config) -> Iterator[str]:
    """All headers that a config wants to pass on, to any of its targets."""
    yield from config.forward_headers or ()
    for target in config.targets:
        yield from listed_in(target)


def _root(headers: Mapping[str, str], own_key: str | None) -> Config:
    """What the headers say by themselves. Raises InvalidRequest."""
    given = ((name.removeprefix(PREFIX), text) for name, text in headers.items() if name.startswith(PREFIX) and text)
    said: dict[str, object] = {name.replace("-", "_"): text for name, text in given if _is_said(name)}
    if retries := headers.get(f"{PREFIX}retry-count"):
        said["retry"] = {"attempts": retries}
    try:
        return Config.model_validate({**said, "api_key": own_key})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0] if first["loc"] else first.get("ctx", {}).get("name", ""))
        name = f"{PREFIX}retry-count" if field == "retry" else PREFIX + field.replace("_", "-")
        raise InvalidRequest(f"{name}: {first['msg']}", param=name, code="invalid_value") from None


def _is_said(name: str) -> bool:
    return name in _SAID or name.startswith(_ACCOUNT) or name.endswith("guardrails")


def _named(root: Config) -> Config | None:
    """The headers by themselves, when they say who is asked."""
    if root.provider or root.virtual_key:
        return root
    if root.custom_host or root.azure_resource_name:
        told = "Either x-portkey-config or x-portkey-provider header is required"
        raise InvalidRequest(told, param=f"{PREFIX}provider", code="missing_required_parameter")
    return None


def _configured(text: str, root: Config, stored: Mapping[str, Config]) -> Config:
    """What a config says, and the headers beside it; but nothing of theirs says where a stored one's key goes."""
    config = configs.parse(text, stored)
    if text in stored and config.has_keys:
        root = Config(retry=root.retry, request_timeout=root.request_timeout)
    return _merged(config, root)


def _merged(config: Config, root: Config) -> Config:
    """A config with what the headers say beside it; their host and time go before its own.

    Who has sent a config is asked for retries in it: without a word there are none. The caller's key and account are for the
    config itself, not for its targets: a key is never sent to whom it was not meant for.
    """
    before = {name: value for name in ("custom_host", "request_timeout") if (value := getattr(root, name)) is not None}
    retry = config.retry or root.retry or Retry(attempts=0)
    providers = {names.ours(name) for name in (config.provider, root.provider) if name}
    is_for_it = config.strategy is None and len(providers) < 2
    silent = [name for name in Config.model_fields if is_for_it and getattr(config, name) is None]
    return config.model_copy(update={**{name: getattr(root, name) for name in silent}, **before, "retry": retry})


def _listed(headers: Mapping[str, str]) -> Iterator[str]:
    """portkey-ai writes `x_tenant` here for a header that it sends as `x-tenant`."""
    listed = (name.strip().lower() for name in headers.get(f"{PREFIX}forward-headers", "").split(","))
    yield from (name if name in headers else name.replace("_", "-") for name in listed if name)


def _metadata(headers: Mapping[str, str]) -> Mapping[str, Json]:
    text = headers.get(f"{PREFIX}metadata")
    if not text:
        return {}
    try:
        value = json.loads(text) if len(text) <= _MAX_METADATA_CHARS else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or any(isinstance(each, dict | list) for each in value.values()):
        raise _mistake("metadata", f"must be a JSON object of texts, of at most {_MAX_METADATA_CHARS} characters")
    return {name: each for name, each in value.items() if each is not None}


def _trace_id(headers: Mapping[str, str]) -> str | None:
    trace_id = headers.get(f"{PREFIX}trace-id", "")
    if len(trace_id) > MAX_TRACE_CHARS or not (trace_id.isascii() and trace_id.isprintable()):
        raise _mistake("trace-id", f"must be at most {MAX_TRACE_CHARS} printable ASCII characters")
    return trace_id or None


def _mistake(name: str, told: str) -> InvalidRequest:
    return InvalidRequest(f"{PREFIX}{name} {told}.", param=f"{PREFIX}{name}", code="invalid_value")
