"""The command `streamedit`."""

from typing import Annotated

import typer
from rich.console import Console

from streamedit.cli import check, doctor, edit, end_users, groups, keys, models, serve, usage
from streamedit.cli.printing import open_streams
from streamedit.cli.style import Commands
from streamedit.version import __version__

main = Commands("streamedit", "Watch an image edit happen.")
main.has(edit.edit, examples=edit.EXAMPLES)
main.has(serve.serve, examples=serve.EXAMPLES)
main.has(models.models, examples=models.EXAMPLES)
main.has(check.check)
main.has(doctor.doctor, examples=doctor.EXAMPLES)
main.has(usage.usage, examples=usage.EXAMPLES)
main.add_typer(keys.commands)
main.add_typer(groups.commands)
main.add_typer(end_users.commands)


@main.callback(invoke_without_command=True)
def _begin(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    open_streams()
    if version:
        Console().print(__version__)
        raise typer.Exit
