"""`response_format=url`: with every provider, where the picture is, for whoever has that address, for an hour."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from clients import PNG, Answer, post, post_json
from handclock import HandClock
from servers import RunningServer, serving, settings_of
from upstreams import ScriptedUpstream, completed, json_answer, partial, sized, upstream
from upstreams import answer as stream_of

from streamedit.image_urls import ImageUrlSettings
from streamedit.storage import StorageSettings
from streamedit.targets import Target

MOCK = Target("mock", "mock", params={"mock_pace_s": 0})
URL = {"response_format": "url"}
ADDRESS = re.compile(r"/v1/images/results/img_[0-9a-f]{32}\.png\?expires=[0-9]+&signature=[0-9a-f]{64}")


def url_of(answer: Answer, index: int = 0) -> str:
    """Where the picture of a plain answer is; nothing else is told of it."""
    assert answer.status == 200, answer.body
    item = answer.json["data"][index]
    assert set(item) == {"url"}
    return str(item["url"])


@pytest.fixture(scope="module")
def hand() -> HandClock:
    """The server's time."""
    return HandClock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its results are."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def hosting(hand: HandClock, folder: Path) -> Iterator[RunningServer]:
    """A server that plays edits."""
    with serving(settings_of(MOCK, storage=StorageSettings(folder=folder, results_s=3600)), hand.clocks) as running:
        yield running


def test_a_plain_answer_has_an_address(hosting: RunningServer) -> None:
    """Absolute, as the caller has reached this server; behind it is the picture that base64 would have been."""
    url = url_of(post(hosting.edits_url, {**URL, "model": "mock"}))
    assert url.startswith(f"{hosting.url}/v1/")
    assert ADDRESS.fullmatch(url.removeprefix(hosting.url))
    picture = httpx.get(url)
    same = post(hosting.edits_url, {"model": "mock"}).json["data"][0]["b64_json"]
    assert picture.content == base64.b64decode(same)
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["content-disposition"] == f'inline; filename="{urlsplit(url).path.rpartition("/")[2]}"'
    assert picture.headers["cache-control"] == "private, max-age=3600, immutable"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["access-control-allow-origin"] == "*"
    assert "sandbox" in picture.headers["content-security-policy"]


def test_each_of_several_images_has_its_own(hosting: RunningServer) -> None:
    """In their order."""
    answer = post(hosting.edits_url, {**URL, "n": "3"})
    urls = [url_of(answer, index) for index in range(3)]
    assert len(set(urls)) == 3
    plain = post(hosting.edits_url, {"n": "3"}).json["data"]
    assert [httpx.get(url).content for url in urls] == [base64.b64decode(item["b64_json"]) for item in plain]


def test_a_stream_shows_partial_images_and_tells_the_address(hosting: RunningServer) -> None:
    """Interim images are for looking at, now; the finished one is where its event says."""
    streamed = post(hosting.edits_url, {**URL, "stream": "true", "partial_images": "2"})
    *partials, (name, last) = streamed.events
    assert [name for name, _ in partials] == ["image_edit.partial_image"] * 2
    assert all(event["b64_json"] and "url" not in event for _, event in partials)
    assert name == "image_edit.completed"
    assert "b64_json" not in last
    assert last["usage"]
    assert httpx.get(last["url"]).status_code == 200


def test_an_edit_that_is_read_later_tells_the_same(hosting: RunningServer) -> None:
    """Its object, and its events."""
    edit = post(f"{hosting.edits_url}/async", URL).json
    hosting.wait_until_idle()
    told = httpx.get(f"{hosting.edits_url}/{edit['id']}").json()
    [item] = told["result"]["data"]
    events = httpx.get(f"{hosting.url}{edit['events_url']}").text
    assert item["url"] in events
    assert httpx.get(item["url"]).status_code == 200


def test_base64_is_what_nobody_has_to_ask_for(hosting: RunningServer) -> None:
    """And what whoever asks for it gets."""
    for fields in ({}, {"response_format": "b64_json"}):
        assert set(post(hosting.edits_url, fields).json["data"][0]) == {"b64_json"}


