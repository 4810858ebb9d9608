"""What is open, missing or risky in a configuration. Nothing that is said of it has a secret in it."""

from collections.abc import Sequence

from streamedit.config import Settings
from streamedit.doctor import books, doors, files, lacks, storage, wires
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Examination, Finding, Level

EXAMINATIONS: Sequence[Examination] = (
    doors.no_key, doors.weak_keys, doors.weak_token_secret, doors.origins, doors.callers_keys, doors.described,
    doors.end_users_header, doors.fetching, doors.internal_hosts,
    files.literals, files.configuration, files.database, files.room, files.open_files,
    storage.folder, storage.readers, storage.room, storage.passing, storage.shared,
    wires.providers, wires.redis, wires.database, wires.bucket, wires.links, wires.custom_hosts, wires.receivers,
    lacks.redis, lacks.database, lacks.providers_keys, lacks.prices, lacks.limits, lacks.budgets, lacks.end_users,
    lacks.moderation, lacks.token_secret, lacks.default_model, lacks.passed_urls, lacks.ignored,
    books.visits, books.schema, books.expiring_keys, books.reservations, books.backlog,
)  # fmt: skip
"""All that is looked at."""

_WORST_FIRST = tuple(reversed(Level))


def examine(settings: Settings, facts: Facts) -> Sequence[Finding]:
    """All that there is to say, the worst first. Pure."""
    found = [finding for examination in EXAMINATIONS for finding in examination(settings, facts)]
    return sorted(found, key=lambda finding: _WORST_FIRST.index(finding.level))
