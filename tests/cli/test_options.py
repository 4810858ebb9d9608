"""Bundles of options: a command says in one word what several have in common."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from streamedit.cli.options import spread


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is."""

    street: Annotated[str, typer.Option(help="Its street.")] = "none"
    number: Annotated[int | None, typer.Option("--no")] = None


def test_a_bundle_is_an_option_for_each_field() -> None:
    """Beside the command's own arguments and options, with names, types, defaults and help of their own."""
    seen: list[tuple[str, Place, bool]] = []
    app = typer.Typer()

    @app.command()
    @spread
    def visit(who: str, place: Place, loud: bool = False) -> None:
        """Go there."""
        seen.append((who, place, loud))

    runner = CliRunner()
    assert runner.invoke(app, ["ada", "--street", "Main", "--no", "5", "--loud"]).exit_code == 0
    assert runner.invoke(app, ["bob"]).exit_code == 0
    assert seen == [("ada", Place("Main", 5), True), ("bob", Place(), False)]
    assert runner.invoke(app, ["ada", "--no", "five"]).exit_code == 2
    told = runner.invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    assert "Go there." in told
    assert "Its street." in told
