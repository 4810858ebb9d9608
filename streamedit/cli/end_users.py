"""`streamedit end-users`: the users of your callers, by the names that callers give them."""

from typing import Annotated

import typer

from streamedit.cli.database import DatabaseOptions
from streamedit.cli.members import Row, allowed, print_list, print_one
from streamedit.cli.options import AllowanceOptions, AsJson, spread
from streamedit.cli.printing import print_success
from streamedit.cli.style import Commands
from streamedit.parties import EndUser
from streamedit.wire.admin import EndUserFields

commands = Commands("end-users", "Your callers' own users, and what is done for them.")

_EndUserId = Annotated[str, typer.Argument(metavar="ID", help="As callers name them: `user`, `safety_identifier`.")]
_Blocked = Annotated[bool | None, typer.Option("--block/--unblock", help="Nothing is done for them.")]


@commands.one("set")
@spread
def change(
    end_user_id: _EndUserId,
    allowance: AllowanceOptions,
    database: DatabaseOptions,
    blocked: _Blocked = None,
    as_json: AsJson = False,
) -> None:
    """Say something of an end user: change what is given, and leave the rest as it is."""
    patch = allowance.patch(EndUserFields, blocked=blocked)
    print_one(database.run(lambda registrar: registrar.change_end_user(end_user_id, patch)), _row, as_json=as_json)


@commands.one("list")
@spread
def list_all(database: DatabaseOptions, as_json: AsJson = False) -> None:
    """Show all of whom something was said, the oldest first."""
    print_list(database.run(lambda registrar: registrar.end_users()), _row, as_json=as_json)


@commands.one()
@spread
def delete(end_user_id: _EndUserId, database: DatabaseOptions) -> None:
    """Let an end user be like those of whom nothing was said."""
    database.run(lambda registrar: registrar.delete_end_user(end_user_id))
    print_success(f"{end_user_id}: deleted")


def _row(end_user: EndUser) -> Row:
    return {"ID": end_user.id, "State": "blocked" if end_user.is_blocked else "open", **allowed(end_user.allowance)}
