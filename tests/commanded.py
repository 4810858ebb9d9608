"""`streamedit edit` in the process of the tests: a second quicker than one that is started."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from commands import clean_environ
from typer.testing import CliRunner, Result

from streamedit.cli import main

PHOTO = str(Path(__file__).parent / "photos" / "coffee.jpg")


def command(*arguments: str, stdin: bytes | None = None, environ: Mapping[str, str] = MappingProxyType({})) -> Result:
    """What became of a command whose output nobody looks at."""
    unset = dict.fromkeys(os.environ.keys() - clean_environ().keys())
    return CliRunner().invoke(main, arguments, input=stdin, env={**unset, **clean_environ(), **environ})
