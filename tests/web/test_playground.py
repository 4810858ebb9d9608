"""The playground over HTTP: its page and its files."""

import re
from pathlib import Path

import httpx
import pytest
from playgrounds import offering
from servers import RunningServer, serving

from streamedit.web import static

PAGES = static.PAGES


@pytest.mark.parametrize("path", ["/", "/assets/playground/playground.js", "/assets/dom.js", "/assets/playground/icon.svg"])
def test_every_answer_is_guarded(server: RunningServer, path: str) -> None:
    """No scripts, styles or forms but its own; nothing of it may be embedded, and it refers to nobody."""
    headers = httpx.get(f"{server.url}{path}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' " in policy
    assert "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'" in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_shows_what_its_user_chose_and_what_came_of_it(server: RunningServer) -> None:
    """Pictures in memory, and those whose provider tells an address; other files need no such thing."""
    page, file = (httpx.get(f"{server.url}{path}").headers["content-security-policy"] for path in ("/", "/assets/dom.js"))
    assert "img-src 'self' data: blob: https:;" in page
    assert "blob:" not in file


def test_the_page_is_not_kept_and_its_files_are_asked_for_again(server: RunningServer) -> None:
    """By their etags, so that a page never meets the files of another version."""
    assert httpx.get(server.url).headers["cache-control"] == "no-store"
    first = httpx.get(f"{server.url}/assets/playground/playground.css")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = httpx.get(first.url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_it_is_open_where_the_api_is_not() -> None:
    """The page is no secret: what it may do, the key decides that its user gives it."""
    with serving(offering(keys=("sk-right",))) as server:
        assert httpx.get(server.url).status_code == 200
        assert httpx.get(f"{server.url}/v1/models").status_code == 401


def test_only_reading_is_possible(server: RunningServer) -> None:
    """405 for anything else, in the envelope of all errors."""
    answer = httpx.post(server.url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["", "nothing.js", "../playground.py", "..%2fplayground.py", "playground", "%2fetc%2fpasswd"])
def test_nothing_else_is_a_file(server: RunningServer, path: str) -> None:
    """404 in the envelope of all errors."""
    answer = httpx.get(f"{server.url}/assets/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["playground.html", "admin.html"])
def test_pages_have_no_scripts_or_styles_within(name: str) -> None:
    """Which their policy would refuse; and all that they load is there."""
    html = (PAGES / name).read_text()
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", html) == []
    loaded: list[str] = re.findall(r'(?:src|href)="((?:admin/)?assets/[^"]+)"', html)
    assert len(loaded) > 2
    for address in loaded:
        assert (PAGES / address.partition("assets/")[2]).is_file()


def test_scripts_make_no_markup_of_text() -> None:
    """Prompts, names and messages are never more than text."""
    scripts = [script for script in PAGES.rglob("*.js") if "vendor" not in script.parts]
    assert len(scripts) > 15
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTMLUnsafe"
    assert [script.name for script in scripts if re.search(markup, script.read_text())] == []


def test_it_needs_nothing_from_elsewhere() -> None:
    """No address of another host, but the names that XML has for itself."""
    texts = [*PAGES.glob("playground.html"), *(PAGES / "playground").glob("*.*s"), *(PAGES / "playground").glob("*.svg")]
    assert len(texts) > 15
    for text in texts:
        found = set(re.findall(r"https?://[\w.-]+", text.read_text())) - {"http://www.w3.org"}
        assert found == set(), text.name


def test_its_photographs_say_whence_they_come() -> None:
    """Each that is shipped."""
    samples = Path(PAGES / "playground" / "samples")
    told = (samples / "SOURCES.md").read_text()
    names = {path.name for path in samples.glob("*.jpg")}
    assert names == set(re.findall(r"- ([\w.]+):", told))
    assert set(re.findall(r'data-sample="([^"]+)"', (PAGES / "playground.html").read_text())) == names
