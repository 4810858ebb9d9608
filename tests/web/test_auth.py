"""Who is let in: keys of the configuration, keys that were given out, tokens, and nobody."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from clients import post
from databases import KINDS, fresh_database
from registries import KnownRegistry
from servers import RunningServer, serving, settings_of
from starlette.requests import Request

from streamedit.config import Settings
from streamedit.edits import Edit
from streamedit.errors import EditError, Forbidden, StoreUnavailable, Unauthorized
from streamedit.keys import Keyring, StreamTokens, digest_of, make_key
from streamedit.parties import ANONYMOUS, ApiKey, Group, Principal
from streamedit.targets import Target
from streamedit.web.auth import Door

NOW_S = 1_800_000_000.0
MASTER = "sk-master"
KEY_ID, TEXT = make_key()
KEY = ApiKey(KEY_ID, "one", digest_of(TEXT), NOW_S - 60)
PROVIDERS = "sk-proj-of-a-provider"


def request(query: str = "", /, **headers: str) -> Request:
    """One with these headers; `_` stands for a hyphen."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": sent, "query_string": query.encode()})


def bearer(text: str) -> Request:
    """As OpenAI's clients send a key."""
    return request(authorization=f"Bearer {text}")


class House:
    """A door with the registry that it asks. Its time is NOW_S."""

    def __init__(self, *masters: str) -> None:
        self.registry = KnownRegistry()
        self.door = Door(Keyring(masters), self.registry, StreamTokens("secret"), lambda: NOW_S)

    async def refusal(self, asking: Request) -> tuple[int, str | None]:
        """Status and code of the error."""
        with pytest.raises(EditError) as raised:
            await self.door.authenticate(asking)
        return raised.value.detail.status, raised.value.detail.code


@pytest.fixture
async def house() -> House:
    """With a master key, and one that was given out."""
    house = House(MASTER)
    house.registry.add(KEY)
    return house


