"""`streamedit doctor`."""

import asyncio
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streamedit.cli.exits import Exit
from streamedit.cli.options import AsJson
from streamedit.cli.printing import ERROR, NOTE, SUCCESS, plain, print_json
from streamedit.cli.printing import mistakes as tell_mistakes
from streamedit.doctor import examine, rounds
from streamedit.doctor.findings import Finding, Level
from streamedit.doctor.survey import survey
from streamedit.documents import ConfigError
from streamedit.sources import Source

EXAMPLES = (
    "streamedit doctor",
    "streamedit doctor --config streamedit.yaml --host 0.0.0.0 --online",
)

_STYLES = {Level.RISK: f"bold {ERROR}", Level.WARNING: NOTE, Level.NOTE: "cyan", Level.OK: SUCCESS}


def doctor(
    file: Annotated[Path | None, typer.Option("--config", help="The YAML file; without one the environment counts.")] = None,
    host: Annotated[str, typer.Option(help="Where it is to be served.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, help="By how many processes.")] = 1,
    as_json: AsJson = False,
    online: Annotated[
        bool, typer.Option("--online", help="Connect to the database, to Redis and to the providers, too.")
    ] = False,
) -> None:
    """Tell what is open, missing or risky in a configuration.

    Exit codes:
    - 0: no risk
    - 1: a risk
    - 2: it has mistakes
    """
    try:
        settings = Source(file, dict(os.environ)).read()
    except ConfigError as error:
        _tell_mistakes(error.mistakes, as_json=as_json)
        raise typer.Exit(Exit.NOT_BEGUN) from None
    facts = survey(settings, file, host, workers)
    findings = examine(settings, asyncio.run(rounds.made(settings, facts)) if online else facts)
    if as_json:
        print_json(
            {"valid": True, "mistakes": [], "levels": _levels(findings), "findings": [asdict(each) for each in findings]}
        )
    else:
        _tell(findings)
    raise typer.Exit(Exit.REFUSED if _levels(findings)[Level.RISK] else Exit.DONE)


def _tell_mistakes(mistakes: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"valid": False, "mistakes": mistakes, "levels": _levels(()), "findings": []})
    else:
        tell_mistakes("\n".join(mistakes))


def _tell(findings: Sequence[Finding]) -> None:
    out = plain(stderr=False)
    for finding in findings:
        out.print(f"{finding.level}: {finding.what}", style=_STYLES[finding.level])
        for line in filter(None, (finding.why, finding.mend)):
            out.print(f"  {line}")
    out.print(", ".join(f"{level}: {count}" for level, count in _levels(findings).items()))


def _levels(findings: Sequence[Finding]) -> Mapping[Level, int]:
    """How many there are of each, the worst first."""
    count = Counter(finding.level for finding in findings)
    return {level: count[level] for level in reversed(Level)}
