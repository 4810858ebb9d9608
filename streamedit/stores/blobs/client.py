"""A bucket's clients, and their steps: each is bounded, and told in this project's words when it fails."""

import asyncio
import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from streamedit.errors import StorageFull
from streamedit.storage import BucketSettings
from streamedit.stores.blobs.puts import unavailable

if TYPE_CHECKING:
    from obstore import BytesStream
    from obstore.store import ClientConfig, S3Config, S3Credential, S3CredentialProvider

_Result = TypeVar("_Result")

_STEP_S = 10.0
"""For each step, and for each slice of a blob."""

_CONNECT_TIME = timedelta(seconds=3)

_PART_STEPS = 3
"""A part may take so many times as long: 5 MiB within 30 s."""

_ANY_TIME = timedelta(days=7)
"""A blob is read as slowly as its reader likes: what is bounded is each slice."""

_RETRIES = 2

_FULL = re.compile(r"status code: 507|<Code>\w*(StorageFull|QuotaExceeded)</Code>")
"""S3 is never full; MinIO says XMinioStorageFull, Ceph QuotaExceeded."""


class Bucket:
    """`writer`: for whatever is one short request; `reader`: for those whose answer is read slowly. `step_s`: for one step."""

    def __init__(self, settings: BucketSettings, step_s: float = _STEP_S) -> None:
        self.step_s = step_s
        bound = timedelta(seconds=step_s)
        self.writer = _client(settings, bound, {"timeout": _PART_STEPS * bound})
        self.reader = _client(settings, bound, {"timeout": _ANY_TIME, "read_timeout": bound})

    async def ask(self, step: Awaitable[_Result]) -> _Result | None:
        """A step's result, None where there is no such blob. Raises StoreUnavailable, StorageFull."""
        with told():
            try:
                async with asyncio.timeout(self.step_s):
                    return await step
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

    async def read(self, stream: "BytesStream") -> bytes:
        """The next bytes of a blob; none at its end. Raises StoreUnavailable.

        What is given up ends by itself: dropped in the middle of a request, obstore's streams panic.
        """
        step = asyncio.ensure_future(anext(stream, b""))
        with told():
            async with asyncio.timeout(self.step_s):
                return await asyncio.shield(step)


@contextmanager
def told() -> Iterator[None]:
    """What obstore says, in this project's words."""
    try:
        yield
    except (BaseError, OSError) as error:
        if _FULL.search(str(error)):
            raise StorageFull("The bucket of this server has no room for more files now.") from error
        raise unavailable() from error


def _client(settings: BucketSettings, bound: timedelta, timeouts: "ClientConfig") -> S3Store:
    options: ClientConfig = {"allow_http": settings.allow_http, "connect_timeout": min(_CONNECT_TIME, bound), **timeouts}
    return S3Store(
        settings.name,
        prefix=settings.prefix,
        config=_config(settings),
        client_options=options,
        retry_config={"max_retries": _RETRIES, "retry_timeout": bound},
        credential_provider=_credentials(settings),
    )


def _config(settings: BucketSettings) -> "S3Config":
    # Many that speak as S3 does cannot delete in bulk.
    config: S3Config = {"disable_bulk_delete": True, "virtual_hosted_style_request": settings.virtual_hosted_style}
    if settings.region is not None:
        config["region"] = settings.region
    if settings.address is not None:
        # The one that wins over all that the environment may name.
        config["aws_endpoint_url_s3"] = settings.address
    return config


def _credentials(settings: BucketSettings) -> "S3CredentialProvider | None":
    """Those of the settings whole: a key must not meet the session token of another in the environment."""
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    credential: S3Credential = {
        "access_key_id": settings.access_key_id,
        "secret_access_key": settings.secret_access_key,
        "token": settings.session_token,
        "expires_at": None,
    }
    return lambda: credential
