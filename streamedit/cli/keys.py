"""`streamedit keys`: give out API keys, and take them away."""

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from streamedit.cli.database import DatabaseOptions
from streamedit.cli.members import Row, allowed, moment, names, print_list, print_one
from streamedit.cli.options import AllowanceOptions, AsJson, Models, spread
from streamedit.cli.printing import note, print_json
from streamedit.cli.style import Commands
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.events import Json
from streamedit.parties import ApiKey
from streamedit.wire import objects
from streamedit.wire.admin import KeyFields

commands = Commands("keys", "Give out API keys, and take them away.")

_SPAN = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

_KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it: key_...")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Print the key, and nothing else on stderr.")]


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """What is a key's own."""

    name: Annotated[str | None, typer.Option(help="For those who read lists of keys.")] = None
    group: Annotated[str | None, typer.Option(help="The group that it belongs to.")] = None
    model: Models = None
    expires: Annotated[str | None, typer.Option(help="30d, 12h ..., or a date: 2027-01-01 (UTC).", metavar="WHEN")] = None

    def own(self) -> dict[str, Json]:
        """None for what was not given."""
        expires_at = None if self.expires is None else _moment(self.expires, SYSTEM_CLOCKS.now_s())
        return {"name": self.name, "group": self.group, "models": self.model, "expires_at": expires_at}


@commands.one()
@spread
def create(
    key: KeyOptions, allowance: AllowanceOptions, database: DatabaseOptions, quiet: _Quiet = False, as_json: AsJson = False
) -> None:
    """Make a key and print it: KEY=$(streamedit keys create --name ada). Nobody can show it again."""
    said = allowance.patch(KeyFields, **key.own())
    made, text = database.run(lambda registrar: registrar.create_key(said))
    _print_new(made, text, quiet=quiet, as_json=as_json)


@commands.one("list")
@spread
def list_all(database: DatabaseOptions, as_json: AsJson = False) -> None:
    """Show all keys, the oldest first, without their texts."""
    print_list(database.run(lambda registrar: registrar.keys()), _row, as_json=as_json)


@commands.one()
@spread
def show(key_id: _KeyId, database: DatabaseOptions, as_json: AsJson = False) -> None:
    """Show one key without its text."""
    print_one(database.run(lambda registrar: registrar.key(key_id)), _row, as_json=as_json)


@commands.one()
@spread
def update(
    key_id: _KeyId, key: KeyOptions, allowance: AllowanceOptions, database: DatabaseOptions, as_json: AsJson = False
) -> None:
    """Change what is given, and leave the rest as it is."""
    patch = allowance.patch(KeyFields, **key.own())
    print_one(database.run(lambda registrar: registrar.change_key(key_id, patch)), _row, as_json=as_json)


@commands.one()
@spread
def rotate(
    key_id: _KeyId,
    database: DatabaseOptions,
    grace_s: Annotated[int, typer.Option(help="For so many seconds the old one opens, too.")] = 0,
    quiet: _Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Put a new key in the place of an old one, with all that was said of it, and print it."""
    made, text = database.run(lambda registrar: registrar.rotate_key(key_id, {"grace_s": grace_s}))
    _print_new(made, text, quiet=quiet, as_json=as_json)


@commands.one()
@spread
def revoke(key_id: _KeyId, database: DatabaseOptions, as_json: AsJson = False) -> None:
    """Take a key away, for good: within two seconds it opens nothing."""
    print_one(database.run(lambda registrar: registrar.revoke_key(key_id)), _row, as_json=as_json)


def _print_new(key: ApiKey, text: str, *, quiet: bool, as_json: bool) -> None:
    """The key alone is on stdout, for scripts."""
    if as_json:
        print_json({**objects.of(key, []).model_dump(mode="json"), "key": text})
        return
    sys.stdout.write(f"{text}\n")
    if not quiet:
        note(f"{key.id}: keep it, for nobody can show it again.")


def _row(key: ApiKey) -> Row:
    own = {"ID": key.id, "Name": key.name, "State": _state(key), "Group": key.group or "", "Models": names(key.models)}
    return {**own, **allowed(key.allowance), "Expires": moment(key.expires_at_s)}


def _state(key: ApiKey) -> str:
    if key.revoked_at_s is not None:
        return "revoked"
    return "open" if key.is_open(SYSTEM_CLOCKS.now_s()) else "expired"


def _moment(text: str, now_s: float) -> int:
    """Unix seconds."""
    if span := _SPAN.fullmatch(text):
        return int(now_s) + int(span[1]) * _UNITS[span[2]]
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is neither a span as 30d nor a date as 2027-01-01", param_hint="--expires"
        ) from None
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
