"""`streamedit groups`, on either database."""

import json

from commands import Command


def test_a_group_is_made_and_changed(command: Command) -> None:
    """What is not given stays as it is."""
    command("groups", "set", "team", "--platform", "openai", "--platform", "mock", "--no-images", "--rpm", "5")
    done = command("groups", "set", "team", "--images", "--budget", "10/1mo", "--json")
    told = json.loads(done.stdout)
    assert (told["platforms"], told["images"], told["limits"]["requests_per_minute"]) == (["openai", "mock"], True, 5)
    assert told["budgets"] == [{"limit_micros": 10_000_000, "period": "1mo", "spend": None}]
    assert json.loads(command("groups", "list", "--json").stdout) == {"object": "list", "data": [told]}


def test_the_list_is_a_table(somewhere: Command) -> None:
    """With a row for each; without any there is nothing to print."""
    assert somewhere("groups", "list").stdout == ""
    somewhere("groups", "set", "team", "--model", "gpt-*")
    row = next(line for line in somewhere("groups", "list").stdout.splitlines() if "team" in line)
    assert row.split() == ["team", "any", "gpt-*", "yes"]


def test_a_group_with_keys_is_not_deleted(command: Command) -> None:
    """The way out is told; without keys it goes."""
    command("groups", "set", "team")
    made = json.loads(command("keys", "create", "--group", "team", "--json").stdout)
    refused = command("groups", "delete", "team")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "move or revoke them" in refused.stderr
    command("keys", "update", made["id"], "--clear", "group")
    deleted = command("groups", "delete", "team")
    assert (deleted.exit_code, deleted.stdout) == (0, "team: deleted\n")
    assert command("groups", "list").stderr == "There is nothing yet.\n"
    assert command("groups", "delete", "team").exit_code == 1


def test_a_misspelt_platform_is_told(somewhere: Command) -> None:
    """With those that there are."""
    done = somewhere("groups", "set", "team", "--platform", "opnai")
    assert done.exit_code == 1
    assert "platforms[0]" in done.stderr
    assert "openai" in done.stderr
