"""AWS credentials and signatures (SigV4), both botocore's: an optional extra, imported only where a call is to be signed.

Credentials are a configuration's own (keys, a profile, a role to assume) or those that botocore finds by itself: environment,
shared files, single sign-on, web identity, container and instance roles. They are kept, and renewed before they expire. The
names of the parameters are LiteLLM's.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from anyio import CapacityLimiter, to_thread
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # botocore has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # botocore has no types
from botocore.config import Config  # type: ignore[import-untyped]  # botocore has no types
from botocore.credentials import (  # type: ignore[import-untyped]  # botocore has no types
    AssumeRoleCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # botocore has no types
from botocore.session import Session  # type: ignore[import-untyped]  # botocore has no types

from streamedit.errors import UpstreamUnreachable
from streamedit.targets import Target
from streamedit.upstream.client import Call, RequestBody

_THREADS = 4
"""Finding credentials can take seconds: other work in threads shall not wait for it."""

_STS = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class _Frozen(Protocol):
    """Keys that belong together."""

    access_key: str
    secret_key: str
    token: str | None


class _Credentials(Protocol):
    """What botocore has for a source of keys."""

    def get_frozen_credentials(self) -> _Frozen: ...


class Signer:
    """Signs calls to one service. `service`: its signing name."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._limiter = CapacityLimiter(_THREADS)
        self._found: dict[tuple[str, ...], _Credentials] = {}

    async def signed_headers(self, call: Call, target: Target, region: str) -> Mapping[str, str]:
        """The call's headers and those of its signature, names in lower case.

        The body is read once for that, to its end, and not kept. Raises UpstreamUnreachable when there are no credentials.
        """
        headers = {**call.headers, "x-amz-content-sha256": await _sha256(call.body)}
        if call.body is not None:
            headers["content-type"] = call.body.content_type
        request = AWSRequest(call.method, call.url, headers)
        sign = partial(self._sign, request, target, region)
        try:
            return await to_thread.run_sync(sign, abandon_on_cancel=True, limiter=self._limiter)
        except (BotoCoreError, ClientError) as error:
            raise _no_credentials() from error

    def _sign(self, request: AWSRequest, target: Target, region: str) -> Mapping[str, str]:
        SigV4Auth(self._keys(target, region), self._service, region).add_auth(request)
        return {name.lower(): value for name, value in request.headers.items()}

    def _keys(self, target: Target, region: str) -> _Frozen:
        """A caller's own are not kept: they are for one call, and callers are many."""
        if target.is_callers:
            return _find(target, region).get_frozen_credentials()
        source = (region, *sorted(f"{name}={value}" for name, value in target.params.items() if name.startswith("aws_")))
        if source not in self._found:
            self._found[source] = _find(target, region)
        return self._found[source].get_frozen_credentials()


async def _sha256(body: RequestBody | None) -> str:
    """The hash of a body, piece by piece: it may be 25 MB, which is no work for the event loop."""
    digest = hashlib.sha256()
    if body is not None:
        async for piece in body:
            await to_thread.run_sync(digest.update, piece)
    return digest.hexdigest()


def _find(target: Target, region: str) -> _Credentials:
    """Raises UpstreamUnreachable, BotoCoreError."""
    session = Session(profile=target.text("aws_profile_name"))
    found: _Credentials | None = _own(target) or session.get_credentials()
    if found is None:
        raise _no_credentials()
    role = target.text("aws_role_name")
    if role is None:
        return found
    create = partial(session.create_client, region_name=region, endpoint_url=target.text("aws_sts_endpoint"), config=_STS)
    return _assumed(role, found, create, target)


def _own(target: Target) -> _Credentials | None:
    """The keys that stand in the configuration."""
    access_key, secret_key = target.text("aws_access_key_id"), target.text("aws_secret_access_key")
    if access_key is None or secret_key is None:
        return None
    own: _Credentials = Credentials(access_key, secret_key, target.text("aws_session_token"))
    return own


def _assumed(role: str, source: _Credentials, create: Callable[..., object], target: Target) -> _Credentials:
    """The keys that STS gives for a role, renewed before they expire."""
    given = {"RoleSessionName": target.text("aws_session_name"), "ExternalId": target.text("aws_external_id")}
    arguments = {name: value for name, value in given.items() if value is not None}
    fetcher = AssumeRoleCredentialFetcher(create, source, role, arguments)
    assumed: _Credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return assumed


def _no_credentials() -> UpstreamUnreachable:
    """Nothing is told of why: the reasons name accounts and roles."""
    return UpstreamUnreachable("This server has no valid AWS credentials.", code="upstream_unauthorized")
