"""What the database and the ledger say, and who answered."""

from collections.abc import Iterator

from streamedit.config import Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level

_SOON_S = 7 * 86_400

_BACKLOG_SHARE = 0.5


def visits(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Who can be reached."""
    for visit in facts.visits:
        if visit.lacks is None:
            yield Finding(Level.OK, "reached", f"{visit.name} can be reached.")
            continue
        level = Level.RISK if visit.is_needed else Level.WARNING
        why = "Nothing can be served without it." if visit.is_needed else "Whatever it is asked for goes elsewhere, or fails."
        yield Finding(level, "unreachable", f"{visit.name} cannot be reached: {visit.lacks}.", why)


def schema(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether the database is this version's."""
    found = facts.database
    if found is None or found.revision == found.newest:
        return
    if found.revision is None or found.revision < (found.newest or ""):
        what = (
            "The database has no tables yet."
            if found.revision is None
            else "The database has the tables of an earlier version."
        )
        yield Finding(Level.NOTE, "old_schema", what, "The next start brings them.")
    else:
        why = "This one does not know what they mean, and will not start."
        yield Finding(
            Level.RISK, "foreign_schema", "The database has the tables of another version.", why, "Install the newer one."
        )


def expiring_keys(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Keys that soon open nothing any more."""
    keys = facts.database.keys if facts.database else ()
    for key in keys:
        if key.is_open(facts.now_s) and not key.is_open(facts.now_s + _SOON_S):
            what = f"{key.id} expires within a week."
            yield Finding(
                Level.WARNING,
                "expiring_key",
                what,
                "Whoever has it is refused then.",
                f"streamedit keys update {key.id} --expires ...",
            )


def reservations(_: Settings, facts: Facts) -> Iterator[Finding]:
    """What was reserved, and neither settled nor given up."""
    if facts.database and facts.database.overdue:
        what = f"Money is reserved for {facts.database.overdue} edits that should have ended."
        why = "A server that runs counts it as spent, or frees it, within a minute: so none runs, or it cannot write."
        yield Finding(Level.WARNING, "stale_reservations", what, why, "Start one, or look into its log.")


def backlog(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """What the ledger has still to take in."""
    room_bytes = settings.server.ledger_bytes
    if facts.backlog_bytes is not None and facts.backlog_bytes > _BACKLOG_SHARE * room_bytes:
        what = f"{facts.backlog_bytes >> 20} of {room_bytes >> 20} MiB wait to be entered into the ledger."
        why = "When they are full, no edit is taken any more. The database is away, too slow, or no server runs."
        yield Finding(Level.WARNING, "backlog", what, why, "See whether the database takes what it is told.")
