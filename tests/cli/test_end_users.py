"""`streamedit end-users`, on either database."""

import json

from commands import Command


def test_an_end_user_is_blocked_and_let_in_again(command: Command) -> None:
    """What else was said stays."""
    command("end-users", "set", "ada@example.org", "--budget", "1/1d", "--block")
    listed = command("end-users", "list").stdout
    assert next(line for line in listed.splitlines() if "ada" in line).split() == ["ada@example.org", "blocked", "$1/1d"]
    told = json.loads(command("end-users", "set", "ada@example.org", "--unblock", "--json").stdout)
    assert (told["blocked"], len(told["budgets"])) == (False, 1)


def test_an_end_user_is_deleted_once(command: Command) -> None:
    """Then nothing is known of them."""
    command("end-users", "set", "ada")
    assert command("end-users", "delete", "ada").exit_code == 0
    again = command("end-users", "delete", "ada")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "no such end user" in again.stderr
    assert json.loads(command("end-users", "list", "--json").stdout)["data"] == []
