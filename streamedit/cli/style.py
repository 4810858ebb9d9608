"""How all commands look in their help: `-h` too, no type where a name says it, examples at the end."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_HELP = {"help_option_names": ["-h", "--help"]}


class Commands(typer.Typer):
    """A group of commands in the house style."""

    def __init__(self, name: str, help_: str, **more: Any) -> None:
        super().__init__(
            name=name,
            help=help_,
            cls=_Group,
            no_args_is_help=True,
            rich_markup_mode="rich",
            pretty_exceptions_show_locals=False,
            context_settings=_HELP,
            **more,
        )

    def has(self, command: Callable[..., None], name: str | None = None, examples: Sequence[str] = ()) -> None:
        """Add a command. `examples`: lines to be typed, with `#` before what they do."""
        help_ = _unfolded(command.__doc__ or "")
        self.command(name, cls=_Command, context_settings=_HELP, help=help_, epilog=_epilog(examples))(command)

    def one(self, name: str | None = None, *examples: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """The same as a decorator."""

        def added(command: Callable[..., None]) -> Callable[..., None]:
            self.has(command, name, examples)
            return command

        return added


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _in_words(super().get_params(ctx), ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Arguments as they are typed."""
        arguments = [param for param in self.get_params(ctx) if isinstance(param, TyperArgument)]
        return ["[OPTIONS]", *(_named(argument) for argument in arguments)]


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:
        return _in_words(super().get_params(ctx), ctx)


def _in_words(params: list[Any], ctx: Any) -> list[Any]:
    """Each with a word for what to type behind it: nothing for flags and arguments, whose names say it."""
    for param in params:
        if isinstance(param, TyperOption) and param.metavar is None:
            param.metavar = "" if param.is_flag else _word_of(str(param.display_type(ctx)))
        if isinstance(param, TyperArgument):
            vars(param)["display_type_rich"] = lambda ctx: None
    return params


def _word_of(type_: str) -> str:
    """For what Typer calls `<path>`, `<list[str]>`, `<int range>`."""
    words = {"path": "FILE", "int": "NUMBER", "float": "NUMBER"}
    return next((word for name, word in words.items() if name in type_), "TEXT")


def _unfolded(doc: str) -> str:
    """A docstring's paragraphs, each on one line: the terminal folds them. A line that begins with a dash stays one."""
    paragraphs = inspect.cleandoc(doc).split("\n\n")
    return "\n\n".join(re.sub(r"\n(?!- )", " ", paragraph) for paragraph in paragraphs)


def _named(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _epilog(examples: Sequence[str]) -> str | None:
    """Each on a line of its own."""
    return "\n".join(("[dim]Examples:[/]", *(f"  {line}" for line in examples))) if examples else None
