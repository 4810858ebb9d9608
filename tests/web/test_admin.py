"""Keys, groups and end users over HTTP: whoever has a master key manages them, on either database."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openapi_spec_validator
import pytest
from databases import KINDS, fresh_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import RunningServer, serving, settings_of

from streamedit.keys import digest_of, id_of
from streamedit.parties import ApiKey
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.targets import Target

MOCK = Target("mock", "mock", params={"mock_pace_s": 0})
MASTER = {"authorization": "Bearer sk-master"}
JSON = {"content-type": "application/json"}
MISSPELT = {"platforms": ["openai", "opnai"]}
LATER = 4_000_000_000

Api = httpx.Client


@pytest.fixture(scope="module", params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an empty database."""
    with fresh_database(request.param, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="module")
def locked(database_url: str) -> Iterator[RunningServer]:
    """A server with a master key and a database."""
    with serving(settings_of(MOCK, keys=("sk-master",), database_url=database_url)) as running:
        yield running


@pytest.fixture(scope="module")
def api(locked: RunningServer) -> Iterator[Api]:
    """Whoever manages its keys."""
    with httpx.Client(base_url=f"{locked.url}/v1/admin", headers=MASTER) as client:
        yield client


def _kept(database_url: str, key_id: str) -> ApiKey:
    """A key as it is in the database."""

    async def read() -> ApiKey | None:
        database = Database(database_url)
        async with database.serving():
            return await SqlRegistry(database).key(key_id)

    key = asyncio.run(read())
    assert key is not None
    return key


def _made(api: Api, **said: Any) -> dict[str, Any]:
    answer = api.post("/keys", json=said)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _without(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}


