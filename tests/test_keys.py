"""API keys: who is let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.keys import ANONYMOUS, Keyring


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
