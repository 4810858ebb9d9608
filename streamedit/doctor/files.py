"""Files that are there, and what the machine has."""

from collections.abc import Iterator

from streamedit.config import Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.findings import Finding, Level

OTHERS_READ, OTHERS_WRITE = 0o004, 0o002

_OWN_FILES = 256
"""What a process has open beside its connections."""


def literals(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Secrets in the file itself."""
    if facts.literals:
        what = f"Secrets stand in the file itself: {', '.join(facts.literals)}."
        why = "They travel along with it: into copies, repositories and backups."
        yield Finding(
            Level.WARNING, "literal_secrets", what, why, "Put them into variables, and os.environ/NAME in their place."
        )


def configuration(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Who may open the file."""
    mode = facts.file_mode or 0
    if mode & OTHERS_WRITE:
        why = "Whoever does decides which key opens this server, and where pictures go."
        yield Finding(
            Level.RISK, "writable_file", "Every user of this machine may change the configuration.", why, "chmod o-rwx FILE"
        )
    elif mode & OTHERS_READ and facts.literals:
        why = "There are secrets in it."
        yield Finding(
            Level.RISK, "readable_file", "Every user of this machine may read the configuration.", why, "chmod o-rwx FILE"
        )


def database(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Who may open SQLite's file."""
    if (facts.database_mode or 0) & (OTHERS_READ | OTHERS_WRITE):
        why = "It says who edited what for how much, and which keys there are."
        yield Finding(
            Level.RISK, "open_database", "Every user of this machine may open the database.", why, "chmod o-rwx its file."
        )
    if (facts.database_folder_mode or 0) & OTHERS_WRITE:
        why = "Whoever does can put another one, with keys of their own, in its place."
        yield Finding(
            Level.RISK,
            "open_folder",
            "Every user of this machine may write where the database is.",
            why,
            "chmod o-w its folder.",
        )


def room(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether the events have the room that they are given."""
    promised_bytes = settings.server.log_disk_bytes
    if facts.log_free_bytes is not None and facts.log_free_bytes < promised_bytes:
        what = f"Events may take {mib(promised_bytes)} of the disk, which has {mib(facts.log_free_bytes)} left."
        why = "When it is full, edits that have begun and been paid fail."
        yield Finding(
            Level.WARNING, "small_disk", what, why, "Make room, choose another server.log_folder, or set server.log_disk_bytes."
        )


def open_files(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether the system lets a process have as many connections as this server does."""
    # To the client, and to the provider.
    needed = 2 * settings.server.max_connections_per_client + _OWN_FILES
    if facts.open_files is not None and facts.open_files < needed:
        what = f"A process may have {facts.open_files} open files; one client's connections alone can need {needed}."
        why = "When there are no more, nobody else can connect."
        yield Finding(
            Level.WARNING,
            "few_open_files",
            what,
            why,
            "Raise the hard limit (ulimit -Hn, LimitNOFILE=), or set server.max_connections_per_client.",
        )


def mib(size_bytes: int) -> str:
    """A size in words."""
    return f"{size_bytes >> 20:,} MiB"
