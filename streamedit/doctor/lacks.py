"""What is not there."""

from collections.abc import Iterator

from streamedit import databases
from streamedit.config import Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level
from streamedit.parties import Allowance
from streamedit.pricing import Prices
from streamedit.providers import CATALOGUE
from streamedit.sources import is_loopback
from streamedit.targets import Target

_FREE = frozenset({"darkroom", "mock"})

_OTHER_CREDENTIALS = frozenset({"azure", "azure_ai", "bedrock", "vertex_ai"})
"""Those to whom one may prove otherwise who one is."""


def default_model(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Which model a request without one means."""
    if settings.routes.default_model is None:
        mend = "Name one as server.default_model."
        yield Finding(Level.NOTE, "no_default_model", "There is no default model: requests must name theirs.", "", mend)


def redis(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """What workers share."""
    if facts.workers > 1 and settings.server.redis_url is None:
        what = f"{facts.workers} workers have no Redis in common."
        why = "They will not be started: any of them must be able to show what another one makes."
        yield Finding(Level.RISK, "no_redis", what, why, "Set server.redis_url.")


def database(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Where keys, budgets and the ledger are."""
    url = settings.server.database_url
    if url is not None:
        yield Finding(Level.OK, "database", f"Keys, budgets and the ledger are in {databases.shown(url)}.")
    else:
        why = "No keys can be given out, nothing is bounded by what it costs, and nobody can tell afterwards who edited what."
        yield Finding(
            Level.WARNING, "no_database", "There is no database.", why, "Leave server.database_url out: the default is SQLite."
        )


def token_secret(settings: Settings, _: Facts) -> Iterator[Finding]:
    """What tokens are signed with."""
    if settings.api_keys and settings.token_secret is None:
        what = "Tokens are signed with what the API keys of the configuration have in common."
        why = "When one of these is changed, all tokens and sessions end at once."
        yield Finding(
            Level.NOTE, "no_token_secret", what, why, "Set general_settings.token_secret, or STREAMEDIT_TOKEN_SECRET."
        )


def providers_keys(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Models at providers that will refuse them."""
    for provider in sorted({target.provider for target in _targets(settings) if _lacks_key(target)}):
        variable = CATALOGUE[provider].setup.environment["api_key"][0]
        what = f"There is no key for {provider}."
        yield Finding(
            Level.WARNING, "no_provider_key", what, "It refuses whatever it is asked without one.", f"Set {variable}."
        )


def prices(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """What budgets cannot see."""
    if not has_budgets(settings, facts):
        return
    known = Prices.shipped()
    unpriced = {target.name for target in _targets(settings) if _is_one_model(target) and known.usual_micros(target) is None}
    for name in sorted(unpriced):
        why = "Who has a budget is refused: nothing could hold what its edits may cost."
        mend = "Set output_cost_per_image, or the prices of its tokens, in its litellm_params."
        yield Finding(Level.WARNING, "no_price", f"What {name} costs is not known.", why, mend)


def moderation(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Who looks at prompts and pictures before they are sent."""
    section = settings.server.moderation
    if section is None or not section.is_on:
        what = "Prompts and pictures are not moderated here."
        yield Finding(
            Level.NOTE,
            "no_moderation",
            what,
            "Providers judge them for themselves, and may close your account.",
            "Set server.moderation.",
        )


def limits(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """How much one caller may have."""
    server = settings.server
    if _is_limited(server.limits.read(), server.key_defaults.read()):
        yield Finding(Level.OK, "limits", "There are limits for requests, images or edits at a time.")
        return
    level = Level.NOTE if is_loopback(facts.host) else Level.WARNING
    why = "One caller can have all of this server, and of your rate limits at the providers."
    yield Finding(
        level,
        "no_limits",
        "There are no limits, but those that keys have of their own.",
        why,
        "Set server.limits or server.key_defaults.limits.",
    )


def budgets(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """How much may be spent."""
    if has_budgets(settings, facts):
        yield Finding(Level.OK, "budgets", "What may be spent is bounded.")
    elif any(target.provider not in _FREE for target in _targets(settings)):
        why = "A caller in a loop spends whatever your accounts have."
        yield Finding(
            Level.NOTE,
            "no_budgets",
            "There are no budgets, but those that keys have of their own.",
            why,
            "Set server.budgets or server.key_defaults.budgets.",
        )


def end_users(settings: Settings, _: Facts) -> Iterator[Finding]:
    """How much one end user may have."""
    server = settings.server
    if server.user_header and server.end_user_defaults.read() == Allowance():
        what = "End users are told apart, and nothing bounds what one of them may do."
        yield Finding(Level.NOTE, "no_end_user_defaults", what, "", "Set server.end_user_defaults.")


def passed_urls(settings: Settings, _: Facts) -> Iterator[Finding]:
    """Targets that are to fetch images themselves, and never get to it."""
    for route in settings.routes.all:
        others = [target.name for target in route.targets if not target.takes_urls]
        if others and len(others) < len(route.targets):
            what = f"pass_image_urls has no effect for {route.model}: {', '.join(others)} may be asked in its place."
            why = "Images at URLs are fetched here unless every target of a model takes the URLs."
            yield Finding(Level.NOTE, "fetched_urls", what, why, "Set it for all of its targets, or for none.")


def ignored(settings: Settings, _: Facts) -> Iterator[Finding]:
    """What was written for nothing."""
    if settings.ignored:
        what = f"This has no effect: {', '.join(settings.ignored)}."
        yield Finding(Level.NOTE, "ignored", what, "", "Take it out, or see whether it is spelt as meant.")


def has_budgets(settings: Settings, facts: Facts) -> bool:
    """Whether anything is bounded by what it costs, as far as was looked."""
    keys = facts.database.keys if facts.database else ()
    return bool(settings.server.budgeted) or any(key.allowance.budgets for key in keys)


def _is_limited(*limits: object) -> bool:
    return any(limit != type(limit)() for limit in limits)


def _targets(settings: Settings) -> Iterator[Target]:
    return (target for route in settings.routes.all for target in route.targets)


def _lacks_key(target: Target) -> bool:
    keyed = "api_key" in CATALOGUE[target.provider].setup.environment and target.provider not in _OTHER_CREDENTIALS
    # Whoever names an address may have a server there that asks for none.
    return keyed and not target.api_key and not target.api_base


def _is_one_model(target: Target) -> bool:
    return "*" not in target.model and target.provider not in _FREE
