"""Which database there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from streamedit.databases import default_url, normal, of_environment, read, shown
from streamedit.documents import ConfigError

_WORDS = st.text("abc-%40:@/?&=ä ", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("sqlite:///here.db", "sqlite:///here.db"),
        ("sqlite+pysqlite:////there/a.db", "sqlite:////there/a.db"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg2://u:p%40@h:5433/d?sslmode=require", "postgresql+psycopg://u:p%40@h:5433/d?sslmode=require"),
        ("postgresql:///d?host=/run/postgresql", "postgresql+psycopg:///d?host=%2Frun%2Fpostgresql"),
        ("postgresql://h/d?schema=public&connection_limit=5", "postgresql+psycopg://h/d"),
    ],
)
def test_urls_are_taken_as_people_have_them(url: str, taken: str) -> None:
    """With the driver that there is, whichever is named; what only LiteLLM's client knows is left out."""
    assert normal(url) == taken
    assert read(url) == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://canary@h/d", "must begin with sqlite:/// or postgresql://"),
        ("canary", "must begin with sqlite:/// or postgresql://"),
        ("postgresql://h:canary/d", "is not a database URL"),
        ("sqlite://canary/a.db", "must have three slashes"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
    ],
)
def test_what_is_no_database_is_told(url: str, told: str) -> None:
    """Without what stands there."""
    with pytest.raises(ValueError, match=told) as caught:
        read(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("word", ["none", "off", "None", "OFF"])
def test_words_for_no_database(word: str) -> None:
    """In a file and in a variable."""
    assert read(word) is None
    assert of_environment({"DATABASE_URL": word}) is None


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/u"}, "sqlite:////data/streamedit/streamedit.db"),
        ({"HOME": "/home/u"}, "sqlite:////home/u/.local/share/streamedit/streamedit.db"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/home/u"}, "sqlite:////home/u/.local/share/streamedit/streamedit.db"),
    ],
)
def test_the_default_is_where_a_users_data_is(environ: dict[str, str], url: str) -> None:
    """As XDG has it: a folder that is not absolute is none."""
    assert default_url(environ) == of_environment(environ) == url


def test_without_home_the_user_has_one() -> None:
    """Services are started without it."""
    assert default_url({}).endswith("/.local/share/streamedit/streamedit.db")


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_any_home_there_is_no_default(home: str) -> None:
    """A folder that does not last is no place for what was spent."""
    with pytest.raises(ConfigError, match=r"set server\.database_url"):
        default_url({"HOME": home})


@given(st.sampled_from(["/odd ?#%/x", "/a%20b", "/ü"]))
def test_a_path_comes_back_as_it_was(folder: str) -> None:
    """Whatever characters are in it."""
    assert make_url(normal(default_url({"XDG_DATA_HOME": folder}))).database == f"{folder}/streamedit/streamedit.db"


@given(user=_WORDS, password=_WORDS, parameter=_WORDS)
def test_no_secret_is_shown(user: str, password: str, parameter: str) -> None:
    """Neither who logs in nor by which password, wherever in a URL they stand."""
    url = make_url("postgresql://h:5433/d").set(username=user, password=password).update_query_dict({"password": parameter})
    assert shown(url.render_as_string(hide_password=False)) == "postgresql://h:5433/d"
    assert shown("sqlite:////a/b.db") == "sqlite:////a/b.db"