def _refused(answer: httpx.Response, status: int, param: str | None, code: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (status, param, code), answer.text
    assert error["message"]


def test_a_key_tells_its_text_once(api: Api) -> None:
    """The answer to its making has it, no other does; all that was said of it is kept; nothing may be cached."""
    api.put("/groups/team", json={}).raise_for_status()
    said = {
        "name": "Ada's", "group": "team", "models": ["gpt-image-*"], "expires_at": LATER, "metadata": {"cost": "42"},
        "limits": {"requests_per_minute": 60}, "budgets": [{"limit_usd": 1.5, "period": "daily"}],
    }  # fmt: skip
    answer = api.post("/keys", json=said)
    made = answer.json()
    shown = api.get(f"/keys/{made['id']}")
    assert answer.headers["cache-control"] == shown.headers["cache-control"] == "no-store"
    assert id_of(made["key"]) == made["id"]
    assert made["key"].startswith(f"{made['prefix']}-")
    assert shown.json() == _without(made, "key")
    spend = made["budgets"][0].pop("spend")
    assert (spend["spent_micros"], spend["reserved_micros"], spend["left_micros"]) == (0, 0, 1_500_000)
    assert _without(made, "id", "key", "prefix", "created_at") == {
        **said, "object": "api_key", "revoked_at": None, "previous_expires_at": None,
        "limits": {"requests_per_minute": 60, "images_per_minute": None, "parallel_edits": None},
        "budgets": [{"limit_micros": 1_500_000, "period": "1d"}],
    }  # fmt: skip
    assert made["key"] not in api.get("/keys").text


def test_the_text_is_not_in_the_database(api: Api, locked: RunningServer, database_url: str) -> None:
    """Only its digest is; and nothing of it in the log."""
    made = _made(api)
    assert _kept(database_url, made["id"]).digest == digest_of(made["key"])
    assert made["key"] not in locked.log_text


def test_keys_are_listed_in_their_order(api: Api) -> None:
    """The oldest first, revoked ones, too."""
    first, second = _made(api), _made(api)
    api.delete(f"/keys/{first['id']}").raise_for_status()
    listed = api.get("/keys").json()
    ids = [key["id"] for key in listed["data"]]
    assert listed["object"] == "list"
    assert ids.index(first["id"]) < ids.index(second["id"])


def test_a_change_changes_what_it_names(api: Api) -> None:
    """A merge patch: what it does not name stays, null takes away, inside of objects, too."""
    made = _made(api, name="old", models=["a"], metadata={"x": "1"}, limits={"requests_per_minute": 5, "parallel_edits": 2})
    patch = {"name": "new", "models": None, "limits": {"requests_per_minute": None}, "metadata": {"y": "2"}}
    changed = api.patch(f"/keys/{made['id']}", json=patch).json()
    assert changed == api.get(f"/keys/{made['id']}").json() == {
        **_without(made, "key"), "name": "new", "models": None, "metadata": {"x": "1", "y": "2"},
        "limits": {"requests_per_minute": None, "images_per_minute": None, "parallel_edits": 2},
    }  # fmt: skip


def test_a_rotated_key_keeps_its_id(api: Api, database_url: str) -> None:
    """It has a new text; the old one goes on opening for as long as is said, and not at all when nothing is."""
    made = _made(api, name="n")
    rotated = api.post(f"/keys/{made['id']}/rotate", json={"grace_s": 60}).json()
    kept = _kept(database_url, made["id"])
    assert (kept.digest, kept.previous_digest) == (digest_of(rotated["key"]), digest_of(made["key"]))
    assert _without(rotated, "key", "previous_expires_at") == _without(made, "key", "previous_expires_at")
    assert rotated["previous_expires_at"] == int(kept.previous_until_s or 0)
    again = api.post(f"/keys/{made['id']}/rotate").json()
    kept = _kept(database_url, made["id"])
    assert (kept.digest, kept.previous_digest, again["previous_expires_at"]) == (digest_of(again["key"]), None, None)


def test_a_revoked_key_stays_revoked(api: Api) -> None:
    """From the first time on; it can be looked at, and not be changed."""
    made = _made(api)
    revoked = api.delete(f"/keys/{made['id']}").json()
    assert revoked["revoked_at"] >= made["created_at"]
    assert api.delete(f"/keys/{made['id']}").json() == revoked == api.get(f"/keys/{made['id']}").json()
    _refused(api.patch(f"/keys/{made['id']}", json={"name": "n"}), 400, "id", "api_key_revoked")
    _refused(api.post(f"/keys/{made['id']}/rotate"), 400, "id", "api_key_revoked")


def test_a_group_is_what_was_last_said_of_it(api: Api) -> None:
    """Put in place as a whole; only when it was made stays."""
    said = {"platforms": ["openai"], "models": ["gpt-image-*"], "images": False, "metadata": {"a": "b"}}
    first = api.put("/groups/design", json={**said, "budgets": [{"limit_micros": 5}]}).json()
    assert first == api.get("/groups/design").json()
    assert {name: first[name] for name in said} == said
    second = api.put("/groups/design", json={"models": None}).json()
    assert (second["platforms"], second["models"], second["images"], second["budgets"]) == (None, None, True, [])
    assert second["created_at"] == first["created_at"]
    assert "design" in [group["id"] for group in api.get("/groups").json()["data"]]


def test_a_group_with_keys_stays(api: Api) -> None:
    """Its keys would open nothing; without any that open it goes."""
    api.put("/groups/leaving", json={}).raise_for_status()
    made = _made(api, group="leaving")
    _refused(api.delete("/groups/leaving"), 400, "id", "group_in_use")
    api.delete(f"/keys/{made['id']}").raise_for_status()
    assert api.delete("/groups/leaving").json() == {"object": "group.deleted", "id": "leaving", "deleted": True}
    _refused(api.get("/groups/leaving"), 404, "id", "group_not_found")


@pytest.mark.parametrize("name", ["ada", "ada@example.org", "a/b/c", "späti", "a b?c", "x" * 512])
def test_an_end_user_is_called_as_callers_call_them(api: Api, name: str) -> None:
    """Any text that has no control characters, percent-encoded in the address."""
    path = f"/end_users/{httpx.URL('http://h/', params={'p': name}).query.decode().removeprefix('p=').replace('+', '%20')}"
    told = api.put(path, json={"blocked": True, "budgets": [{"limit_usd": 1, "period": "1mo"}]}).json()
    assert (told["id"], told["blocked"], told["object"]) == (name, True, "end_user")
    assert told in api.get("/end_users").json()["data"]
    assert api.get(path).json() == told
    assert api.delete(path).json() == {"object": "end_user.deleted", "id": name, "deleted": True}
    _refused(api.get(path), 404, "id", "end_user_not_found")


BAD_KEYS: dict[str, tuple[Any, str]] = {
    "no object": ([], "body"),
    "an unknown field": ({"nam": "n"}, "nam"),
    "a name that is no text": ({"name": 5}, "name"),
    "a long name": ({"name": "n" * 257}, "name"),
    "a name with a null character": ({"name": "a\0b"}, "name"),
    "half a character": ({"name": "\ud800"}, "name"),
    "a group that is not there": ({"group": "nobody"}, "group"),
    "a group that cannot be": ({"group": "Not One"}, "group"),
    "no models at all": ({"models": []}, "models"),
    "an empty model": ({"models": ["a", ""]}, "models[1]"),
    "expired": ({"expires_at": 1}, "expires_at"),
    "beyond all calendars": ({"expires_at": 10**12}, "expires_at"),
    "no requests": ({"limits": {"requests_per_minute": 0}}, "limits.requests_per_minute"),
    "an unknown limit": ({"limits": {"rpm": 1}}, "limits.rpm"),
    "a budget without a limit": ({"budgets": [{"period": "1d"}]}, "budgets[0]"),
    "an unknown period": ({"budgets": [{"limit_usd": 1, "period": "fortnight"}]}, "budgets[0].period"),
    "not a number": ({"budgets": [{"limit_usd": float("nan")}]}, "budgets[0].limit_usd"),
    "two budgets of a period": ({"budgets": [{"limit_usd": 1}, {"limit_micros": 1}]}, "budgets"),
    "half a character for a field": ({"\ud800": 1}, "body"),
    "metadata that is no text": ({"metadata": {"a": 1}}, "metadata.a"),
    "much metadata": ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_what_cannot_be_said_of_a_key_is_named(api: Api, case: str) -> None:
    """400 with the parameter, when it is made as when it is changed."""
    said, param = BAD_KEYS[case]
    body = json.dumps(said)
    before = api.get("/keys").json()
    for answer in (
        api.post("/keys", content=body, headers=JSON),
        api.patch(f"/keys/{_id_of_any(api)}", content=body, headers=JSON),
    ):
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert api.get("/keys").json()["data"][: len(before["data"])] == before["data"]


def _id_of_any(api: Api) -> str:
    return str(_made(api)["id"])


BAD_REQUESTS: dict[str, tuple[Callable[[Api], httpx.Response], int, str, str]] = {
    "no JSON": (lambda api: api.post("/keys", content="{", headers=JSON), 400, "body", "invalid_json"),
    "no UTF-8": (lambda api: api.post("/keys", content=b'{"name":"\xff"}', headers=JSON), 400, "body", "invalid_json"),
    "endless nesting": (lambda api: api.post("/keys", content="[" * 60_000, headers=JSON), 400, "body", "invalid_json"),
    "much": (lambda api: api.post("/keys", content=b" " * 70_000, headers=JSON), 413, "body", "request_too_large"),
    "a form": (lambda api: api.post("/keys", data={"name": "n"}), 415, "content-type", "unsupported_content_type"),
    "no such key": (lambda api: api.get("/keys/key_000000000000"), 404, "id", "api_key_not_found"),
    "no key's id": (lambda api: api.patch("/keys/%00", json={}), 404, "id", "api_key_not_found"),
    "a key that nobody has": (lambda api: api.delete("/keys/nobody"), 404, "id", "api_key_not_found"),
    "a grace without end": (lambda api: _rotated(api, 10**9), 400, "grace_s", "invalid_value"),
    "no group's id": (lambda api: api.put("/groups/Team%20A", json={}), 400, "id", "invalid_value"),
    "an unknown provider": (lambda api: api.put("/groups/g", json=MISSPELT), 400, "platforms[1]", "invalid_value"),
    "no such group": (lambda api: api.delete("/groups/nobody"), 404, "id", "group_not_found"),
    "an end user's null character": (lambda api: api.put("/end_users/a%00b", json={}), 400, "id", "invalid_value"),
    "a long end user": (lambda api: api.get(f"/end_users/{'x' * 513}"), 400, "id", "invalid_value"),
    "no such end user": (lambda api: api.get("/end_users/nobody"), 404, "id", "end_user_not_found"),
}  # fmt: skip


def _rotated(api: Api, grace_s: int) -> httpx.Response:
    return api.post(f"/keys/{_id_of_any(api)}/rotate", json={"grace_s": grace_s})


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_wrong_request_is_told_what_is_wrong(api: Api, case: str) -> None:
    """A 4xx in OpenAI's envelope, with the parameter and a code."""
    ask, status, param, code = BAD_REQUESTS[case]
    _refused(ask(api), status, param, code)


def test_a_method_that_is_not_there_is_told_the_others(api: Api) -> None:
    """405 with all that are."""
    answer = api.put("/keys", json={})
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


_TEXTS = st.text(st.characters(), max_size=8)
"""With halves of characters, which JSON can write."""
_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_FIELD_NAMES = st.sampled_from(
    ["name", "group", "models", "platforms", "images", "blocked", "expires_at", "limits", "budgets", "metadata", "grace_s", "x"]
)
_BODIES = st.dictionaries(_FIELD_NAMES, _JSON_VALUES, max_size=4).map(json.dumps) | _JSON_VALUES.map(json.dumps) | st.text()
_ROUTES = [
    ("POST", "/keys"),
    ("PATCH", "/keys/{id}"),
    ("POST", "/keys/{id}/rotate"),
    ("PUT", "/groups/fuzz"),
    ("PUT", "/end_users/f"),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_BODIES, route=st.sampled_from(_ROUTES))
def test_no_body_breaks_anything(api: Api, body: str, route: tuple[str, str]) -> None:
    """Whatever is said: it is done, or a 4xx says why not."""
    method, path = route
    if "{id}" in path:
        path = path.format(id=_id_of_any(api))
    answer = api.request(method, path, content=body.encode("utf-8", "surrogatepass"), headers=JSON)
    assert answer.status_code in (200, 400), answer.text


PLACES = ["/keys", "/keys/key_000000000000", "/groups", "/groups/g", "/end_users", "/end_users/u"]


@pytest.mark.parametrize("place", PLACES)
def test_only_a_master_key_opens(locked: RunningServer, place: str) -> None:
    """Without a key, or with a wrong one, nobody learns anything."""
    for headers in ({}, {"authorization": "Bearer sk-wrong"}):
        answer = httpx.get(f"{locked.url}/v1/admin{place}", headers=headers)
        _refused(answer, 401, None, "invalid_api_key")


def test_an_open_server_gives_out_no_keys(tmp_path: Path) -> None:
    """Whoever comes in without a key is no master."""
    with serving(settings_of(MOCK, database_url=f"sqlite:///{tmp_path / 'a.db'}")) as running:
        _refused(httpx.post(f"{running.url}/v1/admin/keys", json={}), 403, None, "master_key_required")


@pytest.mark.parametrize("route", ["admin/keys", "admin/overview", "admin/edits", "usage"])
def test_without_a_database_it_says_how_to_have_one(route: str) -> None:
    """503, which nobody need try again; without a key not even that."""
    with serving(settings_of(MOCK, keys=("sk-master",))) as running:
        answer = httpx.get(f"{running.url}/v1/{route}", headers=MASTER)
        _refused(httpx.get(f"{running.url}/v1/{route}"), 401, None, "invalid_api_key")
    _refused(answer, 503, None, "no_database")
    assert "server.database_url" in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_the_description_tells_what_is_answered(api: Api, locked: RunningServer) -> None:
    """`/openapi.json` has every route, and the fields that answers have."""
    document = httpx.get(f"{locked.url}/openapi.json").json()
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert {(method.lower(), re.sub("/(fuzz|f)$", "/{id}", f"/v1/admin{path}")) for method, path in _ROUTES} <= described
    assert set(document["components"]["schemas"]["NewKeyObject"]["properties"]) == set(_made(api))


_VALUES = {"start": "30d", "end": "1d", "format": "json", "group_by": "day,tag", "limit": "5", "range": "30d"}


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/admin/edits", "/v1/admin/overview", "/v1/admin/live"])
def test_the_description_tells_of_the_ledger(locked: RunningServer, path: str) -> None:
    """The parameters that are taken, and what is answered."""
    document = httpx.get(f"{locked.url}/openapi.json").json()
    openapi_spec_validator.validate(document)
    described = document["paths"][path]["get"]
    asked = {each["name"]: _VALUES.get(each["name"], "a") for each in described["parameters"] if each["name"] != "after"}
    answer = httpx.get(f"{locked.url}{path}", headers=MASTER, params=asked)
    schema = described["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer.status_code == 200, answer.text
    assert set(schema["properties"]) <= set(answer.json())
    assert schema["properties"]["object"]["const"] == answer.json()["object"]