def test_parts_of_a_result(hosting: RunningServer) -> None:
    """Ranges, a tag, a head without a body."""
    url = url_of(post(hosting.edits_url, URL))
    whole = httpx.get(url)
    part = httpx.get(url, headers={"range": "bytes=8-15"})
    assert (part.status_code, part.content) == (206, whole.content[8:16])
    assert httpx.get(url, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    head = httpx.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    assert httpx.get(url, headers={"range": "bytes=9999999-"}).status_code == 416


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"), 401, "invalid_signature"),
        (lambda url: url.replace("expires=1", "expires=2"), 401, "invalid_signature"),
        (lambda url: url.replace("expires=", "expires=x"), 401, "invalid_signature"),
        (lambda url: url.partition("?")[0], 401, "invalid_signature"),
        (lambda url: re.sub("img_.", "img_z", url), 404, "result_not_found"),
        (lambda url: re.sub("img_[0-9a-f]{32}", "..%2f..%2fetc%2fpasswd", url), 404, "not_found"),
        (lambda url: re.sub("img_[0-9a-f]{32}.png", "%2e%2e", url), 404, "result_not_found"),
        (lambda url: re.sub(r"\.png", ".svg", url), 401, "invalid_signature"),
        (lambda url: url + "é", 401, "invalid_signature"),
    ],
)
def test_nobody_makes_up_an_address(hosting: RunningServer, change: Any, status: int, code: str) -> None:
    """What was not signed here opens nothing, and no trick leads out of the results."""
    url = change(url_of(post(hosting.edits_url, URL)))
    answer = Answer.of(httpx.get(url))
    assert (answer.status, answer.error["code"]) == (status, code)


def test_an_address_holds_for_its_time(hosting: RunningServer, hand: HandClock, folder: Path) -> None:
    """Then it is 410, and what is behind it is cleared away a little later."""
    url = url_of(post(hosting.edits_url, URL))
    hand.now_s += 3599
    assert httpx.get(url).headers["cache-control"] == "private, max-age=1, immutable"
    hand.now_s += 1
    assert Answer.of(httpx.get(url)).error["code"] == "link_expired"
    fresh = url_of(post(hosting.edits_url, URL))
    name = urlsplit(url).path.rpartition("/")[2]
    assert list(folder.rglob(name))
    hand.now_s += 61
    hosting.run(hosting.app.state.equipment.depot.janitor.clear)
    assert not list(folder.rglob(name))
    assert httpx.get(fresh).status_code == 200


def test_an_address_is_the_servers_own_name_where_that_is_known(folder: Path) -> None:
    """Behind a proxy nobody else knows it."""
    settings = settings_of(MOCK, storage=StorageSettings(folder=folder), public_base_url="https://edits.example/base")
    with serving(settings) as running:
        url = url_of(post(running.edits_url, URL))
        assert url.startswith("https://edits.example/base/v1/images/results/img_")
        assert httpx.get(url.replace("https://edits.example/base", running.url)).status_code == 200


def test_another_process_with_the_same_keys_serves_it(tmp_path: Path) -> None:
    """It finds the picture by the address alone; one with other keys does not take it."""
    storage = StorageSettings(folder=tmp_path)
    with (
        serving(settings_of(MOCK, keys=("sk-a",), storage=storage)) as one,
        serving(settings_of(MOCK, keys=("sk-a",), storage=storage)) as same,
        serving(settings_of(MOCK, keys=("sk-b",), storage=storage)) as other,
    ):
        url = url_of(post(one.edits_url, URL, headers={"authorization": "Bearer sk-a"}))
        assert httpx.get(url.replace(one.url, same.url)).status_code == 200
        assert httpx.get(url.replace(one.url, other.url)).status_code == 401


def test_a_picture_that_cannot_be_hosted_is_told_as_it_is(tmp_path: Path) -> None:
    """It is paid for. The log says that it happened."""
    storage = StorageSettings(folder=tmp_path, reserve_bytes=1 << 60)
    with serving(settings_of(MOCK, storage=storage)) as running:
        assert set(post(running.edits_url, URL).json["data"][0]) == {"b64_json"}
        assert "picture not hosted" in running.log_text


PORTKEY = {"x-portkey-provider": "mock"}


@pytest.mark.parametrize(
    ("fields", "config", "kind"),
    [
        ({}, None, "url"),
        ({"response_format": "b64_json"}, None, "b64_json"),
        ({"model": "mock"}, None, "b64_json"),
        ({}, {"override_params": {"response_format": "b64_json"}}, "b64_json"),
        ({"model": "mock"}, {"override_params": {"response_format": "url"}}, "url"),
    ],
)
def test_portkeys_callers_get_what_its_document_says(
    hosting: RunningServer, fields: dict[str, str], config: dict[str, Any] | None, kind: str
) -> None:
    """An address, unless the request, its config, or a model that is named says otherwise."""
    headers = PORTKEY if config is None else {"x-portkey-config": json.dumps({"provider": "mock", **config})}
    answer = post(hosting.edits_url, fields, headers=headers)
    assert answer.status == 200, answer.body
    assert set(answer.json["data"][0]) == {kind}


