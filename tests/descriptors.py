"""What this process, and so a server on one of its threads, has open."""

from pathlib import Path


def temporary_files() -> int:
    """How many unlinked files are open."""
    links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return sum(1 for link in links if str(link).endswith("(deleted)"))
