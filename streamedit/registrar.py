"""Who gives out keys and takes them away, and says what groups and end users may do: over HTTP and by command.

Every change takes effect at once where `changed` is called, and within two seconds elsewhere.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from streamedit.errors import InvalidRequest, NotFound, param_path
from streamedit.events import Json
from streamedit.keys import digest_of, make_key
from streamedit.parties import ApiKey, EndUser, Group
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.wire.admin import (
    EndUserAddress,
    EndUserFields,
    GroupAddress,
    GroupFields,
    KeyFields,
    Rotation,
    checked,
    end_user_fields,
    group_fields,
    key_fields,
    merged,
)

_Found = TypeVar("_Found")

_KEY_ID = re.compile(r"key_[a-z0-9]{12}")


class Registrar:
    """Its methods take what is said as JSON. All raise StoreUnavailable; InvalidRequest and NotFound name the parameter.

    `platforms`: the providers that there are. `now_s` gives Unix time.
    """

    def __init__(
        self,
        registry: SqlRegistry,
        platforms: Collection[str],
        now_s: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._platforms = platforms
        self._now_s = now_s
        self._changed = changed

    async def keys(self) -> Sequence[ApiKey]:
        """All, the oldest first; revoked ones, too."""
        return await self._registry.keys()

    async def key(self, key_id: str) -> ApiKey:
        return _found(await self._registry.key(_key_id(key_id)), "API key", "api_key_not_found")

    async def create_key(self, said: Mapping[str, Json]) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody will know again."""
        fields = checked(KeyFields, merged({}, said))
        await self._check_key(fields, said)
        key_id, text = make_key()
        key = _with(ApiKey(key_id, fields.name, digest_of(text), self._now_s()), fields)
        await self._registry.save_key(key)
        self._changed()
        return key, text

    async def change_key(self, key_id: str, patch: Mapping[str, Json]) -> ApiKey:
        """A key as a patch makes it; its text stays."""
        await self._check_key(_patched(await self.key(key_id), patch), patch)
        return await self._change(key_id, lambda key: _with(_not_revoked(key), _patched(key, patch)))

    async def rotate_key(self, key_id: str, said: Mapping[str, Json]) -> tuple[ApiKey, str]:
        """The same key with a new text; the old one opens for `grace_s` seconds more."""
        grace_s = checked(Rotation, said).grace_s
        _, text = make_key(key_id)
        until_s = self._now_s() + grace_s if grace_s else None

        def rotated(key: ApiKey) -> ApiKey:
            previous = key.digest if grace_s else None
            return replace(_not_revoked(key), digest=digest_of(text), previous_digest=previous, previous_until_s=until_s)

        return await self._change(key_id, rotated), text

    async def revoke_key(self, key_id: str) -> ApiKey:
        """A key that opens nothing any more, from now on or from when it was revoked."""
        now_s = self._now_s()
        return await self._change(key_id, lambda key: replace(key, revoked_at_s=key.revoked_at_s or now_s))

    async def groups(self) -> Sequence[Group]:
        """All, the oldest first."""
        return await self._registry.groups()

    async def group(self, group_id: str) -> Group:
        return _found(await self._registry.group(_group_id(group_id)), "group", "group_not_found")

    async def put_group(self, group_id: str, said: Mapping[str, Json]) -> Group:
        """A group of which nothing but this is said."""
        return await self._save_group(group_id, merged({}, said), await self._registry.group(_group_id(group_id)))

    async def change_group(self, group_id: str, patch: Mapping[str, Json]) -> Group:
        """A group as a patch makes it, of nothing if there is none."""
        known = await self._registry.group(_group_id(group_id))
        return await self._save_group(group_id, merged(group_fields(known) if known else {}, patch), known)

    async def delete_group(self, group_id: str) -> None:
        """Let a group go, to which no key belongs any more."""
        if any(key.group == group_id and key.revoked_at_s is None for key in await self._registry.keys()):
            raise InvalidRequest("The group still has keys: move or revoke them first.", param="id", code="group_in_use")
        _found(await self._registry.delete_group(_group_id(group_id)) or None, "group", "group_not_found")
        self._changed()

    async def end_users(self) -> Sequence[EndUser]:
        """All that something was said of, the oldest first."""
        return await self._registry.end_users()

    async def end_user(self, end_user_id: str) -> EndUser:
        return _found(await self._registry.end_user(_end_user_id(end_user_id)), "end user", "end_user_not_found")

    async def put_end_user(self, end_user_id: str, said: Mapping[str, Json]) -> EndUser:
        """An end user of whom nothing but this is said."""
        return await self._save_end_user(
            end_user_id, merged({}, said), await self._registry.end_user(_end_user_id(end_user_id))
        )

    async def change_end_user(self, end_user_id: str, patch: Mapping[str, Json]) -> EndUser:
        """An end user as a patch makes them, of nothing if there is none."""
        known = await self._registry.end_user(_end_user_id(end_user_id))
        return await self._save_end_user(end_user_id, merged(end_user_fields(known) if known else {}, patch), known)

    async def delete_end_user(self, end_user_id: str) -> None:
        """Let an end user be like those of whom nothing was said."""
        there = await self._registry.delete_end_user(_end_user_id(end_user_id))
        _found(there or None, "end user", "end_user_not_found")
        self._changed()

    async def _check_key(self, fields: KeyFields, said: Mapping[str, Json]) -> None:
        """What is said anew must be so now; what was said before may have changed since."""
        if said.get("expires_at") is not None and fields.expires_at is not None and fields.expires_at <= self._now_s():
            raise InvalidRequest("expires_at is not in the future.", param="expires_at", code="invalid_value")
        if said.get("group") is not None and fields.group and await self._registry.group(fields.group) is None:
            raise InvalidRequest("There is no such group.", param="group", code="group_not_found")

    async def _change(self, key_id: str, step: Callable[[ApiKey], ApiKey]) -> ApiKey:
        key = _found(await self._registry.change_key(_key_id(key_id), step), "API key", "api_key_not_found")
        self._changed()
        return key

    async def _save_group(self, group_id: str, said: Mapping[str, Json], known: Group | None) -> Group:
        fields = checked(GroupFields, said)
        self._check_platforms(fields.platforms or ())
        created_at_s = known.created_at_s if known else self._now_s()
        group = Group(group_id, fields.platforms, fields.models, fields.images, fields.read(), fields.metadata, created_at_s)
        await self._registry.save_group(group)
        self._changed()
        return group

    def _check_platforms(self, names: Sequence[str]) -> None:
        for index, name in enumerate(names):
            if name not in self._platforms:
                known = ", ".join(self._platforms)
                param = param_path(("platforms", index))
                raise InvalidRequest(
                    f"{param}: there is no such provider; there are: {known}.", param=param, code="invalid_value"
                )

    async def _save_end_user(self, end_user_id: str, said: Mapping[str, Json], known: EndUser | None) -> EndUser:
        fields = checked(EndUserFields, said)
        created_at_s = known.created_at_s if known else self._now_s()
        end_user = EndUser(end_user_id, fields.blocked, fields.read(), fields.metadata, created_at_s)
        await self._registry.save_end_user(end_user)
        self._changed()
        return end_user


def _found(there: _Found | None, what: str, code: str) -> _Found:
    if there is None:
        raise NotFound(f"There is no such {what}.", param="id", code=code)
    return there


def _not_revoked(key: ApiKey) -> ApiKey:
    if key.revoked_at_s is not None:
        raise InvalidRequest("The key is revoked, for good.", param="id", code="api_key_revoked")
    return key


def _patched(key: ApiKey, patch: Mapping[str, Json]) -> KeyFields:
    return checked(KeyFields, merged(key_fields(key), patch))


def _with(key: ApiKey, fields: KeyFields) -> ApiKey:
    """The key as it is said to be."""
    return replace(
        key,
        name=fields.name,
        expires_at_s=fields.expires_at,
        group=fields.group,
        models=fields.models,
        allowance=fields.read(),
        metadata=fields.metadata,
    )


def _key_id(text: str) -> str:
    """None other was ever given out."""
    return _found(text if _KEY_ID.fullmatch(text) else None, "API key", "api_key_not_found")


def _group_id(text: str) -> str:
    return checked(GroupAddress, {"id": text}).id


def _end_user_id(text: str) -> str:
    return checked(EndUserAddress, {"id": text}).id
