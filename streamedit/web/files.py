"""OpenAI's Files: upload, list, look at, read, delete; and Eden AI's upload. Each key sees its own alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit.config import ServerSettings
from streamedit.files import VISION, StoredFile, new_file_id
from streamedit.filing import Filing
from streamedit.web.answers import no_database, private_answer
from streamedit.web.arrivals import arriving
from streamedit.web.auth import Door
from streamedit.web.blobs import Described, blob_answer
from streamedit.web.sse import Answers
from streamedit.wire import filing as wire
from streamedit.wire.filing import DeletedFile, EdensUpload, FileList, FileObject, SentFile

FILES = "/v1/files"
EDENS_UPLOAD = "/v3/upload"

_PRIVATE = {"cache-control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class _Unsaid:
    """What holds of an upload where its sender says nothing. `life_s`: None for one that stays."""

    fields: Mapping[str, str]
    life_s: float | None


_OPENAIS = _Unsaid({}, None)
_EDENS = _Unsaid({"purpose": VISION}, 7 * 24 * 3600.0)
"""Source of the week: the example of its guide."""


class FileRoutes:
    """The handlers. `filing`: None where there is no database."""

    def __init__(self, door: Door, filing: Filing | None, server: ServerSettings, answers: Answers) -> None:
        self._door = door
        self._filing = filing
        self._server = server
        self._answers = answers

    def routes(self) -> list[Route]:
        return [
            Route(FILES, self.create, methods=["POST"]),
            Route(FILES, self.list, methods=["GET"]),
            Route(f"{FILES}/{{id}}", self.show, methods=["GET"]),
            Route(f"{FILES}/{{id}}", self.delete, methods=["DELETE"]),
            Route(f"{FILES}/{{id}}/content", self.content, methods=["GET"]),
            Route(EDENS_UPLOAD, self.create_as_eden, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """The file that was kept."""
        owner, filing = await self._opened(request)
        return _told(FileObject.of(await self._kept(request, owner, filing, _OPENAIS)))

    async def create_as_eden(self, request: Request) -> Response:
        """The same in Eden AI's words; there a file is kept for a week, and need not have a purpose."""
        owner, filing = await self._opened(request)
        return _told(EdensUpload.of(await self._kept(request, owner, filing, _EDENS)))

    async def list(self, request: Request) -> Response:
        """A page of the files of a key."""
        owner, filing = await self._opened(request)
        page = await filing.page(owner, wire.read_list(request.query_params))
        # Ten thousand files are megabytes of JSON: no work for the event loop.
        return await to_thread.run_sync(lambda: _told(FileList.of(page.files, has_more=page.has_more)))

    async def show(self, request: Request) -> Response:
        """What is known of a file."""
        owner, filing = await self._opened(request)
        return _told(FileObject.of(await filing.find(request.path_params["id"], owner)))

    async def delete(self, request: Request) -> Response:
        """It is not there any more."""
        owner, filing = await self._opened(request)
        file_id = request.path_params["id"]
        await filing.delete(file_id, owner)
        return _told(DeletedFile(id=file_id))

    async def content(self, request: Request) -> Response:
        """A file's bytes, or a range of them."""
        owner, filing = await self._opened(request)
        file = await filing.find(request.path_params["id"], owner)
        blob = await filing.open(file)
        described = Described(file.media_type, file.filename, f'"{file.digest.hex()}"', _PRIVATE)
        return await blob_answer(request, blob, described, self._answers)

    async def _opened(self, request: Request) -> tuple[str, Filing]:
        """Whose files, and where they are. Raises Unauthorized, StoreUnavailable."""
        principal = await self._door.authenticate(request)
        if self._filing is None:
            raise no_database()
        return principal.id, self._filing

    async def _kept(self, request: Request, owner: str, filing: Filing, unsaid: _Unsaid) -> StoredFile:
        sent = await self._read(request, unsaid)
        upload = sent.content.upload
        try:
            return await filing.keep(self._file(sent, owner, unsaid.life_s), upload)
        finally:
            await upload.aclose()

    async def _read(self, request: Request, unsaid: _Unsaid) -> SentFile:
        server = self._server
        async with arriving(request.stream(), within_s=server.upload_s, silence_s=server.upload_silence_s) as body:
            content_type = request.headers.get("content-type", "")
            return await wire.read_file(content_type, body, server.storage.file_bytes, unsaid.fields)

    def _file(self, sent: SentFile, owner: str, life_s: float | None) -> StoredFile:
        """A new one; what its content is becomes known when it is kept."""
        now_s = self._door.now_s()
        life_s = sent.expires_in_s or life_s
        return StoredFile(
            id=new_file_id(),
            owner=owner,
            filename=sent.filename,
            media_type="",
            purpose=sent.purpose,
            size_bytes=sent.content.upload.size_bytes,
            digest=b"",
            blob="",
            created_at_s=now_s,
            expires_at_s=None if life_s is None else now_s + life_s,
        )


def _told(answer: FileObject | FileList | DeletedFile | EdensUpload) -> Response:
    return private_answer(answer.model_dump())
