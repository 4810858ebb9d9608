"""How the commands print."""

from rich.console import Console


def plain(*, stderr: bool) -> Console:
    """Prints text as it is: a line number is no emoji, and a name in brackets no style."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
