"""What a server has for images that are named and not sent: callers' files, hosted results, and what is at URLs."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from streamedit.clocks import Clocks
from streamedit.config import ServerSettings
from streamedit.fetching import Fetcher
from streamedit.files import Room
from streamedit.filing import Filing
from streamedit.hosting import Hosting
from streamedit.image_urls import ImageUrlSettings
from streamedit.inputs import Inputs
from streamedit.janitor import Chore, Janitor
from streamedit.keys import Links
from streamedit.results import Results
from streamedit.storage import StorageSettings
from streamedit.stores.blobs import Blobs
from streamedit.stores.blobs.folder import FolderBlobs
from streamedit.stores.blobs.no_blobs import NoBlobs
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.files import SqlFiles

_ABANDONED_S = 24 * 3600.0
"""What puts that never ended have left is as old as that: nobody is at it any more."""


class Depot:
    """It lives as long as the server. `tls`: whom it trusts. `filing`: None without a database, which knows whose a file is."""

    def __init__(
        self,
        server: ServerSettings,
        database: Database | None,
        tls: ssl.SSLContext,
        log: structlog.typing.FilteringBoundLogger,
        clocks: Clocks,
    ) -> None:
        storage = server.storage
        room = Room(storage.key_bytes, storage.key_files)
        self._blobs = _blobs(storage)
        self._log = log
        self.filing = Filing(SqlFiles(database), self._blobs, clocks.now_s, room) if database else None
        self.results = Results(self._blobs, Links(), storage.results_s, clocks.now_s)
        self._fetcher = Fetcher(server.image_urls, tls)
        self._copier = Fetcher(_for_copies(server.image_urls), tls)
        chores: list[Chore] = [self.results.clear, partial(self._blobs.tidy, _ABANDONED_S)]
        chores += [self.filing.clear] if self.filing else []
        self.janitor = Janitor(chores, log)

    def inputs(self, server: ServerSettings) -> Inputs:
        """Whence images may come, by settings that may be newer."""
        self._fetcher = fetcher = self._fetcher.with_settings(server.image_urls)
        return Inputs(fetcher.fetch, fetcher.check, self.filing, server.max_image_bytes)

    def hosting(self, server: ServerSettings) -> Hosting:
        """Where pictures go."""
        self._copier = copier = self._copier.with_settings(_for_copies(server.image_urls))
        return Hosting(self.results, copier.fetch, self._log, server.storage.rehost, server.max_answer_bytes)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """All of it works inside. Raises StoreUnavailable, OSError."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._blobs.serving())
            await stack.enter_async_context(self.janitor.serving())
            yield


def _for_copies(settings: ImageUrlSettings) -> ImageUrlSettings:
    """For what providers have made: what is said of callers' URLs does not hold for it, but for what nobody may ask."""
    return settings.model_copy(update={"fetch": True, "allow": ()})


def _blobs(storage: StorageSettings) -> Blobs:
    if storage.bucket is not None:
        # An extra: whoever has no bucket need not have its client.
        from streamedit.stores.blobs.bucket import BucketBlobs  # noqa: PLC0415
        from streamedit.stores.blobs.client import Bucket  # noqa: PLC0415

        return BucketBlobs(Bucket(storage.bucket))
    if storage.folder is None:
        return NoBlobs()
    return FolderBlobs(storage.folder, storage.reserve_bytes)
