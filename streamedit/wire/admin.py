"""What may be said of keys, groups and end users, over HTTP and by command. Times in Unix seconds.

A change is said as a merge patch (RFC 7396): what it does not name stays, null takes away.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from streamedit import allowances
from streamedit.allowances import AllowanceFields
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.parties import Allowance, ApiKey, EndUser, Group
from streamedit.wire import payloads
from streamedit.wire.forms import validated

_Model = TypeVar("_Model", bound=BaseModel)

_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
"""Neither databases nor terminals take everything."""

_LAST_S = 253_402_300_799
"""The end of the year 9999, after which calendars know nothing."""

_MAX_GRACE_S = 30 * 86_400

_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=256, pattern=_NO_CONTROLS)]
_Names: TypeAlias = Annotated[tuple[_Name, ...], Field(min_length=1, max_length=256)]
_GroupId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
_EndUserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=512, pattern=_NO_CONTROLS)]
_Metadata: TypeAlias = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64, pattern=_NO_CONTROLS)],
        Annotated[str, Field(max_length=512, pattern=_NO_CONTROLS)],
    ],
    Field(max_length=16),
]
"""As OpenAI bounds it."""


class _Described(AllowanceFields):
    metadata: _Metadata = Field(default_factory=dict)


class KeyFields(_Described):
    """What may be said of a key."""

    name: Annotated[str, Field(max_length=256, pattern=_NO_CONTROLS)] = Field(
        "", description="For those who read lists of keys."
    )
    group: _GroupId | None = Field(None, description="The id of the group that it belongs to.")
    models: _Names | None = Field(None, description="Names, or patterns with a star; null for any.")
    expires_at: Annotated[int, Field(ge=0, le=_LAST_S)] | None = Field(None, description="Unix seconds; null for never.")


class GroupFields(_Described):
    """What may be said of a group."""

    platforms: _Names | None = Field(None, description="The providers that it may use; null for any.")
    models: _Names | None = Field(None, description="Names, or patterns with a star; null for any.")
    images: bool = Field(True, description="It may edit images.")


class EndUserFields(_Described):
    """What may be said of an end user."""

    blocked: bool = Field(False, description="Nothing is done for this end user.")


class Rotation(BaseModel):
    """How a key gets a new text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grace_s: Annotated[int, Field(ge=0, le=_MAX_GRACE_S)] = Field(0, description="For so long the old text opens, too.")


class GroupAddress(BaseModel):
    """Where a group is."""

    id: _GroupId


class EndUserAddress(BaseModel):
    """Where an end user is."""

    id: _EndUserId


def read_object(body: bytes) -> Mapping[str, Json]:
    """A body's JSON object; without a body an empty one. Raises InvalidRequest."""
    try:
        value = payloads.loads(body or b"{}")
    except ValueError:
        raise InvalidRequest("The body is not valid JSON.", param="body", code="invalid_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.", param="body", code="invalid_type")
    return value


def checked(model: type[_Model], said: Mapping[str, Json]) -> _Model:
    """What is said, validated. Raises InvalidRequest naming the parameter."""
    return validated(lambda: model.model_validate(said))


def merged(fields: Mapping[str, Json], patch: Mapping[str, Json]) -> Mapping[str, Json]:
    """The fields with a patch on them. None of them is deeper than an object of values."""
    patched = {**fields, **{name: _inside(fields.get(name), value) for name, value in patch.items()}}
    return {name: value for name, value in patched.items() if value is not None}


def _inside(old: Json, new: Json) -> Json:
    if not isinstance(new, dict):
        return new
    both = {**old, **new} if isinstance(old, dict) else new
    return {name: value for name, value in both.items() if value is not None}


def key_fields(key: ApiKey) -> Mapping[str, Json]:
    """What is said of a key, to be patched."""
    expires_at = None if key.expires_at_s is None else int(key.expires_at_s)
    own = {"name": key.name, "group": key.group, "models": key.models, "expires_at": expires_at}
    return {**own, **_shared(key.allowance, key.metadata)}


def group_fields(group: Group) -> Mapping[str, Json]:
    """As of a key."""
    own = {"platforms": group.platforms, "models": group.models, "images": group.images}
    return {**own, **_shared(group.allowance, group.metadata)}


def end_user_fields(end_user: EndUser) -> Mapping[str, Json]:
    """As of a key."""
    return {"blocked": end_user.is_blocked, **_shared(end_user.allowance, end_user.metadata)}


def _shared(allowance: Allowance, metadata: Mapping[str, str]) -> Mapping[str, Json]:
    return {
        "limits": allowances.dump_limits(allowance),
        "budgets": allowances.dump_budgets(allowance),
        "metadata": metadata,
    }
