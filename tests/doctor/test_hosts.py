"""How far a connection goes."""

import pytest

from streamedit.doctor.hosts import is_near, plainly_to


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://u:p@a.example:81/x", "a.example"),
        ("https://a.example", None),
        ("http://127.0.0.9", None),
        ("http://localhost:1", None),
        ("ftp://a.example", None),
        ("http://", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_where_it_goes_without_tls(url: str, host: str | None) -> None:
    """Only beyond this machine."""
    assert plainly_to(url) == host


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("192.168.1.4", True), ("fd00::1", True), ("comfyui", True), ("gpu.internal", True),
        ("a.example", False), ("8.8.8.8", False), ("2001:4860:4860::8888", False),
    ],
)  # fmt: skip
def test_ones_own_network(host: str, near: bool) -> None:
    """By the address, or by a name that only such a network knows."""
    assert is_near(host) is near