class TestKeys:
    """What a request's key is good for."""

    async def test_a_key_of_the_configuration_is_a_master(self, house: House) -> None:
        """Nobody is asked for it: it opens whatever has become of the database."""
        house.registry.is_away = True
        principal = await house.door.authenticate(bearer(MASTER))
        assert principal.is_master
        assert principal.key is None
        assert house.registry.asked == []

    async def test_a_key_that_was_given_out_is_its_own_principal(self, house: House) -> None:
        """With all that is known of it."""
        assert await house.door.authenticate(bearer(TEXT)) == Principal(KEY_ID, key=KEY)

    async def test_its_group_comes_with_it(self, house: House) -> None:
        """One whose group was deleted may do nothing."""
        grouped = replace(KEY, group="red")
        house.registry.add(grouped)
        assert await house.refusal(bearer(TEXT)) == (403, "group_not_found")
        house.registry.groups["red"] = Group("red")
        assert await house.door.authenticate(bearer(TEXT)) == Principal(KEY_ID, key=grouped, group=Group("red"))

    async def test_an_expired_key_is_told_so(self, house: House) -> None:
        """From that very moment on; it tells no more than its holder knows."""
        house.registry.add(replace(KEY, expires_at_s=NOW_S + 1))
        assert (await house.door.authenticate(bearer(TEXT))).id == KEY_ID
        house.registry.add(replace(KEY, expires_at_s=NOW_S))
        assert await house.refusal(bearer(TEXT)) == (401, "expired_api_key")
        assert await house.refusal(bearer(make_key(KEY_ID)[1])) == (401, "invalid_api_key")

    async def test_a_revoked_key_is_as_unknown(self, house: House) -> None:
        """Whether it would have expired as well or not."""
        for expires_at_s in (None, NOW_S - 1):
            house.registry.add(replace(KEY, revoked_at_s=NOW_S, expires_at_s=expires_at_s))
            assert await house.refusal(bearer(TEXT)) == (401, "invalid_api_key")

    async def test_a_rotated_key_opens_for_a_while(self, house: House) -> None:
        """The new one at once."""
        _, following = make_key(KEY_ID)
        rotated = replace(KEY, digest=digest_of(following), previous_digest=KEY.digest, previous_until_s=NOW_S + 1)
        house.registry.add(rotated)
        assert (await house.door.authenticate(bearer(TEXT))).id == KEY_ID
        assert (await house.door.authenticate(bearer(following))).id == KEY_ID
        house.registry.add(replace(rotated, previous_until_s=NOW_S))
        assert await house.refusal(bearer(TEXT)) == (401, "invalid_api_key")
        assert (await house.door.authenticate(bearer(following))).id == KEY_ID

    @pytest.mark.parametrize(
        "text",
        ["", "sk-unknown", TEXT[:-1], TEXT + "x", "sk-master2", "key_" + "0" * 12],
        ids=["nothing", "unknown", "shorter", "longer", "near-master", "id"],
    )
    async def test_nothing_else_opens(self, house: House, text: str) -> None:
        """And nobody is asked for what cannot be a key."""
        assert await house.refusal(bearer(text)) == (401, "invalid_api_key")
        assert house.registry.asked == []

    async def test_an_unknown_key_is_as_much_work_as_a_wrong_one(self, house: House) -> None:
        """Each is one look-up, and the same answer; what comes after it is counted where keys are compared."""
        asked = []
        for text in (make_key(KEY_ID)[1], make_key()[1]):
            house.registry.asked.clear()
            assert await house.refusal(bearer(text)) == (401, "invalid_api_key")
            asked.append(len(house.registry.asked))
        assert asked == [1, 1]

    async def test_the_first_header_that_opens_counts(self, house: House) -> None:
        """A key in Portkey's header opens where `Authorization` has somebody else's, or one that opens no more."""
        _, expired = make_key("key_expired00000")
        house.registry.add(replace(KEY, id="key_expired00000", digest=digest_of(expired), expires_at_s=0.0))
        for other in (PROVIDERS, expired):
            asking = request(authorization=f"Bearer {other}", x_portkey_api_key=TEXT)
            assert (await house.door.authenticate(asking)).id == KEY_ID

    async def test_without_the_database_nobody_is_let_in_by_guess(self, house: House) -> None:
        """It is no 401: the key may be good."""
        house.registry.is_away = True
        with pytest.raises(StoreUnavailable):
            await house.door.authenticate(bearer(TEXT))


class TestAnonymous:
    """Servers that nobody has locked."""

    @pytest.mark.parametrize("asking", [request(), bearer("anything"), bearer(TEXT)])
    async def test_a_server_without_keys_is_open(self, asking: Request) -> None:
        """Whatever a client sends, for SDKs will send something."""
        assert await House().door.authenticate(asking) == ANONYMOUS

    async def test_the_first_key_locks_it(self) -> None:
        """And it does not open again when that is revoked: who holds it is out."""
        house = House()
        house.registry.add(KEY)
        for key in (KEY, replace(KEY, revoked_at_s=NOW_S)):
            house.registry.add(key)
            assert await house.refusal(request()) == (401, "invalid_api_key")
            assert await house.refusal(bearer("anything")) == (401, "invalid_api_key")
        assert await house.refusal(bearer(TEXT)) == (401, "invalid_api_key")

    async def test_a_master_key_locks_it_alone(self) -> None:
        """Nobody is asked whether there are others."""
        house = House(MASTER)
        assert await house.refusal(request()) == (401, "invalid_api_key")
        assert house.registry.asked == []

    async def test_without_the_database_it_is_shut(self) -> None:
        """Keys may have been given out."""
        house = House()
        house.registry.is_away = True
        with pytest.raises(StoreUnavailable):
            await house.door.authenticate(request())


