"""Images that a request only names, as attackers name them: a real server, real addresses, and a played provider."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import MASTER, Accounts, accounting, at, bearer, limits
from clients import Answer, get
from databases import fresh_database
from descriptors import temporary_files
from galleries import Gallery, exhibiting
from moderations import moderating
from pictures import ihdr, png_of
from raw import connect
from servers import RunningServer, serving, settings_of
from test_admission_e2e import PRICE, PRICE_MICROS, paid, spend_of
from upstreams import END, Asked, Hang, Reset, Script, ScriptedUpstream, chunk, head, sized, upstream

from streamedit.budgets import Budget
from streamedit.config import Settings
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.routes import Route, Routes
from streamedit.targets import Target

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
OTHER = PNG + b"behind its end"
MOST_BYTES = 2 << 20
TIMEOUT_S = 0.4
MODEL = "gpt-image-2"

CANARY = "canary-of-a-signature"
"""In every URL: nobody else is to see it."""

FETCHED_NOTHING = {
    "message": "No image could be fetched from {}: it has to be a picture that anyone can download.",
    "type": "invalid_request_error",
    "code": "invalid_image_url",
}
"""Whatever is behind a URL, and whatever is not."""


def target_at(scripted: ScriptedUpstream, model: str = MODEL, **params: Any) -> Target:
    """A model at the played provider."""
    return Target("openai", model, "sk-provider", scripted.url, {**PRICE, **params}, id=model)


@pytest.fixture(scope="module")
def inside() -> Iterator[Gallery]:
    """A server that is nobody's business. There is a picture, so that only the guard is in the way."""
    with exhibiting({"/a.png": PNG}) as running:
        yield running


@pytest.fixture(scope="module")
def gallery(inside: Gallery) -> Iterator[Gallery]:
    """Where callers' images are, good ones and others."""
    with exhibiting() as running:
        endless = chunk(PNG + bytes(1 << 18))
        running.scripts = {
            "/page": [sized(b"<html>" + bytes(100))],
            "/nothing": [sized(b"")],
            "/refused": [sized(PNG, "403 Forbidden")],
            "/encoded": [sized(PNG, content_encoding="gzip")],
            "/broken": [head("image/png") + chunk(PNG), Reset()],
            "/cut": [sized(PNG)[:-1], Reset()],
            "/slow": [head("image/png") + chunk(PNG), Hang()],
            "/slow-on-disk": [head("image/png") + chunk(PNG + bytes(MOST_BYTES - 1000)), Hang()],
            "/silent": [Hang()],
            "/round": _Redirect("/round"),
            "/nowhere": [sized(b"", "302 Found")],
            "/to-file": _Redirect("file:///etc/passwd"),
            "/to-private": _Redirect(inside.url("/a.png")),
            "/to-metadata": _Redirect("http://169.254.169.254/latest/meta-data"),
            "/to-zero": _Redirect(f"http://0.0.0.0:{inside.scripted.port}/a.png"),
            "/large": [sized(PNG + bytes(MOST_BYTES))],
            "/larger-than-told": [head("image/png") + chunk(PNG + bytes(MOST_BYTES)) + END],
            "/endless": _Endless(endless),
        }
        yield running


class _Redirect:
    """An answer that leads elsewhere."""

    def __init__(self, location: str) -> None:
        self._location = location

    def __iter__(self) -> Iterator[bytes]:
        yield sized(b"", "302 Found", location=self._location)


