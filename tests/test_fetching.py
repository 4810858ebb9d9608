"""Images behind URLs: what is fetched, from where, and what a caller is told when nothing is.

The guard is the real one, and so hosts have public addresses here, which a name server on loopback gives them. A detour takes
the place of the internet: it notes the addresses that are to be connected to, and leads to the scripted upstream instead.
"""

import asyncio
import gzip
import logging
import socket
import ssl
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from nameservers import NameServer, name_server
from upstreams import END, Close, Hang, Reset, Script, ScriptedUpstream, Step, chunk, head, sized, upstream

from streamedit.errors import EditError, ErrorDetail, FetchingBusy, TooLarge
from streamedit.fetching import Fetcher, Lookups
from streamedit.image_urls import ImageUrlSettings
from streamedit.uploads import Upload
from streamedit.upstream.transport import Info, connected
from streamedit.version import __version__

PUBLIC = "93.184.216.34"
URL = "http://photos.test/cat.png?signature=canary"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(100)
MB = 1 << 20
PARAM = "images[0].image_url"

FETCHED_NOTHING = ErrorDetail(
    status=400,
    type="invalid_request_error",
    message=f"No image could be fetched from {PARAM}: it has to be a picture that anyone can download.",
    param=PARAM,
    code="invalid_image_url",
)
"""All that is told of what is behind a URL."""


@dataclass
class Detour:
    """Connects to one server on loopback, whatever address it is asked for; `asked`: the addresses, for each connection."""

    to: Info
    asked: list[list[str]] = field(default_factory=list)

    async def __call__(self, infos: Sequence[Info]) -> socket.socket:
        self.asked.append([str(info[4][0]) for info in infos])
        return await connected([self.to])


def loopback(port: int) -> Info:
    """Where a server of a test is."""
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)


@pytest.fixture
def names() -> Iterator[NameServer]:
    """A name server which knows where photos are."""
    with name_server() as running:
        running.has("photos.test", [PUBLIC])
        yield running