class TestMaster:
    """What is for the configuration's keys alone."""

    async def test_a_master_may(self, house: House) -> None:
        """As the principal that it is everywhere."""
        assert await house.door.authenticate_master(bearer(MASTER)) == await house.door.authenticate(bearer(MASTER))

    async def test_a_good_key_may_not(self, house: House) -> None:
        """It is known, and forbidden."""
        with pytest.raises(Forbidden) as raised:
            await house.door.authenticate_master(bearer(TEXT))
        assert raised.value.detail.code == "master_key_required"

    async def test_a_bad_key_is_none(self, house: House) -> None:
        """As everywhere."""
        with pytest.raises(Unauthorized):
            await house.door.authenticate_master(bearer("sk-unknown"))

    @pytest.mark.parametrize("asking", [request(), bearer(TEXT), bearer(MASTER)])
    async def test_without_a_master_key_nobody_may(self, asking: Request) -> None:
        """An open server is open for edits; the error says what to set."""
        house = House()
        with pytest.raises(Forbidden, match=r"general_settings\.master_key or STREAMEDIT_API_KEY") as raised:
            await house.door.authenticate_master(asking)
        assert raised.value.detail.code == "master_key_required"


class TestForeignKeys:
    """A caller's own key for a provider."""

    async def foreign(self, house: House, **headers: str) -> str | None:
        return await house.door.foreign_key(request(**headers))

    async def test_what_is_not_known_here_is_foreign(self, house: House) -> None:
        """The one in `Authorization` first; what portkey-ai sends without one is none."""
        assert await self.foreign(house, authorization=f"Bearer {PROVIDERS}", x_portkey_api_key="b") == PROVIDERS
        assert await self.foreign(house, authorization=f"Bearer {TEXT}", x_portkey_api_key=PROVIDERS) == PROVIDERS
        assert await self.foreign(house, authorization="Bearer OPENAI_API_KEY") is None

    async def test_no_key_of_this_server_goes_to_a_provider(self, house: House) -> None:
        """Not one that has expired or was revoked, either."""
        assert await self.foreign(house, authorization=f"Bearer {MASTER}", x_portkey_api_key=TEXT) is None
        for gone in (replace(KEY, expires_at_s=0.0), replace(KEY, revoked_at_s=0.0)):
            house.registry.add(gone)
            assert await self.foreign(house, authorization=f"Bearer {TEXT}") is None

    async def test_the_old_text_of_a_rotated_key_is_not_foreign(self, house: House) -> None:
        """It opens nothing any more, but whoever still sends it means this server."""
        house.registry.add(replace(KEY, digest=digest_of(make_key(KEY.id)[1])))
        assert await self.foreign(house, authorization=f"Bearer {TEXT}") is None

    async def test_a_key_of_another_server_like_this_one_is_foreign(self, house: House) -> None:
        """It has the same form, and that server may be the provider."""
        others = make_key()[1]
        assert await self.foreign(house, authorization=f"Bearer {others}") == others


class TestTokens:
    """What opens one edit to readers."""

    async def reads(self, house: House, owner: str) -> bool:
        """Somebody with the token of this owner's edit."""
        token = house.door.token_for(Edit("edit_a", "m", 0, owner), 60)
        try:
            return (await house.door.authenticate_reader(request(f"token={token}"), "edit_a")).id == owner
        except Unauthorized as error:
            assert error.detail.code == "invalid_token"
            return False

    async def test_a_token_is_good_as_long_as_its_key(self, house: House) -> None:
        """Not when that was revoked, has expired, or is not there any more."""
        assert await self.reads(house, KEY_ID)
        for gone in (replace(KEY, revoked_at_s=NOW_S), replace(KEY, expires_at_s=NOW_S)):
            house.registry.add(gone)
            assert not await self.reads(house, KEY_ID)
        house.registry.keys.clear()
        assert not await self.reads(house, KEY_ID)

    async def test_a_masters_is_good_as_long_as_it_is_configured(self, house: House) -> None:
        """As before there were others."""
        master = (await house.door.authenticate(bearer(MASTER))).id
        assert await self.reads(house, master)
        assert not await self.reads(House("sk-other"), master)

    async def test_an_anonymous_one_is_good_on_an_open_server(self, house: House) -> None:
        """Until somebody locks it."""
        assert await self.reads(House(), ANONYMOUS.id)
        assert not await self.reads(house, ANONYMOUS.id)

    async def test_a_key_reads_too(self, house: House) -> None:
        """Where there is no token."""
        assert (await house.door.authenticate_reader(bearer(TEXT), "edit_a")).id == KEY_ID


