"""The section on images behind URLs: what it takes, what it means, and what is wrong with it."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamedit.image_urls import HostPattern, ImageUrlSettings, host_of


def test_what_holds_without_a_word() -> None:
    """Images are fetched from any host, at the ports of the web."""
    settings = ImageUrlSettings()
    assert settings.fetch
    assert settings.is_listed("example.com", 443)
    assert not settings.is_internal("localhost", 80)
    assert (settings.ports, settings.redirects, settings.timeout_s, settings.at_once) == ((80, 443), 3, 20, 16)


@pytest.mark.parametrize(
    ("entry", "hosts", "others"),
    [
        (
            "example.com",
            ["example.com:80", "example.com:8080"],
            ["www.example.com:80", "example.com.evil:80", "xexample.com:80"],
        ),
        ("EXAMPLE.com", ["example.com:80"], []),
        ("*.example.com", ["www.example.com:80", "a.b.example.com:443"], ["example.com:80", "notexample.com:80"]),
        ("example.com:8080", ["example.com:8080"], ["example.com:80"]),
        ("*.example.com:443", ["a.example.com:443"], ["a.example.com:80"]),
        ("203.0.113.7", ["203.0.113.7:80"], ["203.0.113.8:80"]),
        ("203.0.113.7:81", ["203.0.113.7:81"], ["203.0.113.7:80"]),
        ("2001:DB8:0::1", ["2001:db8::1|80"], ["2001:db8::2|80"]),
        ("[2001:db8::1]:8080", ["2001:db8::1|8080"], ["2001:db8::1|80"]),
        ("[2001:db8::1]", ["2001:db8::1|80"], []),
        ("localhost", ["localhost:1"], []),
        ("xn--bcher-kva.example", ["xn--bcher-kva.example:80"], []),
    ],
)
def test_an_entry_means_these_hosts_and_no_others(entry: str, hosts: list[str], others: list[str]) -> None:
    """A star stands for everything below a host, not for the host itself."""
    settings = ImageUrlSettings(allow=(entry,))
    assert all(settings.is_listed(*_place(host)) for host in hosts)
    assert not any(settings.is_listed(*_place(host)) for host in others)


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.replace("|", ":").rpartition(":")
    return host, int(port)


def test_deny_wins() -> None:
    """Over allow, at the port that it names."""
    settings = ImageUrlSettings(allow=("*.example.com",), deny=("bad.example.com", "a.example.com:80"))
    assert settings.is_listed("good.example.com", 80)
    assert not settings.is_listed("bad.example.com", 80)
    assert (settings.is_listed("a.example.com", 80), settings.is_listed("a.example.com", 443)) == (False, True)


@pytest.mark.parametrize(
    ("entry", "address", "is_denied"),
    [
        ("203.0.113.0/24", "203.0.113.200", True),
        ("203.0.113.0/24", "203.0.112.200", False),
        ("203.0.113.0/24", "2001:db8::1", False),
        ("203.0.113.7", "203.0.113.7", True),
        ("2001:db8::/32", "2001:db8:1::5", True),
        ("2001:db8::1", "2001:db8::1", True),
        ("[2001:db8::1]", "2001:db8::1", True),
        ("example.com", "203.0.113.7", False),
    ],
)
def test_addresses_are_denied_by_network(entry: str, address: str, is_denied: bool) -> None:
    """An address is a network of one."""
    assert ImageUrlSettings(deny=(entry,)).is_denied(ip_address(address)) is is_denied


def test_internal_hosts_are_named_exactly() -> None:
    """With their port, or at any."""
    settings = ImageUrlSettings(internal=("images", "10.0.0.5:9000", "[fd00::5]:9000"))
    assert settings.is_internal("images", 1234)
    assert (settings.is_internal("10.0.0.5", 9000), settings.is_internal("10.0.0.5", 80)) == (True, False)
    assert settings.is_internal("fd00::5", 9000)
    assert not settings.is_internal("www.images", 80)


HOST = "must be a host or *.host, in ASCII, with or without :port"


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        *(({"allow": [entry]}, HOST) for entry in ("", "*", "*.", "https://example.com", "example.com/path", "a@b", "a b")),
        *(
            ({"allow": [entry]}, HOST)
            for entry in ("example.com:0", "example.com:65536", "example.com:x", "exa*mple.com", "a..b")
        ),
        *(
            ({"allow": [entry]}, HOST)
            for entry in ("bücher.example", "example.com.", "127.1", "0x7f.1", "[::1", "[::1]x", "::g")
        ),
        *(({"allow": [entry]}, HOST) for entry in ("*.10.0.0.1", "*.[::1]", "fe80::1%eth0", 8080, None, "10.0.0.0/8")),
        ({"deny": ["203.0.113.7/24"]}, "must be a network like 203.0.113.0/24, with no bits beyond it"),
        ({"deny": ["203.0.113.0/33"]}, "must be a network like 203.0.113.0/24"),
        ({"deny": ["203.0.113.7:80"]}, "must not have a port: an address is denied at every port"),
        ({"deny": ["[2001:db8::1]:80"]}, "must not have a port: an address is denied at every port"),
        ({"deny": ["https://example.com"]}, "must be a network"),
        ({"deny": [7]}, HOST),
        ({"internal": ["*.internal"]}, "must be one host: what is internal is named, not matched"),
        ({"internal": ["10.0.0.0/8"]}, HOST),
        ({"ports": [0]}, "Input should be greater than or equal to 1"),
        ({"ports": [65536]}, "Input should be less than 65536"),
        ({"redirects": 11}, "Input should be less than or equal to 10"),
        ({"redirects": -1}, "Input should be greater than or equal to 0"),
        ({"timeout_s": 0}, "Input should be greater than 0"),
        ({"at_once": 0}, "Input should be greater than or equal to 1"),
        ({"allowed": []}, "Extra inputs are not permitted"),
    ],
)
def test_mistakes_are_told(section: dict[str, object], mistake: str) -> None:
    """In words of the section."""
    with pytest.raises(ValidationError) as caught:
        ImageUrlSettings.model_validate(section)
    (told,) = caught.value.errors()
    assert mistake in told["msg"]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.COM", "example.com"),
        ("a_b.example", "a_b.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("1password.com", "1password.com"),
    ],
)
def test_hosts_have_one_form(text: str, host: str) -> None:
    """In which they are compared."""
    assert host_of(text) == host
    assert host_of("::ffff:127.0.0.1") == host_of("0::FFFF:7F00:1") is not None


@pytest.mark.parametrize(
    "text",
    [
        *("2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "0", "0x0", "0x", "127.0.0.0x1"),
        *("1.2.3.4.5", "256.256.256.256", "example.1", "127.0.0.1.", "example.com.", "", ".", "a..b", "-a.b", "a-.b"),
        *("fe80::1%eth0", "::1%25lo", "%31", "a b", "a" * 64 + ".b", ".".join(["a" * 60] * 5), "bücher.example", "ex!a"),
        *("①②⑦.⓪.⓪.①", "127。0。0。1", "\u0661\u0662\u0667.\u0660.\u0660.\u0661", "[::1]", "a:80", "a\n"),
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    """Above all numbers that some resolver takes for an address."""
    assert host_of(text) is None


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,8}){1,3}", fullmatch=True), st.integers(1, 65535))
def test_a_pattern_matches_its_own_host_and_what_is_below_only_with_a_star(name: str, port: int) -> None:
    """Whatever its name is."""
    assert HostPattern(name).matches(name, port)
    assert not HostPattern(name).matches(f"a.{name}", port)
    assert HostPattern(name, below=True).matches(f"a.{name}", port)
    assert not HostPattern(name, below=True).matches(name, port)
    assert not HostPattern(name, below=True).matches(f"a{name}", port)
