"""Sessions of the admin page: who is known again, and which page may make use of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from streamedit.errors import Forbidden
from streamedit.keys import Keyring
from streamedit.web.session import CSRF_HEADER, Session, Sessions

KEY = "sk-master-0123456789"
NOW_S = 1_790_000_000.0
HALF_A_DAY_S = 12 * 3600


def sessions(key: str = KEY, secret: str = "s" * 32, now_s: float = NOW_S, base: str = "") -> Sessions:
    """Of a server with one master key."""
    return Sessions(Keyring([key]), secret, lambda: now_s, base)


def begun(made: Sessions) -> Session:
    """A session with the right key."""
    session = made.begin(KEY)
    assert session is not None
    return session


def asked(cookie: str | None, method: str = "GET", scheme: str = "http", **headers: str) -> Request:
    """A request to `here:8000`."""
    named = {"host": "here:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if cookie is not None:
        named["cookie"] = f"{'__Host-' if scheme == 'https' else ''}streamedit={cookie}"
    raw = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    return Request({"type": "http", "method": method, "scheme": scheme, "path": "/", "query_string": b"", "headers": raw})


def test_a_master_key_begins_a_session_that_is_known_again() -> None:
    """In every process with the same keys and secret; the principal may do everything."""
    session = begun(sessions())
    principal = sessions().recognise(asked(session.cookie))
    assert principal is not None
    assert principal.is_master
    assert session.expires_at_s == int(NOW_S) + HALF_A_DAY_S


def test_no_other_key_begins_one() -> None:
    """Nor does any where none is configured."""
    assert sessions().begin("sk-other") is None
    assert Sessions(Keyring([]), "s", lambda: NOW_S).begin("anything") is None
    assert not Sessions(Keyring([]), "s", lambda: NOW_S).can_begin


@pytest.mark.parametrize(
    "other",
    [
        sessions(now_s=NOW_S + HALF_A_DAY_S),
        sessions(key="sk-other"),
        sessions(secret="t" * 32),
        Sessions(Keyring([]), "s" * 32, lambda: NOW_S),
        Sessions(Keyring([KEY, "sk-another"]), "s" * 32, lambda: NOW_S),
    ],
    ids=["later", "other key", "other secret", "no key", "one more key"],
)
def test_a_session_ends(other: Sessions) -> None:
    """After twelve hours, and with any change of the master keys or of the secret."""
    cookie = begun(sessions()).cookie
    assert sessions(now_s=NOW_S + HALF_A_DAY_S - 1).recognise(asked(cookie))
    assert other.recognise(asked(cookie)) is None


@given(st.integers(0, 107), st.sampled_from("0123456789abcdef."))
def test_a_changed_cookie_is_none(position: int, letter: str) -> None:
    """Whichever of its characters was changed."""
    cookie = begun(sessions()).cookie
    assert len(cookie) == 108
    changed = cookie[:position] + letter + cookie[position + 1 :]
    assert (sessions().recognise(asked(changed)) is None) == (changed != cookie)


@given(st.text(st.characters(max_codepoint=255, exclude_characters=";\r\n\0"), max_size=200))
def test_any_cookie_is_taken_calmly(text: str) -> None:
    """What is no session is nobody's."""
    assert sessions().recognise(asked(text)) is None


def test_no_cookie_is_no_session() -> None:
    """Nothing is refused: the request may have a key."""
    assert sessions().recognise(asked(None, "POST")) is None


OWN = {"sec_fetch_site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "may_read", "may_change"),
    [
        ({}, True, False),
        (OWN, True, True),
        ({"sec_fetch_site": "none"}, True, True),
        ({"sec_fetch_site": "same-site"}, False, False),
        ({"sec_fetch_site": "cross-site"}, False, False),
        ({"sec_fetch_site": "cross-site", "origin": "http://here:8000"}, False, False),
        ({"origin": "http://here:8000"}, True, True),
        ({"origin": "https://here:8000"}, True, True),
        ({"origin": "http://here:8001"}, False, False),
        ({"origin": "http://elsewhere"}, False, False),
        ({"origin": "null"}, False, False),
        ({"origin": ""}, False, False),
        ({"origin": "http://["}, False, False),
        ({"origin": "http://here:8000@elsewhere"}, False, False),
    ],
)
def test_only_pages_of_this_origin_make_use_of_it(headers: dict[str, str], may_read: bool, may_change: bool) -> None:
    """By Sec-Fetch-Site, or by Origin where browsers send nothing else; to change, a request must say where it comes from."""
    session = begun(sessions())
    token = {CSRF_HEADER: session.csrf_token}
    assert _may(asked(session.cookie, "GET", **headers)) == may_read
    assert _may(asked(session.cookie, "POST", **headers, **token)) == may_change
    assert _may(asked(session.cookie, "DELETE", **headers, **token)) == may_change


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é", "other session's", "cookie's"])
def test_a_change_needs_the_session_own_token(token: str | None) -> None:
    """That of another session is as wrong as none, and so is the cookie in its place."""
    session, other = begun(sessions()), begun(sessions())
    sent = {"other session's": other.csrf_token, "cookie's": session.cookie}.get(token or "", token)
    headers = OWN if sent is None else {**OWN, CSRF_HEADER: sent}
    with pytest.raises(Forbidden) as refused:
        sessions().recognise(asked(session.cookie, "POST", **headers))
    assert refused.value.detail.code == "cross_site_request"


def test_the_public_origin_is_this_one_too() -> None:
    """Behind a proxy that puts its own name before this server's."""
    session = begun(sessions())
    behind = sessions(base="http://edits.example")
    headers = {"origin": "http://edits.example", CSRF_HEADER: session.csrf_token}
    assert behind.recognise(asked(session.cookie, "POST", **headers))
    assert not _may(asked(session.cookie, "POST", **headers))


@pytest.mark.parametrize(
    ("scheme", "base", "is_secure"),
    [
        ("http", "", False),
        ("https", "", True),
        ("http", "https://edits.example", True),
        ("http", "http://edits.example", False),
    ],
)
def test_a_cookie_is_kept_from_scripts_and_other_sites(scheme: str, base: str, is_secure: bool) -> None:
    """HttpOnly, SameSite=Strict, for this host alone; over TLS Secure as well, under a name that nobody else can set."""
    made = sessions(base=base)
    session, answer = begun(made), Response()
    made.hand_over(session, asked(None, scheme=scheme), answer)
    name, *attributes = answer.headers["set-cookie"].split("; ")
    expected = {"HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={HALF_A_DAY_S}"} | ({"Secure"} if is_secure else set())
    assert name == f"{'__Host-' if is_secure else ''}streamedit={session.cookie}"
    assert set(attributes) == expected


def test_nothing_of_a_session_is_shown() -> None:
    """Its representation has neither the cookie nor the token."""
    session = begun(sessions())
    assert session.cookie not in repr(session)
    assert session.csrf_token not in repr(session)


def _may(request: Request) -> bool:
    try:
        return sessions().recognise(request) is not None
    except Forbidden:
        return False
