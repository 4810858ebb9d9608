"""API keys: who is let in."""

import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.keys import Keyring, Links, StreamTokens, digest_of, fits, id_of, make_key
from streamedit.parties import ANONYMOUS, ApiKey, Principal


@pytest.mark.parametrize("key", [None, "", "anything"])
def test_without_keys_everybody_is_anonymous(key: str | None) -> None:
    """An empty keyring is an open door, and says so by being false."""
    keyring = Keyring([])
    assert keyring.recognise(key) == ANONYMOUS
    assert not keyring


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.text())
def test_exactly_the_known_keys_open(keys: list[str], other: str) -> None:
    """Each key is recognised, everything else is not, the absent key neither."""
    keyring = Keyring(keys)
    assert keyring
    assert all(keyring.recognise(key) for key in keys)
    assert bool(keyring.recognise(other)) == (other in keys)
    assert keyring.recognise(None) is None


@pytest.mark.parametrize("near", ["sk-secre", "sk-secret ", "SK-SECRET", "sk-secret\0", "Bearer sk-secret", "sk-sécret"])
def test_a_near_miss_is_a_miss(near: str) -> None:
    """Keys are compared exactly."""
    assert Keyring(["sk-secret"]).recognise(near) is None


def test_a_key_is_always_the_same_principal() -> None:
    """The principal is known by the key alone, over restarts and whatever other keys there are."""
    assert Keyring(["sk-a"]).recognise("sk-a") == Keyring(["sk-b", "sk-a"]).recognise("sk-a")
    keyring = Keyring(["sk-a", "sk-b"])
    assert keyring.recognise("sk-a") != keyring.recognise("sk-b")


def test_neither_principal_nor_keyring_shows_a_key() -> None:
    """What is logged of a caller does not contain the key, and the keyring keeps only hashes."""
    keyring = Keyring(["sk-secret"])
    assert "secret" not in repr(keyring.recognise("sk-secret"))
    assert "secret" not in repr(vars(keyring))


class TestTokens:
    """What a browser has instead of a key."""

    OWNER = Principal("key_1")
    TOKENS = StreamTokens("secret")

    def test_a_token_opens_its_edit_until_its_time(self) -> None:
        """And tells who has signed in."""
        token = self.TOKENS.sign("edit_a", self.OWNER, 1000)
        assert self.TOKENS.recognise(token, "edit_a", 999.9) == self.OWNER
        assert self.TOKENS.recognise(token, "edit_a", 1000) is None

    def test_it_opens_no_other_edit(self) -> None:
        """Nor does one that was signed with another secret."""
        token = self.TOKENS.sign("edit_a", self.OWNER, 1000)
        assert self.TOKENS.recognise(token, "edit_b", 0) is None
        assert StreamTokens("other").recognise(token, "edit_a", 0) is None

    @given(st.integers(0, 200), st.characters())
    def test_no_character_of_it_can_be_changed(self, place: int, other: str) -> None:
        """Neither its time, nor its principal, nor its signature."""
        token = self.TOKENS.sign("edit_a", self.OWNER, 1000)
        at = place % len(token)
        changed = token[:at] + other + token[at + 1 :]
        assert self.TOKENS.recognise(changed, "edit_a", 0) == (self.OWNER if changed == token else None)

    @pytest.mark.parametrize("text", ["", ".", "..", "1.key_1.", "9" * 30 + ".key_1." + "0" * 64, "-1.key_1." + "0" * 64, "\0"])
    def test_what_is_no_token_is_none(self, text: str) -> None:
        """Whatever comes in an address."""
        assert self.TOKENS.recognise(text, "edit_a", 0) is None

    def test_the_secret_follows_the_keys(self) -> None:
        """All processes with the same keys have the same one; other keys are another secret."""
        assert Keyring(["a", "b"]).derived_secret() == Keyring(["a", "b"]).derived_secret()
        assert len({Keyring(keys).derived_secret() for keys in ([], ["a"], ["b"], ["a", "b"])}) == 4

    def test_a_principal_is_known_as_long_as_its_key(self) -> None:
        """A token of a key that was taken away opens nothing; an open server knows the anonymous alone."""
        principal = Keyring(["a", "b"]).recognise("a")
        assert principal
        assert Keyring(["a"]).knows(principal)
        assert not Keyring(["b"]).knows(principal)
        assert not Keyring([]).knows(principal)
        assert Keyring([]).knows(ANONYMOUS)
        assert not Keyring(["a"]).knows(ANONYMOUS)


