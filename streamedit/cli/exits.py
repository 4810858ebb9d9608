"""The exit codes of the command, for scripts."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended. One that a signal has ended ends with 128 and its number, as programs do."""

    DONE = 0
    REFUSED = 1
    """What was asked for was refused: the same again is refused again."""
    NOT_BEGUN = 2
    """Nothing could be begun: a file is missing, an option is wrong."""
    FAILED = 3
    """The provider or the server has failed."""
    UNREACHABLE = 4
    """The server cannot be reached, or was given up."""
    INTERRUPTED = 130
    """By Ctrl-C."""
