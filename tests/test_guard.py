"""What the guard lets pass: URLs by their text, hosts by every one of their addresses."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.guard import Refused, admitted, is_public, judge
from streamedit.image_urls import ImageUrlSettings

OPEN = ImageUrlSettings()

# -- addresses --

METADATA = [
    "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean and others
    "169.254.170.2",  # AWS, for containers
    "fd00:ec2::254",  # AWS
    "100.100.100.200",  # Alibaba
    "192.0.0.192",  # Oracle
    "168.63.129.16",  # Azure
    "fe80::a9fe:a9fe",  # OpenStack
]

PRIVATE_V4 = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.0.1"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
]

PRIVATE_V6 = [
    *(
        "::",
        "::1",
        "::7f00:1",
        "::808:808",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "ff0e::1",
    ),
    *("100::1", "64:ff9b:1::808:808", "64:ff9b:1::7f00:1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1"),
    *("2001::1", "2001:0:808:808::f7f7:f7f7", "2001:2::1", "2001:10::1", "2001:20::1", "2002:7f00:1::", "2002:808:808::1"),
    *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "fe80::5efe:808:808"),
]

PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.255", "192.0.1.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"),
    "2606:4700::5efe:808:808",
]


@pytest.mark.parametrize("address", [*METADATA, *PRIVATE_V4, *PRIVATE_V6])
def test_what_is_not_public(address: str) -> None:
    """Private, shared, reserved, of one link or one machine, of a cloud's metadata, or a detour to such."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    """Mapped and translated addresses are so as the IPv4 address inside is."""
    assert is_public(ip_address(address))


EMBEDDED = {
    "mapped": lambda inner: 0xFFFF << 32 | inner,
    "compatible": lambda inner: inner,
    "NAT64": lambda inner: 0x64FF9B << 96 | inner,
    "NAT64 of one network": lambda inner: 0x64FF9B0001 << 80 | inner,
    "6to4": lambda inner: 0x2002 << 112 | inner << 80 | 1,
    "Teredo's server": lambda inner: 0x20010000 << 96 | inner << 64,
    "Teredo's client": lambda inner: 0x20010000 << 96 | 0x08080808 << 64 | inner ^ 0xFFFFFFFF,
    "ISATAP": lambda inner: 0x2606470000000000 << 64 | 0x5EFE << 32 | inner,
    "ISATAP, universal": lambda inner: 0x2606470000000000 << 64 | 0x2005EFE << 32 | inner,
}


@pytest.mark.parametrize("form", EMBEDDED)
@pytest.mark.parametrize("inner", [*PRIVATE_V4, *(address for address in METADATA if "." in address)])
def test_no_form_of_ipv6_hides_an_address(form: str, inner: str) -> None:
    """That may not be connected to."""
    assert not is_public(IPv6Address(EMBEDDED[form](int(IPv4Address(inner)))))


@given(st.ip_addresses(v=4))
def test_mapped_and_translated_addresses_are_what_is_inside(inner: IPv4Address) -> None:
    """For all of them."""
    for form in ("mapped", "NAT64"):
        assert is_public(IPv6Address(EMBEDDED[form](int(inner)))) is is_public(inner)


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_global_unicast(address: IPv6Address) -> None:
    """Nothing else is handed out to anybody (RFC 4291), but for the forms that stand for IPv4."""
    if is_public(address) and not address.ipv4_mapped:
        assert address in IPv6Network("2000::/3") or address in IPv6Network("64:ff9b::/96")


@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "fd00::1"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_bad_address_refuses_the_host(bad: str, at: int) -> None:
    """Wherever it stands among good ones."""
    addresses = [ip_address("8.8.8.8"), ip_address("2606:4700::1")]
    judge("example.com", 80, addresses, OPEN)
    addresses.insert(at, ip_address(bad))
    with pytest.raises(Refused, match="not public"):
        judge("example.com", 80, addresses, OPEN)


def test_a_host_without_addresses_is_refused() -> None:
    """There is nothing to be judged."""
    with pytest.raises(Refused, match="no address"):
        judge("example.com", 80, [], OPEN)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("8.8.8.0/24", "8.8.8.8"),
        ("8.8.8.0/24", "::ffff:8.8.8.8"),
        ("8.8.8.0/24", "64:ff9b::808:808"),
        ("8.8.8.0/24", "2606:4700::5efe:808:808"),
        ("2606:4700::/32", "2606:4700::1"),
        ("64:ff9b::/96", "64:ff9b::808:808"),
    ],
)
def test_denied_networks(network: str, address: str) -> None:
    """However the address is written, and also for internal hosts."""
    settings = ImageUrlSettings(deny=(network,), internal=("images",))
    for host in ("example.com", "images"):
        with pytest.raises(Refused, match="denied"):
            judge(host, 80, [ip_address(address)], settings)


