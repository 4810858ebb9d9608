"""Where uploaded files and hosted results are kept."""

from collections.abc import Iterator

from streamedit import databases
from streamedit.config import ServerSettings, Settings
from streamedit.doctor.facts import Facts
from streamedit.doctor.files import OTHERS_READ, OTHERS_WRITE, mib
from streamedit.doctor.findings import Finding, Level
from streamedit.doctor.hosts import host_beyond

_OTHERS_ENTER = 0o001


def folder(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether it can be written."""
    if facts.storage and facts.storage.lacks:
        what = f"Files cannot be kept in {facts.storage.path}: {facts.storage.lacks}."
        why = "The server does not start without a place for them."
        mend = "Set server.storage.folder to one that this user may write, or server.storage.bucket."
        yield Finding(Level.RISK, "no_storage", what, why, mend)


def readers(_: Settings, facts: Facts) -> Iterator[Finding]:
    """Who else may look into it, or write there. What this server makes in it is for its own user alone."""
    mode = (facts.storage.mode if facts.storage else None) or 0
    inner = facts.storage.inner_modes if facts.storage else ()
    if mode & OTHERS_WRITE:
        why = "Whoever does can put other pictures in the place of those that are kept."
        mend = "chmod o-w the folder."
        yield Finding(Level.RISK, "writable_storage", "Every user of this machine may write where files are kept.", why, mend)
    if mode & _OTHERS_ENTER and any(each & OTHERS_READ for each in inner):
        why = "They are pictures of callers, and the links of results are no secret there."
        mend = "chmod -R o-rwx the folder."
        yield Finding(Level.RISK, "open_storage", "Every user of this machine may read what files are kept.", why, mend)


def room(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether its disk has room beside what stays free."""
    if facts.storage is None:
        return
    storage = settings.server.storage
    free_bytes = facts.storage.free_bytes - storage.reserve_bytes
    told = f"Its disk has {mib(facts.storage.free_bytes)} left, of which {mib(storage.reserve_bytes)} stay free"
    mend = "Make room, choose another server.storage.folder, or set server.storage.reserve_bytes."
    if free_bytes <= 0:
        why = "Uploads are refused, and results are told as base64 instead of by URL."
        yield Finding(Level.WARNING, "full_storage", f"There is no room for files. {told}.", why, mend)
    elif free_bytes < storage.file_bytes:
        what = f"There is room for files of {mib(free_bytes)}, and one may have {mib(storage.file_bytes)}. {told}."
        yield Finding(Level.NOTE, "little_storage", what, "", mend)


def passing(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether files last. Without a database there are none, and a result is for an hour."""
    if facts.storage and facts.storage.is_passing and settings.server.database_url:
        what = f"Files are kept in {facts.storage.path}, which does not outlast a restart of this machine."
        why = "The database goes on to know them, and whoever names one is told that it is not there."
        yield Finding(Level.WARNING, "passing_storage", what, why, "Set server.storage.folder, or server.storage.bucket.")


def shared(settings: Settings, facts: Facts) -> Iterator[Finding]:
    """Whether other machines find them, too."""
    stores = [name for name, host in _stores(settings.server) if host]
    if facts.storage and stores:
        what = f"Files are kept in the folder {facts.storage.path}, beside {' and '.join(stores)} that other machines reach."
        why = "A file, or a result, that one of them keeps is not there for those that have another disk."
        mend = "With several machines let all have the same folder, or set server.storage.bucket."
        yield Finding(Level.NOTE, "local_storage", what, why, mend)


def _stores(server: ServerSettings) -> Iterator[tuple[str, str | None]]:
    """What servers can have in common, and its host where that is not this machine."""
    yield "Redis", host_beyond(server.redis_url or "")
    place = databases.place_of(server.database_url) if server.database_url else None
    yield "a database", host_beyond(f"//{place.host}") if place and place.host else None
