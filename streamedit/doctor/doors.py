"""What is open, and to whom."""

import math
from collections import Counter
from collections.abc import Iterator

from streamedit.config import Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level
from streamedit.doctor.hosts import plainly_to
from streamedit.sources import is_loopback

_KNOWN = frozenset(
    {
        "sk-1234", "sk-12345", "sk-123456", "sk-test", "sk-key", "sk-master", "sk-master-key", "sk-litellm", "sk-streamedit",
        "sk-secret", "sk-your-key", "sk-changeme", "sk-change-me", "sk-demo", "sk-dev",
        "admin", "change-me", "changeme", "key", "master", "password", "secret", "test", "your-key",
    }
)  # fmt: skip
"""From tutorials; the first is in LiteLLM's own."""

_BITS = 80
"""Less can be tried by those who have time."""

_A_GOOD_ONE = "A random one: python -c \"import secrets; print('sk-' + secrets.token_urlsafe(32))\"."


def no_key(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Who comes in without a key."""
    count = len(set(settings.api_keys))
    mend = "Set general_settings.master_key to os.environ/NAME, or the variable STREAMEDIT_API_KEY."
    if count:
        yield Finding(Level.OK, "keys", f"API keys of the configuration that open this server: {count}.")
    elif is_loopback(facts.host):
        why = "Whoever does edits for your money, and reads /metrics. Nor can keys be given out over HTTP."
        yield Finding(Level.NOTE, "no_key", "There is no API key: everybody on this machine may come in.", why, mend)
    else:
        why = "It will not be served there without one: everybody would edit for your money."
        yield Finding(Level.RISK, "no_key", f"There is no API key, and {facts.host} is open to others.", why, mend)


def weak_keys(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Keys that can be guessed."""
    why = "It opens everything, the administration too, and can be tried as often as one likes."
    for key in dict.fromkeys(settings.api_keys):
        if key.lower() in _KNOWN:
            yield Finding(Level.RISK, "known_key", "A master key is one that everybody knows from tutorials.", why, _A_GOOD_ONE)
        elif bits_of(key) < _BITS:
            yield Finding(
                Level.RISK, "weak_key", "A master key is short, or has little in it that is random.", why, _A_GOOD_ONE
            )


def weak_token_secret(settings: Settings, _: Facts) -> Iterator[Finding]:
    """What tokens are signed with."""
    if settings.token_secret and bits_of(settings.token_secret) < _BITS:
        why = "Who guesses it makes tokens for everybody's edits, and for the administration's page."
        yield Finding(
            Level.RISK, "weak_token_secret", "token_secret is short, or has little in it that is random.", why, _A_GOOD_ONE
        )


def origins(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Whose pages may do what a client can."""
    allowed = settings.server.cors_origins
    plain = [origin for origin in allowed if plainly_to(origin)]
    if plain:
        why = "Whoever is on the way there puts a script of their own into such a page, and it acts with its visitors' keys."
        yield Finding(
            Level.WARNING, "plain_origins", f"Pages without TLS may call: {', '.join(plain)}.", why, "Serve them over https."
        )
    elif allowed:
        yield Finding(
            Level.NOTE,
            "origins",
            f"Pages of other origins may call: {', '.join(allowed)}.",
            "They act with their visitors' keys.",
        )


def callers_keys(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Who may use this server on accounts of their own."""
    if settings.server.callers_keys is not True:
        return
    what = "Callers may bring keys of their own for every provider."
    mend = "Name the providers that it is meant for: callers_keys: [openai]."
    if not settings.api_keys and not is_loopback(facts.host):
        yield Finding(Level.WARNING, "callers_keys", what, "Without an API key this is a relay for everybody.", mend)
    else:
        yield Finding(
            Level.NOTE, "callers_keys", what, "Their edits are not in your prices, and their limits are their providers'.", mend
        )


def described(_: Settings, facts: Facts) -> Iterator[Finding]:
    """What tells anybody that this is here."""
    if not is_loopback(facts.host):
        what = "/openapi.json, /health/live, /health/ready and the log-in at /admin answer without a key."
        yield Finding(Level.NOTE, "described", what, "They tell which server this is, and nothing of what it serves.")


def end_users_header(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Whose word counts for who the end user is."""
    if settings.server.user_header:
        what = f"Callers say who their end user is in the header {settings.server.user_header}."
        why = "An end user who can set it is anybody, with anybody's budget."
        yield Finding(Level.NOTE, "user_header", what, why, "Let whoever calls for them set it, or take it away.")


def fetching(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """For whom images are fetched from URLs."""
    urls = settings.server.image_urls
    if urls.fetch and not urls.allow and not settings.api_keys and not is_loopback(facts.host):
        what = "Everybody can have this server fetch from the web."
        why = "Without an API key it asks whom they name, under your address."
        mend = "Set a key, server.image_urls.allow to the hosts that are meant, or server.image_urls.fetch to false."
        yield Finding(Level.WARNING, "open_fetching", what, why, mend)


def internal_hosts(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Where callers can have this server knock inside of its network."""
    urls = settings.server.image_urls
    if not (urls.fetch and urls.internal):
        return
    what = f"Images may be fetched inside of this network, from {', '.join(map(str, urls.internal))}."
    why = "Every caller can have any path there asked for, and use what answers with a picture."
    if all(pattern.port for pattern in urls.internal):
        yield Finding(Level.NOTE, "internal_hosts", what, why)
    else:
        why += " Without a port that is each service of the host."
        yield Finding(Level.WARNING, "internal_hosts", what, why, "Name the port of each: host:port.")


def bits_of(secret: str) -> float:
    """How much there may be to guess in a text, by how often each character is in it; a prefix tells everybody."""
    text = secret.removeprefix("sk-")
    shares = [count / len(text) for count in Counter(text).values()]
    return -len(text) * sum(share * math.log2(share) for share in shares)