def test_internal_hosts_may_have_any_address() -> None:
    """At the port that they are named with, and nobody else at theirs."""
    settings = ImageUrlSettings(internal=("images:9000", "[::1]:9000"))
    judge("images", 9000, [ip_address("10.0.0.5"), ip_address("::1")], settings)
    judge("0:0::1", 9000, [ip_address("::1")], settings)
    for host, port in (("images", 80), ("other", 9000), ("10.0.0.5", 9000)):
        with pytest.raises(Refused):
            judge(host, port, [ip_address("10.0.0.5")], settings)


# -- URLs --


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("http://example.com", b"example.com", b"/"),
        ("https://example.com:443/a/b.png?c=d&e=%20#f", b"example.com", b"/a/b.png?c=d&e=%20"),
        ("HTTPS://Example.COM/A", b"example.com", b"/A"),
        ("http://bücher.example/ü.png", b"xn--bcher-kva.example", b"/%C3%BC.png"),
        ("http://[2606:4700::1]:80/", b"2606:4700::1", b"/"),
        ("http://x#@y", b"x", b"/"),
        ("http://x?@y", b"x", b"/?@y"),
        ("http://x/@y", b"x", b"/@y"),
        ("http://x/?u=http://127.0.0.1/", b"x", b"/?u=http://127.0.0.1/"),
    ],
)
def test_what_is_admitted_is_what_is_asked(text: str, host: bytes, path: bytes) -> None:
    """There is one parse, which is handed on."""
    url = admitted(text, OPEN)
    assert (url.raw_host, url.raw_path) == (host, path)


NUMBERS = [
    *("2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1", "0", "0x0", "00", "1.1"),
    *(
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "\uff11\uff12\uff17.0.0.1",
        "%31%32%37.0.0.1",
        "127.0.0.0x1",
        "256.1.1.1",
        "localhost.",
        "a..b",
    ),
    *("[fe80::1%25eth0]", "[::1%lo]", "[::ffff:127.0.0.1%25lo]", "a%00b", "a%2fb", "a_b-.c", "*", "(a)"),
]


@pytest.mark.parametrize("host", NUMBERS)
def test_hosts_that_are_none(host: str) -> None:
    """Numbers that a resolver could take for an address, zones, and what no host has in it."""
    with pytest.raises(Refused, match=r"its host must be a name or an address|it is not a URL"):
        admitted(f"http://{host}/a.png", OPEN)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://a\\@127.0.0.1/",
            "http://a\\.b/",
            "http:\\\\127.0.0.1\\",
            "http://a/\\b",
            " http://a/",
            "http://a/ ",
            "http://a b/",
        ),
        *(
            "http://a/\r\nx: y",
            "http://a\t.b/",
            "http://a/\0",
            "http://a\n",
            "http://a/\x7f",
            "http://a/\x85",
            "http://a/\u2028",
        ),
        "http://a/\u00a0",
    ],
)
def test_characters_that_parsers_disagree_about(text: str) -> None:
    """Anywhere in the URL."""
    with pytest.raises(Refused, match="it must not have blanks, control characters or backslashes in it"):
        admitted(text, OPEN)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://example.com/a.png",
            "data:image/png;base64,AAAA",
            "javascript:1",
        ),
        *(
            "//example.com/a.png",
            "/a.png",
            "a.png",
            "",
            "dict://a:11211/",
            "unix:/run/a.sock",
            "blob:http://a/b",
            "jar:http://a!/b",
        ),
    ],
)
def test_other_schemes(text: str) -> None:
    """And none."""
    with pytest.raises(Refused, match="it must be an http or https URL"):
        admitted(text, OPEN)


@pytest.mark.parametrize(
    "text", ["http://a@127.0.0.1/", "http://a:b@example.com/", "http://:b@example.com/", "http://a%40b@c/"]
)
def test_user_names_and_passwords(text: str) -> None:
    """What stands before the @ is meant for people's eyes."""
    with pytest.raises(Refused, match="it must not have a user name or a password in it"):
        admitted(text, OPEN)


