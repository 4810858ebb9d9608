"""The headers that callers may add to a provider's calls."""

import pytest

from streamedit.wire import forwarded


def test_names_are_in_lower_case_and_values_trimmed() -> None:
    """Header names have no case: two ways to write one are one header."""
    assert forwarded.checked({"X-Beta": " on ", "x-trace": ""}) == {"x-beta": "on", "x-trace": ""}


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "Proxy-Authorization", "x-api-key", "API-Key", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "cookie",
        "Set-Cookie", "x-auth", "x-amz-security-token", "xi-secret", "x-password", "idempotency-key", "x-signature",
        "x-credential-name", "OpenAI-Organization", "openai-project", "x-goog-user-project",
        "X-Portkey-Custom-Host", "Helicone-Target-URL", "cf-aig-byok-alias",
    ],
)  # fmt: skip
def test_no_credentials_and_no_accounts(name: str) -> None:
    """Calls are made with this server's credentials, for its accounts: callers choose neither."""
    with pytest.raises(ValueError, match=f"^{name.lower()} is not forwarded: credentials"):
        forwarded.checked({"x-fine": "1", name: "v"})


@pytest.mark.parametrize(
    "name",
    [
        "Host", "Content-Length", "content-type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive", "TE",
        "Trailer", "Upgrade", "Expect", "Accept", "Accept-Encoding", "Range", "Forwarded", "Via", "Proxy-Connection",
        "X-Forwarded-For", "x-amz-date", "X-Amzn-Bedrock-GuardrailIdentifier", "Sec-Fetch-Mode",
    ],
)  # fmt: skip
def test_nothing_that_frames_a_message(name: str) -> None:
    """What belongs to the connection, to the body, or to the form of the answer is not the caller's to say."""
    with pytest.raises(ValueError, match=f"^{name.lower()} is not forwarded: it belongs"):
        forwarded.checked({name: "v"})


@pytest.mark.parametrize("name", ["", "x y", "x:y", "x\r\ny", "ä", "x\0"])
def test_names_are_tokens(name: str) -> None:
    """Nothing that could end a line, or a name."""
    with pytest.raises(ValueError, match=r"^a header's name has"):
        forwarded.checked({name: "v"})


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\0b", "ä", "a\x7fb"])
def test_values_have_one_line(value: str) -> None:
    """Nothing that could begin another header."""
    with pytest.raises(ValueError, match=r"^the value of x-a must be printable ASCII on one line"):
        forwarded.checked({"x-a": value})


def test_there_is_a_bound() -> None:
    """At most 32 headers, and 8192 characters in all."""
    assert len(forwarded.checked({f"x-{number}": "v" for number in range(32)})) == 32
    with pytest.raises(ValueError, match=r"^at most 32 headers"):
        forwarded.checked({f"x-{number}": "v" for number in range(33)})
    assert forwarded.checked({"x-a": "v" * 8189})
    with pytest.raises(ValueError, match=r"^at most 8192 characters"):
        forwarded.checked({"x-a": "v" * 8190})
