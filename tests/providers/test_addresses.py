"""Addresses that providers name."""

import pytest

from streamedit.errors import UpstreamBroken
from streamedit.providers.addresses import own_address

HOSTS = ("bfl.ai", "bfldelivery*.blob.core.windows.net")


@pytest.mark.parametrize(
    "url",
    [
        "https://bfl.ai/x",
        "https://api.eu4.bfl.ai/x?id=1",
        "https://delivery-us1.bfl.ai/a.png?sig=1#f",
        "https://bfldeliverysc.blob.core.windows.net/a",
        "http://127.0.0.1:81/v1/get",
    ],
)
def test_its_own_are_followed(url: str) -> None:
    """On its hosts, or where the configured API is."""
    assert own_address(url, HOSTS, "http://127.0.0.1:81/v1") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.bfl.ai/x",
        "https://bfl.ai.evil.example/x",
        "https://evilbfl.ai/x",
        "https://bfldelivery.evil.blob.core.windows.net/x",
        "https://user@bfl.ai/x",
        "https://bfl.ai@evil.example/x",
        "http://127.0.0.1:82/v1/get",
        "https://127.0.0.1:81/v1/get",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://[broken",
        "https://bfl.ai:port/x",
        "//bfl.ai/x",
        "",
        None,
        7,
    ],
)
def test_others_are_not(url: object) -> None:
    """A key, or a request from inside, would go there."""
    with pytest.raises(UpstreamBroken) as caught:
        own_address(url, HOSTS, "http://127.0.0.1:81/v1")
    assert caught.value.detail.code == "upstream_malformed"


def test_without_a_configured_base_there_are_the_hosts() -> None:
    """And nothing else."""
    assert own_address("https://bfl.ai/x", HOSTS, None)
    with pytest.raises(UpstreamBroken):
        own_address("http://127.0.0.1/x", HOSTS, None)
