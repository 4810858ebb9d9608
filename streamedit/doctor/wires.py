"""What travels without TLS beyond this machine."""

from collections.abc import Iterator

from streamedit import databases
from streamedit.config import Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level
from streamedit.doctor.hosts import has_password, host_beyond, is_near, plainly_to
from streamedit.sources import is_loopback


def providers(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Keys and pictures on their way to providers."""
    targets = [target for route in settings.routes.all for target in route.targets]
    plain = {target.name: (host, target.api_key) for target in targets if (host := plainly_to(target.api_base or ""))}
    for name, (host, key) in plain.items():
        what = f"{name} is asked at {host} without TLS{', with a key' if key else ''}."
        why = "Whoever is on the way reads pictures and prompts" + (", and the key." if key else ".")
        level = Level.RISK if key and not is_near(host) else Level.WARNING if key else Level.NOTE
        yield Finding(level, "plain_provider", what, why, "Let its api_base begin with https://.")


def redis(settings: Settings, _: Facts) -> Iterator[Finding]:
    """The store that workers share."""
    url = settings.server.redis_url or ""
    host = host_beyond(url)
    why = "It has every event of every edit, pictures included, and whoever gets there changes them."
    if host and not has_password(url):
        mend = "Give it a password, and let redis_url have it: os.environ/REDIS_URL."
        yield Finding(Level.RISK, "open_redis", f"Redis at {host} is asked without a password.", why, mend)
    if host and url.startswith("redis://"):
        yield Finding(
            Level.WARNING, "plain_redis", f"Redis at {host} is asked without TLS.", why, "Let redis_url begin with rediss://."
        )


def database(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Who edited what for how much."""
    url = settings.server.database_url
    place = databases.place_of(url) if url else None
    if place is None or place.host is None or place.is_encrypted or is_loopback(place.host):
        return
    what = f"PostgreSQL at {place.host} may be asked without TLS."
    why = "Whoever is on the way reads end users and spend, and can change keys and budgets."
    yield Finding(Level.WARNING, "plain_database", what, why, "Add ?sslmode=verify-full to database_url, or require at least.")


def bucket(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Where files and results are kept."""
    kept = settings.server.storage.bucket
    if kept and (host := plainly_to(kept.endpoint or "")):
        what = f"The bucket {kept.name} at {host} is asked without TLS."
        why = "Whoever is on the way reads uploaded files and results, and can change them."
        yield Finding(
            Level.WARNING, "plain_bucket", what, why, "Let its endpoint begin with https://, and take allow_http out."
        )


def links(settings: Settings, _: Facts) -> Iterator[Finding]:
    """The addresses that callers are given."""
    if host := plainly_to(settings.server.public_base_url):
        what = f"public_base_url leads to {host} without TLS."
        why = "Callers follow it with their keys, and its links have tokens in them."
        yield Finding(Level.WARNING, "plain_links", what, why, "Let it begin with https://.")


def custom_hosts(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Where callers may have their own keys sent."""
    for host in sorted(filter(None, map(plainly_to, settings.server.custom_hosts))):
        why = "The key of whoever names it travels there for everybody on the way to read."
        yield Finding(
            Level.WARNING, "plain_custom_host", f"custom_hosts has {host} without TLS.", why, "Let it begin with https://."
        )


def receivers(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Who is told of edits."""
    otel = settings.server.otel
    told = [("webhook", hook.url) for hook in settings.server.webhooks]
    told += [("collector of traces", otel.endpoint)] if otel and otel.endpoint else []
    for kind, url in told:
        if host := plainly_to(url):
            why = "Whoever is on the way reads what is told, and what the address or the headers have of secrets."
            yield Finding(
                Level.WARNING,
                "plain_receiver",
                f"The {kind} at {host} is told without TLS.",
                why,
                "Let it begin with https://.",
            )
