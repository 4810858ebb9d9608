"""The admin page over HTTP: its files, its headers, its log-in."""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from admin_pages import MASTER, PageServer, Setting, page_serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamedit.clocks import Clocks
from streamedit.web import static
from streamedit.web.session import CSRF_HEADER

OWN = {"sec-fetch-site": "same-origin"}
FOREIGN = "http://other.example"


@pytest.fixture
def server() -> Iterator[PageServer]:
    """Without a database: sessions need none."""
    with page_serving(Setting(cors_origins=(FOREIGN,))) as running:
        yield running


@pytest.fixture
def browser(server: PageServer) -> Iterator[httpx.Client]:
    """Keeps cookies, as browsers do, and comes from the page."""
    with httpx.Client(base_url=server.url, headers=OWN, verify=False) as client:
        yield client


def log_in(client: httpx.Client, key: str = MASTER) -> Any:
    """What the page is told."""
    answer = client.post("/admin/login", json={"key": key})
    return answer.json()


@pytest.mark.parametrize(
    "path", ["/admin", "/admin/session", "/admin/assets/admin.js", "/admin/assets/vendor/chart.umd.min.js"]
)
def test_every_answer_is_guarded(server: PageServer, path: str) -> None:
    """No scripts, styles, frames or forms but its own; nothing of it may be embedded, and it refers to nobody."""
    headers = server.ask("GET", path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


def test_the_page_is_not_kept_and_its_files_are_asked_for_again(server: PageServer) -> None:
    """By their etags, so that a page never meets the files of another version."""
    assert server.ask("GET", "/admin").headers["cache-control"] == "no-store"
    first = server.ask("GET", "/admin/assets/admin.css")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = server.ask("GET", "/admin/assets/admin.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "../admin_page.py", "..%2fadmin_page.py", "vendor", "%2fetc%2fpasswd", "%00"]
)
def test_nothing_else_is_a_file(server: PageServer, path: str) -> None:
    """404 in the envelope of all errors."""
    answer = server.ask("GET", f"/admin/assets/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_chart_library_is_what_it_is_said_to_be() -> None:
    """The very file of the named version, and its licence beside it."""
    told = json.loads((static.PAGES / "vendor" / "chart.json").read_text())
    library = (static.PAGES / "vendor" / "chart.umd.min.js").read_bytes()
    assert hashlib.sha256(library).hexdigest() == told["sha256"]
    assert f"v{told['version']}".encode() in library[:200]
    assert "MIT" in (static.PAGES / "vendor" / "chart.LICENSE.md").read_text()


def test_the_master_key_opens_a_session(browser: httpx.Client) -> None:
    """Which reads what the key reads, and says what the page must know of it. Logging out ends it."""
    assert browser.get("/admin/session").json() == {"object": "admin_session", "is_open": False, "can_begin": True}
    assert browser.get("/v1/admin/live").status_code == 401
    told = log_in(browser)
    assert told["is_open"]
    assert time.time() < told["expires_at"] <= time.time() + 12 * 3600
    assert browser.get("/admin/session").json() == told
    assert browser.get("/v1/admin/live").status_code == 200
    left = browser.post("/admin/logout", headers={CSRF_HEADER: told["csrf_token"]})
    assert left.json() == {"object": "admin_session", "is_open": False, "can_begin": True}
    assert browser.get("/v1/admin/live").status_code == 401


def test_a_form_logs_in_as_well(browser: httpx.Client) -> None:
    """As JSON does; blanks around the key do not matter."""
    assert browser.post("/admin/login", data={"key": f" {MASTER}\n"}).json()["is_open"]


def test_a_session_is_good_for_this_server_own_pages_alone(browser: httpx.Client) -> None:
    """A page of a configured CORS origin, too, neither reads with it nor changes anything."""
    token = {CSRF_HEADER: log_in(browser)["csrf_token"]}
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site", "origin": FOREIGN}):
        for answer in (
            browser.get("/v1/admin/live", headers=headers),
            browser.get("/admin/session", headers=headers),
            browser.post("/admin/logout", headers={**headers, **token}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site_request")
    without = browser.post("/admin/logout")
    assert (without.status_code, without.json()["error"]["code"]) == (403, "cross_site_request")


def test_a_key_counts_more_than_a_session(browser: httpx.Client) -> None:
    """Whoever sends one need not say where he comes from; and a wrong one is refused."""
    log_in(browser)
    foreign = {"sec-fetch-site": "cross-site"}
    assert browser.get("/v1/admin/live", headers={**foreign, "authorization": f"Bearer {MASTER}"}).status_code == 200
    assert browser.get("/v1/admin/live", headers={"authorization": "Bearer sk-wrong"}).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": FOREIGN}, {"origin": "null"}, {"sec-fetch-site": "same-site"}]
)
def test_no_other_page_logs_in(server: PageServer, headers: dict[str, str]) -> None:
    """Not even with the key: it could use up its visitors' attempts."""
    answer = server.ask("POST", "/admin/login", json={"key": MASTER}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site_request")
    assert "set-cookie" not in answer.headers


def test_wrong_keys_are_few() -> None:
    """401 five times; then 429 with the seconds to wait, for the right key, too; after those it opens."""
    now_s = 1_790_000_000.0
    with (
        page_serving(Setting(clocks=Clocks(time.monotonic, lambda: now_s))) as server,
        httpx.Client(base_url=server.url, verify=False) as client,
    ):
        for _ in range(5):
            answer = client.post("/admin/login", json={"key": "sk-wrong"})
            assert (answer.status_code, answer.json()["error"]["param"]) == (401, "key")
            assert "set-cookie" not in answer.headers
        refused = client.post("/admin/login", json={"key": MASTER})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        now_s += 60
        assert log_in(client)["is_open"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"key": 1}', "application/json", 400),
        (b'{"key": "\\ud800"}', "application/json", 401),
        (b"[" * 8000, "application/json", 400),
        (b"\xff", "application/json; charset=utf-8", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"key=%ff%fe", "application/x-www-form-urlencoded", 401),
        (b"key=\xff", "text/plain", 401),
        (b"x" * 9000, "application/json", 413),
    ],
)
def test_bad_log_ins_are_told_so(server: PageServer, body: bytes, kind: str, status: int) -> None:
    """Each with an answer of its own, none of them a mistake of this server's."""
    answer = server.ask("POST", "/admin/login", content=body, headers={"content-type": kind})
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "param", "code"})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), is_json=st.booleans())
def test_no_log_in_is_a_mistake(server: PageServer, body: bytes, is_json: bool) -> None:
    """Whatever is sent: 4xx."""
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    answer = server.ask("POST", "/admin/login", content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500


def test_without_a_master_key_the_page_says_so() -> None:
    """And nobody can log in: 403, which says how to set one."""
    with page_serving(Setting(master=None)) as server:
        assert server.ask("GET", "/admin/session").json()["can_begin"] is False
        answer = server.ask("POST", "/admin/login", json={"key": ""})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "master_key_required")
        assert "STREAMEDIT_API_KEY" in answer.json()["error"]["message"]


def test_behind_tls_the_cookie_is_secure() -> None:
    """As the public address says: this server itself sees plain HTTP from its proxy."""
    with page_serving(Setting(public_base_url="https://edits.example")) as server:
        origin = {"origin": "https://edits.example"}
        answer = server.ask("POST", "/admin/login", json={"key": MASTER}, headers=origin)
        assert answer.headers["set-cookie"].startswith("__Host-streamedit=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
