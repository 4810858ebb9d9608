"""What is around a configuration: how it is to be served, its files, its machine, its database, who answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streamedit.stores.sql.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Visit:
    """A connection that was tried: to whom, and why there was none. `is_needed`: without it nothing can be served."""

    name: str
    lacks: str | None = None
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """Where files and results are kept.

    `lacks`: why nothing can be. `mode`, `inner_modes`: permission bits of the folder, None where there is none yet, and of what
    is in it. `free_bytes`: of its disk. `is_passing`: what is there is gone after a restart of the machine.
    """

    path: Path
    lacks: str | None = None
    mode: int | None = None
    inner_modes: Sequence[int] = ()
    free_bytes: int = 0
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """None: it is not there, or nobody looked. `now_s` is Unix time, `*_mode` a file's permission bits.

    `literals`: the places of the file where a secret stands itself, instead of the name of a variable. `open_files`: how many
    a process may have. `backlog_bytes`: what waits to be entered into the ledger.
    """

    host: str = "127.0.0.1"
    workers: int = 1
    now_s: float = 0.0
    literals: Sequence[str] = ()
    file_mode: int | None = None
    database_mode: int | None = None
    database_folder_mode: int | None = None
    log_free_bytes: int | None = None
    open_files: int | None = None
    backlog_bytes: int | None = None
    database: Inspection | None = None
    visits: Sequence[Visit] = ()
    storage: Folder | None = None