@pytest.fixture
def detour(scripted: ScriptedUpstream) -> Detour:
    """From the internet to the scripted upstream."""
    return Detour(loopback(scripted.port))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Vouches for photos.test."""
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A view of TLS that knows the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


Make = Callable[..., Fetcher]


@pytest.fixture
def make(names: NameServer, detour: Detour, tls: ssl.SSLContext) -> Make:
    """A fetcher with the settings that are given."""
    return lambda **settings: Fetcher(ImageUrlSettings(**settings), tls, names, detour)


async def fetched(fetcher: Fetcher, url: str = URL, max_bytes: int = MB) -> bytes:
    """What is behind the URL."""
    upload = Upload()
    try:
        await fetcher.fetch(url, PARAM, upload, max_bytes)
        return await upload.read()
    finally:
        upload.close()


async def told(fetching: Awaitable[bytes]) -> ErrorDetail:
    """What a caller is told of a failure."""
    with pytest.raises(EditError) as caught:
        await fetching
    assert caught.value.__suppress_context__
    return caught.value.detail


async def happened(semaphore: threading.Semaphore) -> bool:
    """Whether something has happened at the other side."""
    return await asyncio.to_thread(semaphore.acquire, timeout=5)


def moved(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return sized(b"", status, location=location)


# -- images that are there --


async def test_an_image_is_fetched(make: Make, scripted: ScriptedUpstream, detour: Detour) -> None:
    """By a plain GET of the URL, from the address that its host has."""
    scripted.play([sized(PNG)])
    assert await fetched(make(), f"{URL}#fragment") == PNG
    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("GET", "/cat.png?signature=canary")
    assert detour.asked == [[PUBLIC]]
    assert asked.headers == {
        "host": "photos.test",
        "accept": "image/*",
        "accept-encoding": "identity",
        "connection": "close",
        "user-agent": f"streamedit/{__version__}",
    }


async def test_all_addresses_of_a_host_may_be_connected_to(
    make: Make, names: NameServer, detour: Detour, scripted: ScriptedUpstream
) -> None:
    """Of both kinds, and those of the names that lead there."""
    names.has("photos.test", ["cdn.test", "edge.test", PUBLIC, "8.8.8.8", "2606:4700::1"])
    scripted.play([sized(PNG)])
    assert await fetched(make()) == PNG
    (asked,) = detour.asked
    assert sorted(asked) == ["2606:4700::1", "8.8.8.8", PUBLIC]


BEGINNINGS = {
    "PNG": PNG,
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(50),
    "WebP": b"RIFF\x40\0\0\0WEBPVP8 " + bytes(50),
    "GIF": b"GIF89a" + bytes(50),
}


@pytest.mark.parametrize("kind", BEGINNINGS)
@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_an_image_is_known_by_its_first_bytes(make: Make, scripted: ScriptedUpstream, kind: str, size: int) -> None:
    """However few come at a time, and whatever type the server gives it."""
    image = BEGINNINGS[kind]
    pieces = [chunk(image[start : start + size]) for start in range(0, len(image), size)]
    scripted.play([head("text/html"), *pieces, END])
    assert await fetched(make()) == image


WHOLE: dict[str, list[Step]] = {
    "sized": [sized(PNG)],
    "chunked": [head("image/png") + chunk(PNG[:20]) + chunk(PNG[20:]) + END],
    "until the end": [b"HTTP/1.1 200 OK\r\n\r\n" + PNG, Close()],
    "announced": [b"HTTP/1.1 103 Early Hints\r\n\r\n" + sized(PNG)],
    "identity": [sized(PNG, content_encoding="Identity")],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\ncontent-length: %d\r\n\r\n" % len(PNG) + PNG],
}


@pytest.mark.parametrize("how", WHOLE)
async def test_an_image_comes_whole(make: Make, scripted: ScriptedUpstream, how: str) -> None:
    """However its end is told."""
    scripted.play(WHOLE[how])
    assert await fetched(make()) == PNG


async def test_a_large_image_goes_to_disk_while_it_comes(make: Make, scripted: ScriptedUpstream) -> None:
    """Of 20 MB no more than a few spools are in memory."""
    image = PNG + bytes(range(256)) * (20 * MB // 256)
    scripted.play([sized(image)])
    upload = Upload()
    await make().fetch(URL, PARAM, upload, len(image))
    assert upload.is_on_disk
    assert upload._memory_bytes < 2 * MB
    assert await upload.read() == image
    upload.close()


async def test_over_tls_the_host_is_the_url_s(names: NameServer, authority: trustme.CA, tls: ssl.SSLContext) -> None:
    """It is asked for by its name, and its certificate has to say so."""
    asked_for: list[str | None] = []
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("photos.test").configure_cert(secured)
    secured.sni_callback = lambda _, name, __: asked_for.append(name)
    names.has("other.test", [PUBLIC])
    with upstream(secured) as scripted:
        scripted.play([sized(PNG)])
        detour = Detour(loopback(scripted.port))
        fetcher = Fetcher(ImageUrlSettings(), tls, names, detour)
        assert await fetched(fetcher, "https://photos.test/") == PNG
        assert asked_for == ["photos.test"]
        assert await told(fetched(fetcher, "https://other.test/")) == FETCHED_NOTHING
        distrustful = Fetcher(ImageUrlSettings(), ssl.create_default_context(), names, detour)
        assert await told(fetched(distrustful, "https://photos.test/")) == FETCHED_NOTHING
        assert len(scripted.asked) == 1


# -- redirects --


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(make: Make, scripted: ScriptedUpstream, names: NameServer, status: int) -> None:
    """To other hosts, too; each hop is looked up, judged and connected to by itself."""
    names.has("cdn.test", ["8.8.8.8"])
    scripted.play([moved("http://cdn.test/b.png", f"{status} Moved")], [sized(PNG)])
    assert await fetched(make()) == PNG
    assert [(asked.method, asked.path, asked.headers["host"]) for asked in scripted.asked] == [
        ("GET", "/cat.png?signature=canary", "photos.test"),
        ("GET", "/b.png", "cdn.test"),
    ]
    assert names.lookups == ["photos.test", "cdn.test"]
    assert scripted.connections == 2


@pytest.mark.parametrize(
    ("location", "path"), [("/b.png", "/b.png"), ("b.png", "/a/b.png"), ("?q", "/a/?q"), ("//photos.test/b", "/b")]
)
async def test_redirects_may_be_relative(make: Make, scripted: ScriptedUpstream, location: str, path: str) -> None:
    """To the URL that they come from."""
    scripted.play([moved(location)], [sized(PNG)])
    assert await fetched(make(), "http://photos.test/a/") == PNG
    assert scripted.asked[1].path == path


async def test_redirects_are_followed_so_far(make: Make, scripted: ScriptedUpstream) -> None:
    """Three by default, and as many as the settings say."""
    hops = [[moved(f"/{number}")] for number in range(4)]
    scripted.play(*hops[:3], [sized(PNG)])
    assert await fetched(make()) == PNG
    for settings, asked in (({}, 4), ({"redirects": 0}, 1), ({"redirects": 1}, 2)):
        scripted.play(*hops, [sized(PNG)])
        assert await told(fetched(make(**settings))) == FETCHED_NOTHING
        assert len(scripted.asked) == asked


async def test_a_loop_ends(make: Make, scripted: ScriptedUpstream) -> None:
    """As every other way that is too long."""
    scripted.play([moved(URL)])
    assert await told(fetched(make())) == FETCHED_NOTHING
    assert len(scripted.asked) == 4


@pytest.mark.parametrize(
    "location",
    [
        *(
            "http://169.254.169.254/latest/meta-data/",
            "http://metadata.test/",
            "http://10.0.0.1/",
            "http://[::1]/",
            "//127.0.0.1/",
        ),
        *("http://127.1/", "http://0/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/"),
        *("file:///etc/passwd", "gopher://photos.test/", "ftp://photos.test/", "data:image/png;base64,iVBORw0KGgo="),
        *("http://a@photos.test/", "http://photos.test:22/", "http://photos.test\\@127.0.0.1/", "http://[fe80::1%25lo]/"),
        *("http://unknown.test/", "http://denied.test/"),
    ],
)
async def test_where_no_redirect_leads(
    make: Make, scripted: ScriptedUpstream, names: NameServer, detour: Detour, location: str
) -> None:
    """Nobody is connected to beyond the first hop, and where it would have led is not told."""
    names.has("metadata.test", ["169.254.169.254"])
    names.has("denied.test", [PUBLIC])
    scripted.play([moved(location)], [sized(PNG)])
    assert await told(fetched(make(deny=("denied.test",)))) == FETCHED_NOTHING
    assert len(detour.asked) == 1


@pytest.mark.parametrize(
    "lines",
    [b"", b"location: /a\r\nlocation: /b\r\n", b"location: \r\n" * 2, b"location: /a\xff\x85\r\n"],
    ids=["none", "two", "two empty ones", "binary"],
)
async def test_redirects_to_nowhere(make: Make, scripted: ScriptedUpstream, lines: bytes) -> None:
    """Lead nowhere."""
    scripted.play([b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n" + lines + b"\r\n"], [sized(PNG)])
    assert await told(fetched(make())) == FETCHED_NOTHING
    assert len(scripted.asked) == 1


# -- where hosts are --


@pytest.mark.parametrize(
    "addresses",
    [
        *(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["169.254.170.2"], ["100.100.100.200"], ["168.63.129.16"]),
        *(["192.0.0.192"], ["fd00:ec2::254"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::a9fe:a9fe"], ["2002:7f00:1::"]),
        *(["0.0.0.0"], ["::"], ["fe80::1"], ["ff02::1"], ["224.0.0.1"], ["2606:4700::5efe:7f00:1"]),
        *([PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], ["8.8.8.8", PUBLIC, "2606:4700::1", "fd00::1"]),
        *(["alias.test", "127.0.0.1"], ["a.test", "b.test", PUBLIC, "10.0.0.1"]),
        *(["alias.test"], []),
    ],
    ids=str,
)
async def test_hosts_with_an_address_that_is_not_public(
    make: Make, names: NameServer, detour: Detour, addresses: Sequence[str]
) -> None:
    """Or with none: nobody is connected to, not even at their other addresses."""
    names.has("photos.test", addresses)
    assert await told(fetched(make())) == FETCHED_NOTHING
    assert detour.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[fd00:ec2::254]"]
)
async def test_literal_addresses_are_judged_as_those_of_names(make: Make, names: NameServer, detour: Detour, host: str) -> None:
    """Without asking anybody, and told in the same words."""
    assert await told(fetched(make(), f"http://{host}/")) == FETCHED_NOTHING
    assert (names.lookups, detour.asked) == ([], [])


async def test_a_public_literal_address_is_connected_to(make: Make, scripted: ScriptedUpstream, detour: Detour) -> None:
    """As it stands there."""
    scripted.play([sized(PNG)])
    for url in ("http://8.8.8.8/", "http://[2606:4700::1]/"):
        assert await fetched(make(), url) == PNG
    assert detour.asked == [["8.8.8.8"], ["2606:4700::1"]]
    assert [asked.headers["host"] for asked in scripted.asked] == ["8.8.8.8", "[2606:4700::1]"]


async def test_a_name_that_changes_between_two_looks_is_looked_at_once(
    make: Make, names: NameServer, scripted: ScriptedUpstream, detour: Detour
) -> None:
    """What was judged is what is connected to; the private address that comes next is never seen."""
    names.has("photos.test", [PUBLIC], ["127.0.0.1"])
    scripted.play([sized(PNG)])
    assert await fetched(make()) == PNG
    assert (names.lookups, detour.asked) == (["photos.test"], [[PUBLIC]])


async def test_the_address_that_was_judged_is_the_one_that_is_connected_to(
    names: NameServer, scripted: ScriptedUpstream, tls: ssl.SSLContext
) -> None:
    """On real sockets: whoever is where the name leads a moment later hears nothing."""
    names.has("inner.test", ["127.0.0.1"], ["127.0.0.2"])
    scripted.play([sized(PNG)])
    with socket.create_server(("127.0.0.2", scripted.port)) as other:
        other.setblocking(False)
        fetcher = Fetcher(ImageUrlSettings(internal=("inner.test",)), tls, names)
        assert await fetched(fetcher, f"http://inner.test:{scripted.port}/") == PNG
        with pytest.raises(BlockingIOError):
            other.accept()


async def test_a_name_that_changes_between_two_hops_is_judged_again(
    make: Make, names: NameServer, scripted: ScriptedUpstream, detour: Detour
) -> None:
    """Also when a connection to it was good a moment ago, and would still be open."""
    names.has("photos.test", [PUBLIC], ["169.254.169.254"])
    scripted.play([moved("/b.png")], [sized(PNG)])
    assert await told(fetched(make())) == FETCHED_NOTHING
    assert (names.lookups, detour.asked) == (["photos.test", "photos.test"], [[PUBLIC]])


async def test_names_are_looked_up_again_for_every_image(make: Make, names: NameServer, scripted: ScriptedUpstream) -> None:
    """A verdict is for one connection."""
    names.has("photos.test", [PUBLIC], ["10.0.0.1"])
    scripted.play([sized(PNG)])
    fetcher = make()
    assert await fetched(fetcher) == PNG
    assert await told(fetched(fetcher)) == FETCHED_NOTHING


async def test_denied_networks(make: Make, names: NameServer, detour: Detour) -> None:
    """However the host is named."""
    fetcher = make(deny=("93.184.216.0/24",))
    for url in (URL, f"http://{PUBLIC}/", "http://[::ffff:93.184.216.34]/"):
        assert await told(fetched(fetcher, url)) == FETCHED_NOTHING
    assert detour.asked == []


async def test_an_internal_host_is_reached_where_it_is(
    names: NameServer, scripted: ScriptedUpstream, tls: ssl.SSLContext
) -> None:
    """By this machine's own resolver, at its own port; under no other name, at no other port, and by nobody's redirect else."""
    scripted.play([sized(PNG)])
    fetcher = Fetcher(ImageUrlSettings(internal=(f"localhost:{scripted.port}",)), tls)
    assert await fetched(fetcher, f"http://localhost:{scripted.port}/") == PNG
    with upstream() as other:
        other.play([sized(PNG)])
        scripted.play([moved(f"http://localhost:{other.port}/")])
        assert await told(fetched(fetcher, f"http://localhost:{scripted.port}/")) == FETCHED_NOTHING
        assert other.connections == 0
    assert await told(
        fetched(Fetcher(ImageUrlSettings(ports=(scripted.port,)), tls), f"http://localhost:{scripted.port}/")
    ) == (FETCHED_NOTHING)
    assert scripted.connections == 2


# -- what a URL tells by itself --


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "it must be an http or https URL"),
        ("gopher://photos.test/", "it must be an http or https URL"),
        ("http://a@127.0.0.1/", "it must not have a user name or a password in it"),
        ("http://photos.test\\@127.0.0.1/", "it must not have blanks, control characters or backslashes in it"),
        ("http://2130706433/", "its host must be a name or an address"),
        ("http://0x7f000001/", "its host must be a name or an address"),
        ("http://127.1/", "its host must be a name or an address"),
        ("http://0/", "its host must be a name or an address"),
        ("http://127.0.0.1./", "its host must be a name or an address"),
        ("http://[fe80::1%25eth0]/", "its host must be a name or an address"),
        ("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", "it is not a URL"),
        ("http://photos.test:22/", "this server does not fetch images from its port"),
        ("http://denied.test/", "this server does not fetch images from its host"),
    ],
)
async def test_what_is_refused_by_its_text(make: Make, names: NameServer, detour: Detour, url: str, why: str) -> None:
    """It is said why; nobody is asked about it."""
    detail = await told(fetched(make(deny=("denied.test",)), url))
    assert detail.message == f"{PARAM} cannot be fetched: {why}."
    assert (detail.status, detail.param, detail.code) == (400, PARAM, "invalid_image_url")
    assert (names.lookups, detour.asked) == ([], [])


async def test_settings_can_change(make: Make, scripted: ScriptedUpstream) -> None:
    """For what is fetched from then on."""
    scripted.play([sized(PNG)])
    fetcher = make()
    off = fetcher.with_settings(ImageUrlSettings(fetch=False))
    detail = await told(fetched(off))
    assert detail.message == f"{PARAM} cannot be fetched: this server does not fetch images from URLs."
    assert await fetched(fetcher) == PNG
    assert await fetched(off.with_settings(ImageUrlSettings(at_once=1))) == PNG


# -- what is behind a URL --

BOMB = b"\x89PNG\r\n\x1a\n" + bytes(MB)
HTML = b"<!doctype html><title>Not here</title>" * 100
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'

NOTHING: dict[str, list[Step]] = {
    "404 with an image": [sized(PNG, "404 Not Found")],
    "500": [sized(PNG, "500 Internal Server Error")],
    "401": [sized(PNG, "401 Unauthorized", www_authenticate="Basic")],
    "201": [sized(PNG, "201 Created")],
    "204": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "206": [sized(PNG, "206 Partial Content")],
    "300": [sized(PNG, "300 Multiple Choices", location="/b")],
    "304": [b"HTTP/1.1 304 Not Modified\r\nlocation: /b\r\n\r\n"],
    "HTML that is called an image": [head("image/png") + chunk(HTML) + END],
    "SVG": [head("image/svg+xml") + chunk(SVG) + END],
    "text": [sized(b"secret")],
    "less than tells": [sized(b"\x89PNG\r\n")],
    "RIFF, not WebP": [sized(b"RIFF\x40\0\0\0WAVEfmt " + bytes(50))],
    "empty": [sized(b"")],
    "empty chunks": [head() + END],
    "an empty end": [b"HTTP/1.1 200 OK\r\n\r\n", Close()],
    "gzip": [sized(gzip.compress(BOMB), content_encoding="gzip")],
    "deflate": [sized(zlib.compress(BOMB), content_encoding="deflate")],
    "br, as it says": [sized(PNG, content_encoding="br")],
    "zstd, as it says": [sized(PNG, content_encoding="zstd")],
    "gzip twice": [sized(gzip.compress(gzip.compress(BOMB)), content_encoding="gzip, gzip")],
    "gzip that is not said to be": [sized(gzip.compress(BOMB))],
    "gzip in the transfer": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n" + chunk(gzip.compress(BOMB)) + END],
    "half an image": [sized(PNG)[:-1], Close()],
    "half an image, reset": [sized(PNG)[:-1], Reset()],
    "half a chunk": [head() + chunk(PNG)[:-10], Close()],
    "chunks without an end": [head() + chunk(PNG), Close()],
    "no answer": [Close()],
    "a reset": [Reset()],
    "half a head": [b"HTTP/1.1 200", Close()],
    "no HTTP": [b"220 mail.photos.test ESMTP\r\n", Close()],
    "HTTP/0.9": [PNG, Close()],
    "a head without an end": [b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 20_000, Hang()],
    "a length that is none": [b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n" + PNG, Close()],
    "an empty length": [b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n" + PNG, Close()],
    "two lengths": [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 120\r\n\r\n" + PNG, Close()],
    "a length beside chunks": [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(HTML) + END
    ],
    "less than there is": [head().replace(b"transfer-encoding: chunked", b"content-length: 5") + PNG, Close()],
    "a large page": [sized(HTML * 1000)],
    "an endless page": [head("image/png") + chunk(HTML) * 100, Hang()],
}


@pytest.mark.parametrize("what", NOTHING)
async def test_what_is_no_image_is_told_in_one_way(make: Make, scripted: ScriptedUpstream, what: str) -> None:
    """Whatever is there, or is not."""
    scripted.play(NOTHING[what])
    assert await told(fetched(make())) == FETCHED_NOTHING


SLOW: dict[str, Callable[[threading.Event], Script]] = {
    "no answer": lambda _: [Hang()],
    "half a head": lambda _: [b"HTTP/1.1 200", Hang()],
    "no body": lambda _: [head(), Hang()],
    "half an image": lambda _: [head() + chunk(PNG), Hang()],
    "a byte at a time": lambda ended: _dripping(ended, head() + chunk(PNG), b"1\r\nx\r\n"),
    "a header at a time": lambda ended: _dripping(ended, b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
    "announcements": lambda ended: _dripping(ended, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def _dripping(ended: threading.Event, first: bytes, drop: bytes) -> Iterator[bytes]:
    """Never silent for long, and never done."""
    yield first
    while not ended.wait(0.01):
        yield drop


@pytest.mark.parametrize("how", SLOW)
async def test_an_image_has_to_come_in_time(make: Make, scripted: ScriptedUpstream, how: str) -> None:
    """That is one time for all of it, however often something comes."""
    ended = threading.Event()
    scripted.play(SLOW[how](ended))
    assert await told(fetched(make(timeout_s=0.2))) == FETCHED_NOTHING
    ended.set()


async def test_time_goes_on_through_redirects(make: Make, scripted: ScriptedUpstream) -> None:
    """A hop that takes all of it leaves none to the next."""
    scripted.play([moved("/a")], [Hang()], [sized(PNG)])
    assert await told(fetched(make(timeout_s=0.2))) == FETCHED_NOTHING
    assert len(scripted.asked) == 2


async def test_names_have_to_be_found_in_time(make: Make, names: NameServer, detour: Detour) -> None:
    """A name server that never answers takes no more time than anybody else."""
    names.has("photos.test", None)
    assert await told(fetched(make(timeout_s=0.2))) == FETCHED_NOTHING
    assert await happened(names.came)
    assert detour.asked == []


async def test_nobody_there(make: Make, scripted: ScriptedUpstream, detour: Detour) -> None:
    """Neither a name nor a server."""
    scripted.stop()
    assert await told(fetched(make())) == FETCHED_NOTHING
    assert len(detour.asked) == 1
    assert await told(fetched(make(), "http://unknown.test/")) == FETCHED_NOTHING


async def test_who_does_not_speak_tls(names: NameServer, tls: ssl.SSLContext) -> None:
    """Is nobody there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fetcher = Fetcher(ImageUrlSettings(), tls, names, Detour(loopback(listener.getsockname()[1])))
        fetching = asyncio.create_task(told(fetched(fetcher, "https://photos.test/")))
        peer, _ = await asyncio.to_thread(listener.accept)
        with peer:
            peer.sendall(sized(PNG))
            assert await fetching == FETCHED_NOTHING