class _Endless:
    """An image that never ends."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece

    def __iter__(self) -> Iterator[bytes]:
        yield head("image/png")
        yield from repeat(self._piece)


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedUpstream]:
    """It makes every edit."""
    with upstream() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def accounts(
    gallery: Gallery, inside: Gallery, provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Accounts]:
    """A server that fetches from the gallery, in a short time, and keeps files."""
    folder = tmp_path_factory.mktemp("references")
    urls = gallery.allowed(timeout_s=TIMEOUT_S, ports=[80, inside.scripted.port])
    with accounting("sqlite", folder, target_at(provider), image_urls=urls, max_image_bytes=MOST_BYTES) as running:
        yield running


@pytest.fixture
def server(accounts: Accounts, gallery: Gallery, provider: ScriptedUpstream) -> Iterator[RunningServer]:
    """Of it, when nothing was asked yet; behind each test nothing is left, and nobody has seen a URL."""
    provider.serve(paid)
    gallery.clear()
    files = temporary_files()
    yield accounts.server
    expect_nothing_left(accounts.server, gallery)
    accounts.server.wait_for(lambda: temporary_files() <= files)
    assert CANARY not in accounts.server.log_text


def expect_nothing_left(server: RunningServer, gallery: Gallery) -> None:
    """No edit, no connection on either side, and no place in the line."""
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)
    server.wait_for(lambda: gallery.is_left)
    fetcher = server.app.state.equipment.depot._fetcher
    assert not fetcher.places.locked()


def url_of(gallery: Gallery, path: str) -> str:
    """A whole URL is left as it is."""
    return f"{path if '://' in path else gallery.url(path)}"


def signed(gallery: Gallery, path: str, content: bytes = PNG) -> str:
    """A picture behind a URL with a secret in it."""
    return gallery.hang(f"{path}?signature={CANARY}", content)


def ask(server: RunningServer, headers: Mapping[str, str] = bearer(MASTER), path: str = "", **body: Any) -> Answer:
    """An edit in JSON."""
    told = {"prompt": "sepia", **body}
    return Answer.of(httpx.post(f"{server.edits_url}{path}", json=told, headers=dict(headers), timeout=30))


def at_url(url: str) -> dict[str, Any]:
    """One image."""
    return {"images": [{"image_url": url}]}


def upload(server: RunningServer, content: bytes, headers: Mapping[str, str] = bearer(MASTER)) -> str:
    """The id of a file."""
    files = {"file": ("photo.png", content)}
    answer = httpx.post(f"{server.url}/v1/files", files=files, data={"purpose": "vision"}, headers=dict(headers))
    return str(answer.raise_for_status().json()["id"])


def sent(asked: Asked) -> list[bytes]:
    """The files of a form."""
    return [content for _, _, _, content in asked.files]


NOT_FETCHED = [
    "/missing", "/refused", "/page", "/nothing", "/encoded", "/broken", "/cut", "/slow", "/slow-on-disk", "/silent",
    "/round", "/nowhere", "/to-file", "/to-metadata",
    "http://127.0.0.1/a.png", "http://localhost/a.png", "http://[::1]/a.png", "http://10.0.0.1/a.png",
    "http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/",
    "http://nobody.invalid/a.png",
]  # fmt: skip
"""Paths of the gallery, and whole URLs."""

OVERSIZED = ["/large", "/larger-than-told", "/endless"]

FORBIDDEN = {
    "http://169.254.169.254:22/": "port",
    "http://user:pw@photos.example/a.png": "user name",
    "http://2130706433/a.png": "host",
    "http://0x7f.1/a.png": "host",
    "http://photos.example\\@127.0.0.1/a.png": "backslashes",
    "file:///etc/passwd": "",
    "gopher://127.0.0.1/": "",
    "javascript:alert(1)": "",
    "photo.png": "",
}
"""What a URL itself tells against it; of some what is said of it."""

WAYS: list[dict[str, Any]] = [{}, {"stream": True}]


def expect_nothing_fetched(answer: Answer, param: str) -> None:
    """A 400 that tells nothing of what is behind a URL, before any event."""
    assert answer.status == 400, answer.body
    assert answer.headers["content-type"] == "application/json"
    message = FETCHED_NOTHING["message"].format(param)
    assert answer.error == {**FETCHED_NOTHING, "message": message, "param": param}


@pytest.mark.parametrize("path", NOT_FETCHED)
def test_what_cannot_be_fetched(server: RunningServer, gallery: Gallery, provider: ScriptedUpstream, path: str) -> None:
    """Is a 400 with one and the same message, streamed or not: whoever looks around inside learns nothing."""
    for way in WAYS:
        expect_nothing_fetched(ask(server, **at_url(url_of(gallery, path)), **way), "images[0].image_url")
    assert provider.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_what_is_inside(server: RunningServer, inside: Gallery, provider: ScriptedUpstream, host: str) -> None:
    """Is not even connected to, by whatever name, though a picture is there and its port may be asked."""
    url = f"http://{host}:{inside.scripted.port}/a.png"
    for way in WAYS:
        expect_nothing_fetched(ask(server, **at_url(url), **way), "images[0].image_url")
    assert provider.asked == []
    assert inside.scripted.connections == 0


@pytest.mark.parametrize("path", ["/to-private", "/to-zero"])
def test_what_leads_inside(server: RunningServer, gallery: Gallery, inside: Gallery, path: str) -> None:
    """Is followed no further."""
    expect_nothing_fetched(ask(server, **at_url(gallery.url(path))), "images[0].image_url")
    assert [asked.path for asked in gallery.asked] == [path]
    assert inside.scripted.connections == 0


@pytest.mark.parametrize("path", ["/missing", "http://169.254.169.254/", "/slow"])
def test_a_mask_is_fetched_alike(server: RunningServer, gallery: Gallery, provider: ScriptedUpstream, path: str) -> None:
    """And it is said that it is the mask."""
    body = {**at_url(signed(gallery, "/good")), "mask": {"image_url": url_of(gallery, path)}}
    expect_nothing_fetched(ask(server, **body), "mask.image_url")
    assert provider.asked == []


def test_of_several_the_first_is_told(server: RunningServer, gallery: Gallery) -> None:
    """Whichever fails sooner."""
    paths = [signed(gallery, "/good"), gallery.url("/slow"), gallery.url("/missing")]
    expect_nothing_fetched(ask(server, images=[{"image_url": path} for path in paths]), "images[1].image_url")


@pytest.mark.parametrize("path", OVERSIZED)
def test_what_is_too_large(server: RunningServer, gallery: Gallery, provider: ScriptedUpstream, path: str) -> None:
    """Is a 413, as soon as that is known: what never ends, too."""
    for way in WAYS:
        answer = ask(server, **at_url(gallery.url(path)), **way)
        assert (answer.status, answer.error["code"]) == (413, "image_too_large"), answer.body
        assert answer.error["param"] == "images[0].image_url"
    assert provider.asked == []


@pytest.mark.parametrize("url", FORBIDDEN)
@pytest.mark.parametrize("path", ["", "/async"])
def test_what_a_url_says_itself(server: RunningServer, url: str, path: str) -> None:
    """Is refused before it is an edit, an asynchronous one, too."""
    answer = ask(server, path=path, **at_url(url))
    assert (answer.status, answer.error["param"]) == (400, "images[0].image_url"), answer.body
    assert FORBIDDEN[url] in answer.error["message"]
    assert url not in answer.error["message"]
    assert "x-edit-id" not in answer.headers


def test_an_asynchronous_edit(server: RunningServer, gallery: Gallery, provider: ScriptedUpstream) -> None:
    """Is taken, and fails with what the plain one would be told; one that can be fetched is made."""
    bad = ask(server, path="/async", **at_url(gallery.url("/missing")))
    good = ask(server, path="/async", **at_url(signed(gallery, "/good")))
    assert (bad.status, good.status) == (202, 202)
    server.wait_until_idle()
    failed, made = (get(f"{server.edits_url}/{answer.json['id']}", bearer(MASTER)).json for answer in (bad, good))
    assert (failed["status"], made["status"]) == ("failed", "completed")
    message = FETCHED_NOTHING["message"].format("images[0].image_url")
    assert failed["error"] == {**FETCHED_NOTHING, "message": message, "param": "images[0].image_url"}
    assert [sent(asked) for asked in provider.asked] == [[PNG]]


@pytest.mark.parametrize("path", ["", "/async"])
def test_a_file_that_is_not_there(server: RunningServer, path: str) -> None:
    """Is refused at once."""
    for file_id in ("file-" + "0" * 32, "file-1", "../../etc/passwd", "\0"):
        answer = ask(server, path=path, images=[{"file_id": file_id}])
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "images[0].file_id", "file_not_found")
        assert "x-edit-id" not in answer.headers


def test_somebody_elses_file_is_as_one_that_is_not_there(server: RunningServer, accounts: Accounts) -> None:
    """To the byte; whose it is can use it."""
    (_, mine), (_, theirs) = accounts.key(), accounts.key()
    file_id = upload(server, OTHER, mine)
    refused = ask(server, theirs, images=[{"file_id": file_id}], mask={"file_id": file_id})
    unknown = ask(server, theirs, images=[{"file_id": "file-" + "0" * 32}])
    assert (refused.status, refused.body) == (unknown.status, unknown.body) == (400, refused.body)
    assert ask(server, mine, images=[{"file_id": file_id}]).status == 200


def test_files_that_are_no_use(server: RunningServer) -> None:
    """Empty ones, and those that are larger than an image may be."""
    for content, status, code in ((b"", 400, "empty_image"), (PNG + bytes(MOST_BYTES), 413, "image_too_large")):
        answer = ask(server, images=[{"file_id": upload(server, content)}])
        assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, "images[0].file_id")


def test_references_of_all_kinds(server: RunningServer, gallery: Gallery, provider: ScriptedUpstream) -> None:
    """Reach the provider as the pictures that they name, in their order, streamed or not."""
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    images = [{"image_url": signed(gallery, "/a", OTHER)}, {"file_id": upload(server, PNG)}, {"image_url": data}]
    for way in WAYS:
        assert ask(server, images=images, mask={"file_id": upload(server, OTHER)}, **way).status == 200
    assert [sent(asked) for asked in provider.asked] == [[OTHER, PNG, PNG, OTHER]] * 2


class TestLimits:
    """What an edit holds whose image cannot be fetched."""

    def test_money_and_places_are_given_back(self, server: RunningServer, accounts: Accounts, gallery: Gallery) -> None:
        """A key with money for one edit, and a place for one, still has both."""
        allowance = Allowance(RateLimits(parallel_edits=1), (Budget(PRICE_MICROS),))
        key, headers = accounts.key(allowance=allowance)
        for path in ("/missing", "/slow", "http://169.254.169.254/", "/large"):
            assert ask(server, headers, **at_url(url_of(gallery, path))).status in (400, 413)
        scope = Scope(ScopeKind.KEY, key.id, allowance)
        server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == 0
        assert ask(server, headers, **at_url(signed(gallery, "/good"))).status == 200

    def test_requests_are_counted_once_they_are_edits(
        self, server: RunningServer, accounts: Accounts, gallery: Gallery
    ) -> None:
        """What is refused before is not, what this server has fetched for is: so fetching is limited, too."""
        _, headers = accounts.key(allowance=limits(requests=2))
        assert ask(server, headers, **at_url("http://2130706433/")).status == 400
        assert ask(server, headers, images=[{"file_id": "file-1"}]).status == 400
        assert [ask(server, headers, **at_url(gallery.url("/missing"))).status for _ in range(3)] == [400, 400, 429]
        assert len(gallery.asked) == 2

    def test_whoever_leaves_is_not_fetched_for(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """Where leaving cancels: the fetch is broken off, too."""
        gallery.clear()
        urls = gallery.allowed(timeout_s=60)
        body = json.dumps({"prompt": "sepia", "stream": True, **at_url(gallery.url("/silent"))}).encode()
        lines = ("POST /v1/images/edits HTTP/1.1", "host: h", "content-type: application/json", f"content-length: {len(body)}")
        with serving(settings_of(target_at(provider), image_urls=urls, on_disconnect="cancel")) as server:
            with connect(server) as client:
                client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
                server.wait_for(lambda: len(gallery.asked) == 1)
            expect_nothing_left(server, gallery)


class TestIdempotency:
    """An image that is only named counts by its name."""

    def test_the_same_again_fetches_nothing(self, server: RunningServer, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """Also when what was there is gone."""
        url = signed(gallery, "/once")
        key = {**bearer(MASTER), "idempotency-key": "same"}
        first = ask(server, key, **at_url(url))
        assert first.status == 200
        del gallery.has[f"/once?signature={CANARY}"]
        again = ask(server, key, **at_url(url))
        assert (again.status, again.body, again.headers["idempotent-replayed"]) == (200, first.body, "true")
        assert (len(gallery.asked), len(provider.asked)) == (1, 1)

    def test_another_url_is_another_request(self, server: RunningServer, gallery: Gallery) -> None:
        """Though the same picture is behind it."""
        key = {**bearer(MASTER), "idempotency-key": "other"}
        assert ask(server, key, **at_url(signed(gallery, "/one"))).status == 200
        refused = ask(server, key, **at_url(signed(gallery, "/two")))
        assert (refused.status, refused.error["code"]) == (400, "idempotency_key_reused")
        assert len(gallery.asked) == 1

    def test_what_could_not_be_fetched_may_be_tried_again(self, server: RunningServer, gallery: Gallery) -> None:
        """Nobody was paid: it is another edit, which may be made."""
        key = {**bearer(MASTER), "idempotency-key": "retried"}
        path = f"/late?signature={CANARY}"
        failed = ask(server, key, **at_url(gallery.url(path)))
        expect_nothing_fetched(failed, "images[0].image_url")
        gallery.hang(path, PNG)
        made = ask(server, key, **at_url(gallery.url(path)))
        assert made.status == 200
        assert "idempotent-replayed" not in made.headers
        assert made.headers["x-edit-id"] != failed.headers["x-edit-id"]

    def test_two_at_once_fetch_once(self, server: RunningServer, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """The second joins while the image is on its way."""
        key = {**bearer(MASTER), "idempotency-key": "twice"}
        arrives = threading.Event()
        gallery.scripts["/awaited"] = [arrives, sized(PNG)]
        first, second = (ask(server, key, path="/async", **at_url(gallery.url("/awaited"))) for _ in range(2))
        assert first.json["id"] == second.json["id"]
        arrives.set()
        server.wait_until_idle()
        assert (len(gallery.asked), len(provider.asked)) == (1, 1)


@contextmanager
def passing(gallery: Gallery, *targets: Target, **server: Any) -> Iterator[RunningServer]:
    """A server with one model that these make."""
    settings = settings_of(*targets, image_urls=gallery.allowed(timeout_s=TIMEOUT_S), **server)
    routes = Routes([Route(MODEL, targets)], MODEL)
    gallery.clear()
    with serving(Settings(routes, settings.server, settings.api_keys)) as running:
        yield running
        assert CANARY not in running.log_text
        expect_nothing_left(running, gallery)


class TestModeration:
    """One that looks into images."""

    def test_it_sees_what_was_fetched(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """And refuses for it; the provider is not asked."""
        provider.serve(paid)
        bad = PNG + b"violence"
        with (
            moderating() as moderation,
            passing(gallery, target_at(provider), moderation=moderation.settings(images=True)) as server,
        ):
            assert ask(server, **at_url(signed(gallery, "/good"))).status == 200
            assert sorted(moderation.judged, key=repr) == sorted(["sepia", PNG], key=repr)
            refused = ask(server, **at_url(signed(gallery, "/bad", bad)))
            assert (refused.status, refused.error["code"]) == (400, "moderation_blocked")
        assert [sent(asked) for asked in provider.asked] == [[PNG]]

    def test_what_was_judged_is_what_is_sent(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """A URL can have another picture behind it for whoever comes next: so nobody fetches it again."""
        provider.serve(paid)
        target = target_at(provider, pass_image_urls=True)
        with moderating() as moderation, passing(gallery, target, moderation=moderation.settings(images=True)) as server:
            assert ask(server, **at_url(signed(gallery, "/good"))).status == 200
            assert sorted(moderation.judged, key=repr) == sorted(["sepia", PNG], key=repr)
        (asked,) = provider.asked
        assert CANARY.encode() not in asked.body
        assert len(gallery.asked) == 1


class TestPassing:
    """`pass_image_urls`: the provider fetches."""

    def test_the_url_is_untouched(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """In a JSON body, whatever is behind it; what has no URL stands beside it as a data URL."""
        provider.serve(paid)
        url = f"https://photos.example/a%20b.png?x=%2F&signature={CANARY}#part"
        data = "data:image/png;base64," + base64.b64encode(PNG).decode()
        with passing(gallery, target_at(provider, pass_image_urls=True)) as server:
            body: dict[str, Any] = {"images": [{"image_url": url}, {"image_url": data}], "mask": {"image_url": data}, "n": 2}
            assert ask(server, **body).status == 200
        (asked,) = provider.asked
        assert asked.headers["content-type"] == "application/json"
        told = json.loads(asked.body)
        assert (told["images"], told["mask"]) == ([{"image_url": url}, {"image_url": data}], {"image_url": data})
        assert (told["model"], told["prompt"], told["n"]) == (MODEL, "sepia", 2)
        assert gallery.asked == []

    def test_a_file_of_the_callers_is_sent_itself(self, gallery: Gallery, provider: ScriptedUpstream, tmp_path: Path) -> None:
        """Its id means nothing to the provider."""
        provider.serve(paid)
        with (
            fresh_database("sqlite", tmp_path) as database,
            serving(at(database, target_at(provider, pass_image_urls=True), image_urls=gallery.allowed())) as server,
        ):
            file_id = upload(server, OTHER)
            url = "https://photos.example/a.png"
            assert ask(server, images=[{"file_id": file_id}, {"image_url": url}]).status == 200
        data = "data:image/png;base64," + base64.b64encode(OTHER).decode()
        assert json.loads(provider.asked[0].body)["images"] == [{"image_url": data}, {"image_url": url}]

    def test_without_urls_it_is_a_form(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """As for everybody."""
        provider.serve(paid)
        data = "data:image/png;base64," + base64.b64encode(PNG).decode()
        with passing(gallery, target_at(provider, pass_image_urls=True)) as server:
            assert ask(server, **at_url(data)).status == 200
        assert [sent(asked) for asked in provider.asked] == [[PNG]]

    def test_beside_one_that_takes_none_all_is_fetched_first(self, gallery: Gallery, provider: ScriptedUpstream) -> None:
        """Whoever takes over has the picture, and what cannot be fetched is refused before anybody is asked."""
        script: dict[str, Script] = {}
        provider.serve(lambda asked: script.pop("first", None) or paid(asked))
        targets = (target_at(provider, pass_image_urls=True, order=1), target_at(provider, "gpt-image-1.5", order=2))
        with passing(gallery, *targets) as server:
            expect_nothing_fetched(ask(server, **at_url(gallery.url("/missing"))), "images[0].image_url")
            assert provider.asked == []
            gallery.clear()
            script["first"] = [sized(b"{}", "503 Service Unavailable")]
            assert ask(server, **at_url(signed(gallery, "/good"))).status == 200
            assert [asked.path for asked in gallery.asked] == [f"/good?signature={CANARY}"]
        assert [asked.headers["content-type"].partition(";")[0] for asked in provider.asked][1] == "multipart/form-data"
        assert sent(provider.asked[1]) == [PNG]


def test_too_many_pixels_are_refused_as_of_one_that_was_sent(server: RunningServer, provider: ScriptedUpstream) -> None:
    """By its name, before anybody is asked; the same key may be used again."""
    images = [{"file_id": upload(server, png_of(ihdr(60_000, 60_000)))}]
    for _ in range(2):
        answer = ask(server, {**bearer(MASTER), "idempotency-key": "large"}, images=images)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "too_many_pixels", "images[0].file_id")
        assert "idempotent-replayed" not in answer.headers
        assert "x-streamedit-provider" not in answer.headers
    assert provider.asked == []


def test_from_where_is_fetched_can_be_changed_while_it_runs(gallery: Gallery, provider: ScriptedUpstream) -> None:
    """What was refused is fetched, and the other way round; so many at a time as it says last."""
    provider.serve(paid)
    target, url = target_at(provider), gallery.hang("/reloaded.png", PNG)
    with serving(settings_of(target)) as server:
        assert ask(server, {}, **at_url(url)).status == 400
        for at_once in (1, 3):
            server.reload(settings_of(target, image_urls=gallery.allowed(at_once=at_once)))
            assert ask(server, {}, **at_url(url)).status == 200
            assert server.app.state.equipment.depot._fetcher.places._value == at_once
        server.reload(settings_of(target, image_urls={"fetch": False}))
        assert ask(server, {}, **at_url(url)).error["code"] == "invalid_image_url"