class TestServer:
    """All of it with a real server and a real database, seen from outside."""

    @pytest.fixture(params=KINDS)
    def database_url(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
        """An empty one's."""
        with fresh_database(request.param, tmp_path) as url:
            yield url

    def test_keys_open_it_as_soon_as_they_are_given_out(self, database_url: str) -> None:
        """An open server is locked by its first key, for edits, models and metrics; revoking that opens nothing."""
        with serving(settings(database_url)) as server:
            assert listed(server) == 200
            change(server, KEY_LIKE_ALL)
            assert (listed(server), listed(server, authorization=f"Bearer {TEXT}")) == (401, 200)
            assert post(server.edits_url, headers={"api-key": TEXT}).status == 200
            assert post(server.edits_url).error["code"] == "invalid_api_key"
            change(server, replace(KEY_LIKE_ALL, revoked_at_s=NOW_S))
            assert (listed(server), listed(server, authorization=f"Bearer {TEXT}")) == (401, 401)

    def test_an_edit_is_its_keys_own(self, database_url: str) -> None:
        """Others do not see it; a browser that has its token does, after a restart of the server, too."""
        other_id, other = make_key()
        with serving(settings(database_url)) as server:
            change(server, KEY_LIKE_ALL)
            change(server, replace(KEY_LIKE_ALL, id=other_id, digest=digest_of(other)))
            edit = post(f"{server.edits_url}/async", headers={"api-key": TEXT}).json
            address = f"{server.edits_url}/{edit['id']}"
            assert httpx.get(address, headers={"api-key": TEXT}).status_code == 200
            assert httpx.get(address, headers={"api-key": other}).status_code == 404
            assert httpx.get(server.url + edit["events_url"]).status_code == 200
            token = httpx.URL(edit["events_url"]).params["token"]
            assert StreamTokens(Keyring([]).derived_secret()).recognise(token, edit["id"], 0.0) is None
        with serving(settings(database_url)) as server:
            # The edit is gone with the server, but its token is still good.
            assert httpx.get(server.url + edit["events_url"]).status_code == 404

    def test_configured_keys_sign_as_they_did(self, database_url: str) -> None:
        """With them, or with a secret of the configuration's, a database changes no token."""
        for given in (settings(database_url, MASTER), replace(settings(database_url), token_secret="mine")):
            with serving(given) as server:
                edit = post(f"{server.edits_url}/async", headers={"api-key": MASTER}).json
                token = httpx.URL(edit["events_url"]).params["token"]
                secret = given.token_secret or Keyring([MASTER]).derived_secret()
                assert StreamTokens(secret).recognise(token, edit["id"], 0.0)


KEY_LIKE_ALL = replace(KEY, created_at_s=0.0)


def settings(database_url: str, *keys: str) -> Settings:
    """A model that needs nobody."""
    return settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), keys=keys, database_url=database_url)


def change(server: RunningServer, key: ApiKey) -> None:
    """As an administrator of that server does."""
    state = server.app.state

    async def save() -> None:
        await state.equipment.books.registry.save_key(key)
        state.equipment.registry.forget()

    server.run(save)


def listed(server: RunningServer, **headers: str) -> int:
    """The status of asking for models."""
    return httpx.get(f"{server.url}/v1/models", headers=headers).status_code
