"""Images that a request only names, brought in before anybody is asked: from the caller's files, and from URLs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from streamedit.edits import EditRequest, Reference
from streamedit.errors import EditError, InvalidRequest, NotFound, TooLarge
from streamedit.fetching import Fetch
from streamedit.files import StoredFile
from streamedit.filing import Filing
from streamedit.uploads import Upload

_AT_ONCE = 4
"""Of one request's images: others have a right to be fetched, too."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Brings images in. `check_url`: refuses a URL by its text. `filing`: None on a server that keeps no files."""

    fetch: Fetch
    check_url: Callable[[str, str], None]
    filing: Filing | None = None
    max_image_bytes: int = 50 << 20

    async def check(self, request: EditRequest, owner: str, *, with_urls: bool = True) -> None:
        """Refuse what can be refused without bringing anything in; URLs unless they are passed on as such.

        Raises InvalidRequest, TooLarge, StoreUnavailable.
        """
        for reference in request.references():
            if reference.url is None:
                await self._find(reference, owner)
            elif with_urls:
                self.check_url(reference.url, reference.param)

    async def bring(self, request: EditRequest, owner: str, *, with_urls: bool = True) -> None:
        """Fill the uploads of the images that the request names; those at URLs unless they are passed on as such.

        Raises what `check` raises; of several failures that of the first image.
        """
        named = [(image.upload, image.reference) for image in request.files() if image.reference is not None]
        wanted = [(upload, reference) for upload, reference in named if with_urls or reference.url is None]
        if not wanted:
            return
        turns = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            bringing = [tasks.create_task(self._failure_of(each, owner, turns)) for each in wanted]
        failures = (task.result() for task in bringing)
        if failed := next((failure for failure in failures if failure is not None), None):
            raise failed

    async def _failure_of(self, named: tuple[Upload, Reference], owner: str, turns: asyncio.Semaphore) -> EditError | None:
        """As a result: an exception would hide which image was first."""
        async with turns:
            try:
                await self._bring(*named, owner)
            except EditError as error:
                return error
        return None

    async def _bring(self, upload: Upload, reference: Reference, owner: str) -> None:
        if reference.url is not None:
            await self.fetch(reference.url, reference.param, upload, self.max_image_bytes)
            return
        filing, file = await self._find(reference, owner)
        try:
            blob = await filing.open(file)
        except NotFound as error:
            raise _no_such_file(reference) from error
        try:
            async for slice_ in blob.slices():
                upload.feed(slice_)
                await upload.flush()
        finally:
            await blob.aclose()

    async def _find(self, reference: Reference, owner: str) -> tuple[Filing, StoredFile]:
        if self.filing is None:
            told = "file_id is not supported here: this server has no database (use image_url instead)."
            raise InvalidRequest(told, param=reference.param, code="unsupported_parameter")
        try:
            file = await self.filing.find(reference.file_id or "", owner)
        except NotFound as error:
            raise _no_such_file(reference) from error
        if not file.size_bytes:
            raise InvalidRequest("The file is empty.", param=reference.param, code="empty_image")
        if file.size_bytes > self.max_image_bytes:
            told = f"The file is larger than {self.max_image_bytes} bytes."
            raise TooLarge(told, param=reference.param, code="image_too_large")
        return self.filing, file


def _no_such_file(reference: Reference) -> InvalidRequest:
    return InvalidRequest("There is no such file.", param=reference.param, code="file_not_found")
