"""The queries of conditional routing: whether one holds for a request.

Regular expressions are Rust's, which pydantic brings: their time grows with the text and no faster, whatever the expression is.
Its size is bounded, too, as making one costs time. They know no lookaround and no backreferences.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, TypeAlias

from pydantic import JsonValue, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from streamedit.portkey.configs import invalid

Context: TypeAlias = Mapping[str, Mapping[str, JsonValue]]
"""What queries ask for: `metadata.x`, `params.x`, `url.pathname`."""

_MAX_PATTERN_CHARS = 128
_MAX_REPETITIONS = 50
"""All counted repetitions of an expression multiplied: `(\\w{5}){10}` has so many."""
_MAX_TEXT_CHARS = 1024
_REPETITION = re.compile(r"\{(?:\d*,)?(\d+),?\}")


def holds(query: Mapping[str, JsonValue], context: Context) -> bool:
    """All of its members do. Raises InvalidRequest for an operator or an expression that is not known."""
    return all(_member_holds(name, wanted, context) for name, wanted in query.items())


def _member_holds(name: str, wanted: JsonValue, context: Context) -> bool:
    if name in ("$or", "$and"):
        if not isinstance(wanted, list):
            raise invalid(f". {name} takes a list of queries")
        results = (isinstance(each, dict) and holds(each, context) for each in wanted)
        return any(results) if name == "$or" else all(results)
    if name.startswith("$"):
        raise invalid(f". There is no operator '{name}' for queries")
    root, _, key = name.partition(".")
    value = context.get(root, {}).get(key)
    if not isinstance(wanted, dict):
        return _equal(value, wanted)
    return all(_operator(operator)(value, operand) for operator, operand in wanted.items())


def _operator(name: str) -> Callable[[JsonValue, JsonValue], bool]:
    if name not in _OPERATORS:
        raise invalid(f". There is no operator '{name}'")
    return _OPERATORS[name]


def _equal(value: JsonValue, wanted: JsonValue) -> bool:
    """True is not 1."""
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _in(value: JsonValue, wanted: JsonValue) -> bool:
    return isinstance(wanted, list) and any(_equal(value, each) for each in wanted)


def _number(value: JsonValue) -> float:
    """Not a number, which is neither more nor less than any other, where it is none, or has more than 300 digits."""
    try:
        return math.nan if isinstance(value, bool | list | dict) or value is None else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _matches(value: JsonValue, pattern: JsonValue) -> bool:
    """Somewhere in the text."""
    if not isinstance(pattern, str) or len(pattern) > _MAX_PATTERN_CHARS or _repetitions(pattern) > _MAX_REPETITIONS:
        told = f"at most {_MAX_PATTERN_CHARS} characters, with at most {_MAX_REPETITIONS} counted repetitions"
        raise invalid(f". $regex takes an expression of {told}")
    if not isinstance(value, str):
        return False
    if len(value) > _MAX_TEXT_CHARS:
        raise invalid(f". $regex takes texts of at most {_MAX_TEXT_CHARS} characters")
    return _finds(pattern, value)


def _finds(pattern: str, text: str) -> bool:
    try:
        TypeAdapter[str](Annotated[str, StringConstraints(pattern=pattern)]).validate_python(text)
    except SchemaError:
        raise invalid(". $regex takes a regular expression without lookaround and backreferences") from None
    except ValidationError:
        return False
    return True


def _repetitions(pattern: str) -> int:
    return math.prod(max(1, int(count)) for count in _REPETITION.findall("".join(pattern.split())))


_OPERATORS: Mapping[str, Callable[[JsonValue, JsonValue], bool]] = {
    "$eq": _equal,
    "$ne": lambda value, wanted: not _equal(value, wanted),
    "$gt": lambda value, wanted: _number(value) > _number(wanted),
    "$gte": lambda value, wanted: _number(value) >= _number(wanted),
    "$lt": lambda value, wanted: _number(value) < _number(wanted),
    "$lte": lambda value, wanted: _number(value) <= _number(wanted),
    "$in": _in,
    "$nin": lambda value, wanted: isinstance(wanted, list) and not _in(value, wanted),
    "$regex": _matches,
}
