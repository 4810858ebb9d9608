"""The command line of `viewers`."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass

THEMES = ("idle", "fanout", "slow", "churn", "spill")


@dataclass(frozen=True)
class Options:
    """How much of what is measured."""

    themes: Sequence[str]
    viewers: int
    seconds: float
    edits: int
    breaks: int


def add_arguments(parser: ArgumentParser) -> None:
    """What `scripts/bench viewers` takes."""
    parser.add_argument("--themes", type=_themes, default=",".join(THEMES), help="what to measure")
    parser.add_argument("--viewers", type=int, default=10_000, help="that are open at a time")
    parser.add_argument(
        "--seconds", type=float, default=60, help="for which others ask beside them, after half as long in which nobody does"
    )
    parser.add_argument("--edits", type=int, default=1_000, help="that run at a time, of 12 MB each: so much disk is needed")
    parser.add_argument("--breaks", type=int, default=5_000, help="connections that are broken off")


def _themes(text: str) -> Sequence[str]:
    unknown = set(text.split(",")) - set(THEMES)
    if unknown:
        raise ValueError(unknown)
    return text.split(",")
