"""What is open, and to whom."""

import secrets
from collections.abc import Callable

import pytest
from examined import GOOD_KEY, found, patient

from streamedit.doctor import examine
from streamedit.doctor.doors import bits_of
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Level
from streamedit.image_urls import ImageUrlSettings


@pytest.mark.parametrize(("host", "level"), [("127.0.0.1", Level.NOTE), ("localhost", Level.NOTE), ("0.0.0.0", Level.RISK)])
def test_without_a_key(host: str, level: Level) -> None:
    """Open to a machine is worth a word, open to the world is a risk."""
    assert found(patient(keys=()), host=host)["no_key"] is level


def test_a_good_key_is_well() -> None:
    """Nothing is said against it, anywhere."""
    said = found(patient(), host="0.0.0.0")
    assert said["keys"] is Level.OK
    assert said.keys().isdisjoint({"no_key", "known_key", "weak_key"})


@pytest.mark.parametrize("key", ["sk-1234", "SK-1234", "changeme", "sk-change-me"])
def test_everybodys_key_is_a_risk(key: str) -> None:
    """On any machine, and beside a good one."""
    assert found(patient(keys=(GOOD_KEY, key)))["known_key"] is Level.RISK


@pytest.mark.parametrize("key", ["x", "sk-7Hd2", "a" * 64, "sk-" + "ab" * 30])
def test_a_key_that_can_be_guessed_is_a_risk(key: str) -> None:
    """Short ones, and long ones of few characters; the same holds for what tokens are signed with."""
    assert found(patient(keys=(key,)))["weak_key"] is Level.RISK
    assert found(patient(secret=key))["weak_token_secret"] is Level.RISK


@pytest.mark.parametrize("make", [secrets.token_urlsafe, secrets.token_hex, lambda: secrets.token_hex(16)])
def test_what_is_random_is_well(make: Callable[[], str]) -> None:
    """As everybody makes keys: from 128 bits on."""
    for _ in range(200):
        assert bits_of(make()) >= 80


@pytest.mark.parametrize(
    ("origins", "topic", "level"),
    [
        (("http://app.example",), "plain_origins", Level.WARNING),
        (("https://app.example",), "origins", Level.NOTE),
        (("http://localhost:3000", "http://[::1]:3000"), "origins", Level.NOTE),
    ],
)
def test_pages_that_may_call(origins: tuple[str, ...], topic: str, level: Level) -> None:
    """Those without TLS can be changed on the way, but not on one's own machine."""
    said = found(patient(cors_origins=origins))
    assert {name: said[name] for name in said if "origins" in name} == {topic: level}


@pytest.mark.parametrize(
    ("keys", "host", "level"),
    [((GOOD_KEY,), "0.0.0.0", Level.NOTE), ((), "127.0.0.1", Level.NOTE), ((), "0.0.0.0", Level.WARNING)],
)
def test_keys_of_callers(keys: tuple[str, ...], host: str, level: Level) -> None:
    """For every provider: a relay, for everybody where it is open."""
    assert found(patient(keys=keys, callers_keys=True), host=host)["callers_keys"] is level
    assert "callers_keys" not in found(patient(keys=keys, callers_keys=("openai",)), host=host)


def test_what_says_that_it_is_here() -> None:
    """Only where others can ask."""
    assert found(patient(), host="0.0.0.0")["described"] is Level.NOTE
    assert "described" not in found(patient())


def test_a_header_for_end_users() -> None:
    """Is believed."""
    assert found(patient(user_header="x-user"))["user_header"] is Level.NOTE
    assert "user_header" not in found(patient())


@pytest.mark.parametrize(
    ("keys", "host", "urls", "level"),
    [
        ((), "0.0.0.0", {}, Level.WARNING),
        ((), "0.0.0.0", {"allow": ["photos.example"]}, None),
        ((), "0.0.0.0", {"fetch": False}, None),
        ((), "127.0.0.1", {}, None),
        ((GOOD_KEY,), "0.0.0.0", {}, None),
    ],
)
def test_for_whom_images_are_fetched(keys: tuple[str, ...], host: str, urls: dict[str, object], level: Level | None) -> None:
    """For everybody is for too many, unless it is from few."""
    settings = patient(keys=keys, image_urls=ImageUrlSettings.model_validate(urls))
    assert found(settings, host=host).get("open_fetching") is level


@pytest.mark.parametrize(
    ("urls", "level", "shown"),
    [
        ({"internal": ["photos.lan:8080"]}, Level.NOTE, "from photos.lan:8080."),
        ({"internal": ["photos.lan", "[fd00::1]:81"]}, Level.WARNING, "from photos.lan, [fd00::1]:81."),
        ({"internal": ["photos.lan"], "fetch": False}, None, ""),
        ({}, None, ""),
    ],
)
def test_hosts_inside(urls: dict[str, object], level: Level | None, shown: str) -> None:
    """Are told by name; one that is open at every port is worse."""
    findings = examine(patient(image_urls=ImageUrlSettings.model_validate(urls)), Facts())
    told = {finding.topic: finding for finding in findings}.get("internal_hosts")
    assert (told.level if told else None) is level
    assert shown in (told.what if told else "")
