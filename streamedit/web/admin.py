"""Keys, groups and end users over HTTP, for whoever has a master key. A key's text is told once, when it is made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit.budgets import Spend
from streamedit.config import ServerSettings
from streamedit.errors import UnsupportedBody
from streamedit.events import Json
from streamedit.parties import Member, scope_of
from streamedit.registrar import Registrar
from streamedit.stores import Spends
from streamedit.web.answers import no_database, private_answer
from streamedit.web.arrivals import arriving
from streamedit.web.auth import Door
from streamedit.wire import objects
from streamedit.wire.admin import read_object
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.objects import DeletedObject

KEYS = "/v1/admin/keys"
GROUPS = "/v1/admin/groups"
END_USERS = "/v1/admin/end_users"

_LIMITS = BodyLimits(body_bytes=64 << 10, image_bytes=0)

_Spent: TypeAlias = Mapping[str, Sequence[Spend]]
"""Of each scope's budgets, by its name."""

_Handler: TypeAlias = Callable[[Registrar, Request], Awaitable[Response]]


class AdminRoutes:
    """The handlers. `registrar`: None where there is no database; `spends`: None where nobody counts what is spent."""

    def __init__(self, door: Door, registrar: Registrar | None, spends: Spends | None, server: ServerSettings) -> None:
        self._door = door
        self._registrar = registrar
        self._spends = spends
        self._server = server

    def routes(self) -> list[Route]:
        return [
            self._route(KEYS, GET=self.list_keys, POST=self.create_key),
            self._route(f"{KEYS}/{{id}}", GET=self.show_key, PATCH=self.change_key, DELETE=self.revoke_key),
            self._route(f"{KEYS}/{{id}}/rotate", POST=self.rotate_key),
            self._route(GROUPS, GET=self.list_groups),
            self._route(f"{GROUPS}/{{id}}", GET=self.show_group, PUT=self.put_group, DELETE=self.delete_group),
            self._route(END_USERS, GET=self.list_end_users),
            # Others choose these names: there may be slashes in them.
            self._route(f"{END_USERS}/{{id:path}}", GET=self.show_end_user, PUT=self.put_end_user, DELETE=self.delete_end_user),
        ]

    async def list_keys(self, registrar: Registrar, _: Request) -> Response:
        return await self._list(await registrar.keys())

    async def create_key(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(*await registrar.create_key(await self._said(request)))

    async def show_key(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.key(_id(request)))

    async def change_key(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.change_key(_id(request), await self._said(request)))

    async def rotate_key(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(*await registrar.rotate_key(_id(request), await self._said(request)))

    async def revoke_key(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.revoke_key(_id(request)))

    async def list_groups(self, registrar: Registrar, _: Request) -> Response:
        return await self._list(await registrar.groups())

    async def show_group(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.group(_id(request)))

    async def put_group(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.put_group(_id(request), await self._said(request)))

    async def delete_group(self, registrar: Registrar, request: Request) -> Response:
        await registrar.delete_group(_id(request))
        return private_answer(DeletedObject(object="group.deleted", id=_id(request)).model_dump())

    async def list_end_users(self, registrar: Registrar, _: Request) -> Response:
        return await self._list(await registrar.end_users())

    async def show_end_user(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.end_user(_id(request)))

    async def put_end_user(self, registrar: Registrar, request: Request) -> Response:
        return await self._told(await registrar.put_end_user(_id(request), await self._said(request)))

    async def delete_end_user(self, registrar: Registrar, request: Request) -> Response:
        await registrar.delete_end_user(_id(request))
        return private_answer(DeletedObject(object="end_user.deleted", id=_id(request)).model_dump())

    async def _told(self, member: Member, text: str | None = None) -> Response:
        """What is kept of a member; `text`: of a key that was made just now."""
        told = _object(member, await self._spends_of([member]))
        return private_answer(told if text is None else {**told, "key": text})

    async def _list(self, members: Sequence[Member]) -> Response:
        # There may be thousands: no work for the event loop.
        return await to_thread.run_sync(_listed, members, await self._spends_of(members))

    async def _spends_of(self, members: Sequence[Member]) -> _Spent:
        return {} if self._spends is None else await self._spends.of([scope_of(member) for member in members])

    async def _said(self, request: Request) -> Mapping[str, Json]:
        """A body's JSON object. Raises CallerError."""
        body = bytearray()
        upload_s, silence_s = self._server.upload_s, self._server.upload_silence_s
        async with arriving(request.stream(), within_s=upload_s, silence_s=silence_s) as pieces:
            async for piece in pieces:
                body += piece
                _LIMITS.check_body(len(body))
        if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedBody("Send application/json.", param="content-type")
        return read_object(bytes(body))

    def _route(self, path: str, **handlers: _Handler) -> Route:
        """Each handler by its method; nobody comes to one without a master key."""

        async def handle(request: Request) -> Response:
            await self._door.authenticate_master(request)
            if self._registrar is None:
                raise no_database()
            return await handlers["GET" if request.method == "HEAD" else request.method](self._registrar, request)

        return Route(path, handle, methods=list(handlers))


def _id(request: Request) -> str:
    address: str = request.path_params["id"]
    return address


def _listed(members: Sequence[Member], spent: _Spent) -> Response:
    return private_answer({"object": "list", "data": [_object(member, spent) for member in members]})


def _object(member: Member, spent: _Spent) -> Mapping[str, Json]:
    return objects.of(member, spent.get(scope_of(member).name, ())).model_dump(mode="json")