@pytest.mark.parametrize("text", ["http:///a", "http:a", "http:/a", "http://", "http://:80/", "http://?a", "http://#a"])
def test_no_host(text: str) -> None:
    """At all."""
    with pytest.raises(Refused, match="its host must be a name or an address"):
        admitted(text, OPEN)


@pytest.mark.parametrize("text", ["http://[::1", "http://a:80:80/", "http://a:b/", "http://" + "a" * 70_000, "http://a/\ud800"])
def test_what_is_no_url(text: str) -> None:
    """Half an address, two ports, a half character."""
    with pytest.raises(Refused, match="it is not a URL"):
        admitted(text, OPEN)


@pytest.mark.parametrize("url", ["http://a:22/", "http://a:0/", "https://a:8443/", "http://a:99999/", "http://a:6379/"])
def test_other_ports(url: str) -> None:
    """Than those of the web have to be named; those that are none cannot be."""
    with pytest.raises(Refused, match="this server does not fetch images from its port"):
        admitted(url, OPEN)


def test_ports_that_are_named() -> None:
    """In the settings, and for internal hosts all that there are."""
    assert admitted("http://a:8080/", ImageUrlSettings(ports=(8080,))).port == 8080
    assert admitted("http://a:22/", ImageUrlSettings(internal=("a",))).port == 22
    assert admitted("http://a:22/", ImageUrlSettings(internal=("a:22",))).port == 22
    for url, internal in (("http://a:23/", "a:22"), ("http://a:0/", "a"), ("http://a:65536/", "a")):
        with pytest.raises(Refused, match="port"):
            admitted(url, ImageUrlSettings(internal=(internal,)))


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (ImageUrlSettings(deny=("example.com",)), "http://EXAMPLE.com/"),
        (ImageUrlSettings(deny=("*.example.com",)), "http://a.example.com/"),
        (ImageUrlSettings(allow=("example.com",)), "http://example.org/"),
        (ImageUrlSettings(allow=("example.com:443",)), "http://example.com/"),
        (ImageUrlSettings(allow=("example.com",), internal=("images",)), "http://images/"),
        (ImageUrlSettings(deny=("images",), internal=("images",)), "http://images/"),
        (ImageUrlSettings(deny=("xn--bcher-kva.example",)), "http://bücher.example/"),
    ],
)
def test_hosts_that_the_lists_keep_out(settings: ImageUrlSettings, url: str) -> None:
    """Also when they are internal."""
    with pytest.raises(Refused, match="this server does not fetch images from its host"):
        admitted(url, settings)


def test_nothing_is_fetched_when_that_is_off() -> None:
    """Not from internal hosts either."""
    with pytest.raises(Refused, match="this server does not fetch images from URLs"):
        admitted("http://images/", ImageUrlSettings(fetch=False, internal=("images",)))


BASE = httpx.URL("https://example.com/a/b?c#d")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x.png", "https://example.com/x.png"),
        ("x.png", "https://example.com/a/x.png"),
        ("?q", "https://example.com/a/b?q"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example/x", "http://other.example/x"),
        ("../../../x", "https://example.com/x"),
    ],
)
def test_a_redirect_leads_on_from_where_it_is(location: str, url: str) -> None:
    """As RFC 3986 has it."""
    assert str(admitted(location, OPEN, BASE)) == url


@pytest.mark.parametrize(
    "location",
    [
        *(
            "file:///etc/passwd",
            "gopher://a/",
            "//a@b/",
            "http://a:22/",
            "//127.1/",
            "\\\\b\\c",
            "//a\\@b",
            "http://[::1",
            "/a b",
        ),
        *("//[fe80::1%25eth0]/", "http://a\u2100.b/", "//\ud800/"),
    ],
)
def test_a_redirect_is_judged_as_any_url(location: str) -> None:
    """By all that it tells."""
    with pytest.raises(Refused):
        admitted(location, OPEN, BASE)


@given(st.text(), st.sampled_from(["", "http://", "http://a", "http://[", "//", "https://a:"]))
def test_nothing_but_a_url_or_a_refusal_comes_of_any_text(text: str, begin: str) -> None:
    """No other error, and no URL that is not of the web."""
    for base in (None, BASE):
        try:
            url = admitted(begin + text, OPEN, base)
        except Refused:
            continue
        assert url.scheme in ("http", "https")
        assert url.raw_host
        assert not url.userinfo
