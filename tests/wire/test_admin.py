"""What may be said of keys, groups and end users: patches, and what they are put on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.budgets import Budget
from streamedit.errors import InvalidRequest
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, ApiKey, EndUser, Group
from streamedit.wire.admin import (
    EndUserFields,
    GroupFields,
    KeyFields,
    checked,
    end_user_fields,
    group_fields,
    key_fields,
    merged,
    read_object,
)

_NAMES = st.sampled_from("abc")
_VALUES = st.integers() | st.text(max_size=2)
_FIELDS = st.dictionaries(_NAMES, _VALUES | st.dictionaries(_NAMES, _VALUES))
_PATCHES = st.dictionaries(_NAMES, st.none() | _VALUES | st.dictionaries(_NAMES, st.none() | _VALUES))

ALLOWANCE = Allowance(RateLimits(60, None, 4), (Budget(1_500_000, "1d"), Budget(0)))
METADATA = {"cost": "42"}


@given(fields=_FIELDS, patch=_PATCHES)
def test_a_patch_is_a_merge_patch(fields: dict[str, Any], patch: dict[str, Any]) -> None:
    """As RFC 7396 defines it."""
    assert merged(fields, patch) == _rfc_7396(fields, patch)


def _rfc_7396(target: Any, patch: Any) -> Any:
    """Its pseudocode."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _rfc_7396(result.get(name), value)
    return result


def test_what_is_kept_can_be_said_again() -> None:
    """An empty patch changes nothing."""
    key = ApiKey("key_a", "n", b"", 1.0, 2.0, group="g", models=("a", "b"), allowance=ALLOWANCE, metadata=METADATA)
    again = checked(KeyFields, merged(key_fields(key), {}))
    assert (again.name, again.group, again.models, again.expires_at) == ("n", "g", ("a", "b"), 2)
    assert (again.read(), again.metadata) == (ALLOWANCE, METADATA)
    group = checked(GroupFields, merged(group_fields(Group("g", ("openai",), ("m",), False, ALLOWANCE, METADATA)), {}))
    assert (group.platforms, group.models, group.images, group.read()) == (("openai",), ("m",), False, ALLOWANCE)
    end_user = checked(EndUserFields, merged(end_user_fields(EndUser("u", True, ALLOWANCE, METADATA)), {}))
    assert (end_user.blocked, end_user.read(), end_user.metadata) == (True, ALLOWANCE, METADATA)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"a"', b"5"])
def test_a_body_is_an_object(body: bytes) -> None:
    """Anything else is 400."""
    with pytest.raises(InvalidRequest) as refused:
        read_object(body)
    assert (refused.value.detail.param, refused.value.detail.code) == ("body", "invalid_type")


def test_no_body_says_nothing() -> None:
    """As an empty object."""
    assert read_object(b"") == {}