class TestMadeKeys:
    """Keys that this server gives out."""

    def test_a_key_begins_with_its_id(self) -> None:
        """By which it is looked up; the rest of it is 256 random bits that can be typed and sent anywhere."""
        key_id, text = make_key()
        assert re.fullmatch(r"key_[a-z0-9]{12}", key_id)
        assert re.fullmatch(rf"sk-se-{key_id.removeprefix('key_')}-[A-Za-z0-9_-]{{43}}", text)
        assert id_of(text) == key_id

    def test_no_two_are_the_same(self) -> None:
        """Neither their ids nor what comes behind them."""
        made = [make_key() for _ in range(200)]
        assert len({key_id for key_id, _ in made}) == len({text[-43:] for _, text in made}) == 200

    def test_the_next_one_has_the_same_id(self) -> None:
        """A key that takes the place of another is found where that was."""
        key_id, text = make_key()
        again_id, again = make_key(key_id)
        assert (again_id, id_of(again)) == (key_id, key_id)
        assert again != text

    @given(st.text())
    def test_what_was_not_made_here_has_no_id(self, text: str) -> None:
        """Nobody is asked for it."""
        assert id_of(text) is None

    @pytest.mark.parametrize(
        "text",
        [
            "sk-se-abcdefghijkl-" + "x" * 42,
            "sk-se-abcdefghijkl-" + "x" * 44,
            "sk-se-abcdefghijkl-" + "x" * 42 + "\n",
            "sk-se-ABCDEFGHIJKL-" + "x" * 43,
            "sk-se-abcdefghijk-" + "x" * 43,
            " sk-se-abcdefghijkl-" + "x" * 43,
            "sk-se-abcdefghijkl-" + "é" * 43,
        ],
    )
    def test_nor_has_what_only_looks_like_it(self, text: str) -> None:
        """The form is exact."""
        assert id_of(text) is None


class TestFitting:
    """Whether a text is that of a key that was given out."""

    ID, TEXT = make_key()
    _, NEXT = make_key(ID)
    KEY = ApiKey(ID, "one", digest_of(TEXT), 0.0)
    ROTATED = ApiKey(ID, "one", digest_of(NEXT), 0.0, previous_digest=digest_of(TEXT), previous_until_s=1000.0)

    def test_the_keys_own_text_does(self) -> None:
        """And no other, whether it is of the same key or of nobody's."""
        assert fits(self.TEXT, self.KEY, 0.0)
        assert not fits(self.NEXT, self.KEY, 0.0)
        assert not fits(self.TEXT, None, 0.0)

    def test_that_before_the_last_rotation_does_for_a_while(self) -> None:
        """The new one does from the beginning."""
        assert fits(self.TEXT, self.ROTATED, 999.9)
        assert not fits(self.TEXT, self.ROTATED, 1000.0)
        assert fits(self.NEXT, self.ROTATED, 0.0)
        assert fits(self.NEXT, self.ROTATED, 1000.0)

    @pytest.mark.parametrize("key", [None, KEY, ROTATED], ids=["unknown", "known", "rotated"])
    @pytest.mark.parametrize("text", [TEXT, NEXT, make_key(ID)[1]], ids=["one", "other", "wrong"])
    def test_it_is_always_the_same_work(self, key: ApiKey | None, text: str) -> None:
        """Two comparisons of whole digests, whether the key is there or not, and whether the text fits or not."""
        compared: list[tuple[int, int]] = []

        def same(one: bytes, other: bytes) -> bool:
            compared.append((len(one), len(other)))
            return hmac.compare_digest(one, other)

        fits(text, key, 0.0, same)
        assert compared == [(32, 32), (32, 32)]


class TestLinks:
    """Signed addresses of hosted results."""

    NAME = "img_a.png"

    def test_what_was_signed_here_is_genuine(self) -> None:
        """With the same secret, in whatever process."""
        signature = Links("secret").sign(self.NAME, 2000)
        assert Links("secret").is_genuine(self.NAME, 2000, signature)

    @pytest.mark.parametrize(("name", "expires_at_s"), [("img_b.png", 2000), ("img_a.png", 2001), ("img_a.pn", 2000)])
    def test_it_is_of_one_result_until_one_time(self, name: str, expires_at_s: int) -> None:
        """Neither can be changed."""
        links = Links("secret")
        assert not links.is_genuine(name, expires_at_s, links.sign(self.NAME, 2000))

    @pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 64, "x"])
    def test_nothing_else_is(self, signature: str) -> None:
        """Whatever it looks like."""
        assert not Links("secret").is_genuine(self.NAME, 2000, signature)

    def test_another_secret_signs_anew(self) -> None:
        """What was signed before does not hold any more."""
        links = Links("before")
        signature = links.sign(self.NAME, 2000)
        links.use("after")
        assert not links.is_genuine(self.NAME, 2000, signature)

    def test_a_token_of_a_stream_is_no_signature(self) -> None:
        """Though both are signed with one secret."""
        token = StreamTokens("secret").sign(self.NAME, Principal("key"), 2000)
        assert not Links("secret").is_genuine(self.NAME, 2000, token.rpartition(".")[2])
