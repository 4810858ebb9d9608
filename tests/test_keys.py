"""API keys: who is let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.keys import Keyring, StreamTokens
from streamedit.parties import ANONYMOUS, Principal


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