# -- how large --


async def test_an_image_may_be_as_large_as_it_may_be(make: Make, scripted: ScriptedUpstream) -> None:
    """To the byte."""
    scripted.play([head() + chunk(PNG) + END])
    assert await fetched(make(), max_bytes=len(PNG)) == PNG
    with pytest.raises(TooLarge) as caught:
        await fetched(make(), max_bytes=len(PNG) - 1)
    detail = caught.value.detail
    assert (detail.status, detail.param, detail.code) == (413, PARAM, "image_too_large")
    assert detail.message == f"{PARAM} is larger than {len(PNG) - 1} bytes."


TOO_LARGE: dict[str, Script] = {
    "as it says itself": [sized(PNG + bytes(MB))[:200], Hang()],
    "though it says nothing": [head() + chunk(PNG) + chunk(bytes(MB // 4)) * 8, Hang()],
    "until the end": [b"HTTP/1.1 200 OK\r\n\r\n" + PNG + bytes(2 * MB), Hang()],
    "though it is not": [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n" + PNG, Hang()],
}


@pytest.mark.parametrize("how", TOO_LARGE)
async def test_reading_ends_where_it_is_too_large(make: Make, scripted: ScriptedUpstream, how: str) -> None:
    """Nobody waits for the rest."""
    scripted.play(TOO_LARGE[how])
    upload = Upload()
    with pytest.raises(TooLarge):
        await make().fetch(URL, PARAM, upload, MB)
    assert upload.size_bytes <= 2 * MB
    upload.close()
    assert await happened(scripted.left)


async def test_an_endless_image_ends(make: Make, scripted: ScriptedUpstream) -> None:
    """At what it may have, and its server hears of it."""

    def endless() -> Iterator[bytes]:
        yield head() + chunk(PNG)
        try:
            while True:
                yield chunk(bytes(1 << 16))
        finally:
            gone.set()

    gone = threading.Event()
    scripted.play(endless())
    with pytest.raises(TooLarge):
        await fetched(make())
    scripted.scripts.clear()
    assert await asyncio.to_thread(gone.wait, 5)


# -- who else is affected --


async def test_so_many_are_fetched_at_once(make: Make, scripted: ScriptedUpstream) -> None:
    """Others wait for a place, and are told to come again when there is none in time. Who leaves makes room."""
    scripted.play([head() + chunk(PNG), Hang()])
    fetcher = make(at_once=2)
    held = [asyncio.create_task(fetched(fetcher)) for _ in range(2)]
    for _ in held:
        assert await happened(scripted.came)
    hasty = ImageUrlSettings(at_once=2, timeout_s=0.1)
    with pytest.raises(FetchingBusy) as busy:
        await fetched(fetcher.with_settings(hasty))
    assert (busy.value.detail.status, busy.value.detail.headers) == (503, {"retry-after": "1"})
    assert scripted.connections == 2
    waiting = asyncio.create_task(fetched(fetcher))
    scripted.play([sized(PNG)])
    held[0].cancel()
    assert await waiting == PNG
    held[1].cancel()
    await asyncio.wait(held)
    assert scripted.connections == 3


async def test_a_length_of_thousands_of_digits_is_none(make: Make, scripted: ScriptedUpstream) -> None:
    """Python refuses to read it as a number; the image counts."""
    scripted.play([sized(PNG).replace(b"content-length: ", b"content-length: " + b"0" * 5000)])
    assert await fetched(make()) == PNG


@pytest.mark.parametrize("host", ["xn--i-7iq.test", "xn--a.test"])
async def test_a_host_is_asked_as_it_is_written(make: Make, names: NameServer, scripted: ScriptedUpstream, host: str) -> None:
    """Also in punycode that no name can be made of, as emoji have it."""
    names.has(host, [PUBLIC])
    scripted.play([sized(PNG)])
    assert await fetched(make(), f"http://{host}/a.png") == PNG
    assert scripted.asked[0].headers["host"] == host


async def test_who_leaves_closes_the_connection(make: Make, scripted: ScriptedUpstream) -> None:
    """Before the answer, and within it."""
    for begin in (b"", head() + chunk(PNG), head() + chunk(HTML[:5])):
        scripted.play([begin, Hang()])
        fetching = asyncio.create_task(fetched(make()))
        assert await happened(scripted.came)
        fetching.cancel()
        await asyncio.wait([fetching])
        assert fetching.cancelled()
        assert await happened(scripted.left)


async def test_every_end_closes_the_connection(make: Make, scripted: ScriptedUpstream) -> None:
    """A refusal, a time that is over, a redirect, and an image that has come: nothing is kept for anybody."""
    for answer in (sized(HTML), head() + chunk(PNG), moved("/b"), sized(PNG)):
        scripted.play([answer, Hang()])
        await asyncio.wait([asyncio.create_task(fetched(make(timeout_s=0.2, redirects=0)))])
        assert await happened(scripted.left)


async def test_who_leaves_while_a_name_is_looked_up(make: Make, names: NameServer, detour: Detour) -> None:
    """Is gone at once."""
    names.has("photos.test", None)
    fetching = asyncio.create_task(fetched(make()))
    assert await happened(names.came)
    fetching.cancel()
    await asyncio.wait([fetching], timeout=5)
    assert fetching.cancelled()
    assert detour.asked == []


async def test_slow_lookups_are_in_nobody_s_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many were given up, their threads are few, and the event loop's own lookups go on."""
    begun, answered, known = threading.Semaphore(0), threading.Event(), socket.getaddrinfo

    def slow(host: bytes | str, *rest: object, **hints: int) -> object:
        if host == b"slow.test":
            begun.release()
            answered.wait(10)
        return known(host, *rest, **hints)  # type: ignore[arg-type] # passed on as it came

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    lookups = Lookups()
    waiting = [asyncio.ensure_future(lookups("slow.test")) for _ in range(200)]
    for _ in range(64):
        assert await happened(begun)
    assert await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
    for lookup in waiting:
        lookup.cancel()
    await asyncio.wait(waiting)
    assert all(lookup.cancelled() for lookup in waiting)
    assert not begun.acquire(blocking=False)
    answered.set()
    assert [str(address) for address in await lookups("127.0.0.1")] == ["127.0.0.1"]


async def test_a_name_that_is_none_is_an_error_of_the_resolver() -> None:
    """Also one that could not even be asked for."""
    with pytest.raises(socket.gaierror):
        await Lookups()(f"{'a' * 64}.invalid")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"])
async def test_proxies_of_the_environment_are_not_used(
    make: Make, scripted: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """They would resolve names by themselves, behind the guard's back."""
    with upstream() as proxy:
        proxy.play([sized(HTML)])
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        scripted.play([sized(PNG)])
        assert await fetched(make()) == PNG
        assert proxy.connections == 0


async def test_nothing_is_carried_from_one_fetch_to_the_next(
    make: Make, scripted: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No cookie, and no password of a .netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine photos.test login canary password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    scripted.play([moved("/b").replace(b"\r\n", b"\r\nset-cookie: a=canary\r\n", 1)], [sized(PNG, set_cookie="b=canary")])
    fetcher = make()
    for _ in range(2):
        assert await fetched(fetcher) == PNG
    assert not [asked for asked in scripted.asked if {"cookie", "authorization", "referer"} & set(asked.headers)]


async def test_urls_are_shown_to_nobody(
    make: Make, scripted: ScriptedUpstream, names: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in logs nor in errors, whatever comes of them."""
    caplog.set_level(logging.DEBUG)
    names.has("inner-canary.test", ["10.0.0.1"])
    scripted.play([sized(PNG)], [sized(HTML)], [moved("http://canary@b.test/")], [moved("http://inner-canary.test/")])
    assert await fetched(make()) == PNG
    failures = [await told(fetched(make())) for _ in range(3)]
    failures += [await told(fetched(make(), url)) for url in ("ftp://canary/", "http://canary.test/", "http://a:canary@b/")]
    assert "canary" not in repr(failures)
    assert "photos.test" not in repr(failures)
    assert "canary" not in caplog.text