# -- providers that give addresses themselves --


@pytest.fixture
def played() -> Iterator[ScriptedUpstream]:
    """OpenAI's API, played."""
    with upstream() as scripted:
        yield scripted


@contextmanager
def _dall_e(played: ScriptedUpstream, **server: Any) -> Iterator[RunningServer]:
    """A server with dall-e-2 alone."""
    target = Target("openai", "dall-e-2", api_key="sk-up", api_base=played.url)
    with serving(settings_of(target, **server)) as running:
        yield running


def _plays_urls(played: ScriptedUpstream) -> str:
    url = f"{played.url}/made.png"
    edit = json_answer({"created": 1, "data": [{"url": url}]})
    played.serve(lambda asked: [sized(PNG)] if asked.method == "GET" else [edit])
    return url


def test_a_providers_own_address_is_passed_on(played: ScriptedUpstream) -> None:
    """It is nobody's business here; the provider was asked for one."""
    theirs = _plays_urls(played)
    with _dall_e(played) as running:
        assert url_of(post(running.edits_url, URL)) == theirs
    [asked] = played.asked
    assert asked.field("response_format") == "url"


def test_a_providers_own_address_is_copied_where_that_is_configured(played: ScriptedUpstream) -> None:
    """Then what is behind it is here, for as long as other results; whoever asked for nothing gets it as well."""
    theirs = _plays_urls(played)
    internal = ImageUrlSettings.model_validate({"internal": [f"127.0.0.1:{played.port}"]})
    with _dall_e(played, storage=StorageSettings(folder=None, rehost=True), image_urls=internal) as running:
        for fields in (URL, {}):
            url = url_of(post(running.edits_url, fields))
            assert url.startswith(running.url)
            assert url != theirs
            assert httpx.get(url).content == PNG


def test_what_cannot_be_copied_is_passed_on(played: ScriptedUpstream) -> None:
    """A private address, which nobody has allowed: nothing is lost."""
    theirs = _plays_urls(played)
    with _dall_e(played, storage=StorageSettings(rehost=True)) as running:
        assert url_of(post(running.edits_url, URL)) == theirs
    assert [asked.method for asked in played.asked] == ["POST"]


def test_a_provider_that_streams_base64_is_hosted(played: ScriptedUpstream) -> None:
    """gpt-image knows no addresses, and is not asked for one."""
    picture = base64.b64encode(PNG).decode()
    played.play([stream_of(partial(0, picture), completed(picture))])
    target = Target("openai", "gpt-image-2", api_key="sk-up", api_base=played.url)
    with serving(settings_of(target)) as running:
        url = url_of(post_json(running.edits_url, {"prompt": "x", "images": [{"image_url": _data_url()}], **URL}))
        assert httpx.get(url).content == PNG
    assert played.asked[0].field("response_format") is None


def _data_url() -> str:
    return f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def test_a_broken_picture_is_told_as_it_is(played: ScriptedUpstream) -> None:
    """Base64 that is none cannot be hosted."""
    played.play([json_answer({"created": 1, "data": [{"b64_json": "not!base64"}]})])
    target = Target("openai", "gpt-image-2", api_key="sk-up", api_base=played.url)
    with serving(settings_of(target)) as running:
        [item] = post(running.edits_url, URL).json["data"]
        assert item == {"b64_json": "not!base64"}


def test_a_drawing_is_hosted_and_not_shown(played: ScriptedUpstream) -> None:
    """An SVG can do things in a browser: it is saved."""
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    picture = base64.b64encode(drawing).decode()
    played.play([json_answer({"created": 1, "data": [{"b64_json": picture}], "output_format": "svg"})])
    target = Target("openai", "gpt-image-2", api_key="sk-up", api_base=played.url)
    with serving(settings_of(target)) as running:
        answer = httpx.get(url_of(post(running.edits_url, {**URL, "output_format": "svg"})))
        assert answer.content == drawing
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]


def test_addresses_are_not_logged(hosting: RunningServer) -> None:
    """Whoever reads the log cannot read pictures."""
    url = url_of(post(hosting.edits_url, URL))
    httpx.get(url)
    assert urlsplit(url).query.partition("signature=")[2] not in json.dumps(hosting.log_text)
