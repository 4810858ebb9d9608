"""`streamedit groups`: teams of keys, and what they may use."""

from dataclasses import dataclass
from typing import Annotated

import typer

from streamedit.cli.database import DatabaseOptions
from streamedit.cli.members import Row, allowed, names, print_list, print_one
from streamedit.cli.options import AllowanceOptions, AsJson, Models, spread
from streamedit.cli.printing import print_success
from streamedit.cli.style import Commands
from streamedit.parties import Group
from streamedit.wire.admin import GroupFields

commands = Commands("groups", "Teams of keys, and what they may use.")

_GroupId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, - and _.")]


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """What is a group's own."""

    platform: Annotated[list[str] | None, typer.Option(help="A provider that it may use; may be repeated.")] = None
    model: Models = None
    images: Annotated[bool | None, typer.Option("--images/--no-images", help="It may edit images at all.")] = None


@commands.one("set")
@spread
def change(
    group_id: _GroupId, group: GroupOptions, allowance: AllowanceOptions, database: DatabaseOptions, as_json: AsJson = False
) -> None:
    """Make a group, or change what is given and leave the rest as it is."""
    patch = allowance.patch(GroupFields, platforms=group.platform, models=group.model, images=group.images)
    print_one(database.run(lambda registrar: registrar.change_group(group_id, patch)), _row, as_json=as_json)


@commands.one("list")
@spread
def list_all(database: DatabaseOptions, as_json: AsJson = False) -> None:
    """Show all groups, the oldest first."""
    print_list(database.run(lambda registrar: registrar.groups()), _row, as_json=as_json)


@commands.one()
@spread
def delete(group_id: _GroupId, database: DatabaseOptions) -> None:
    """Let a group go, to which no key belongs any more."""
    database.run(lambda registrar: registrar.delete_group(group_id))
    print_success(f"{group_id}: deleted")


def _row(group: Group) -> Row:
    own = {"ID": group.id, "Platforms": names(group.platforms), "Models": names(group.models)}
    return {**own, "Images": "yes" if group.images else "no", **allowed(group.allowance)}
