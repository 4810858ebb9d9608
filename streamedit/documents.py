"""A YAML file of which every value knows its line, so that mistakes can be told where they stand."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from streamedit.errors import param_path
from streamedit.events import Json

_ENVIRONMENT = "os.environ/"
_VARIABLES = "environment_variables"
_INCLUDE = "include"
_TOO_DEEP = "something is nested too deeply, or in itself"

Location = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


class ConfigError(Exception):
    """A configuration with mistakes; `mistakes` has one line for each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Document:
    """A YAML file with those that it includes, its values, and the line of each. Raises ConfigError, OSError.

    `include` and `environment_variables` are LiteLLM's, and mean what they mean there: the lists of an included file are added
    to those of the file that includes it, whatever else it says counts instead; a file is read once.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._unset: list[tuple[Location, str]] = []
        self.mistakes: list[str] = []
        self._node = _composed(path.name, path.read_bytes())
        self._include_all(path)
        self._values = _constructed(self._name, self._node) or {}

    def mistake(self, location: Sequence[str | int], text: str) -> None:
        mark = self._mark(location)
        place = f"{mark.name}:{mark.line + 1}" if mark else f"{self._name}:1"
        self.mistakes.append(f"{place}: {param_path(location) or 'file'}: {text}")

    def report_unset(self, ignored: Sequence[Location]) -> None:
        """Variables that are not set are mistakes where something reads them."""
        for location, name in self._unset:
            if not any(location[: len(each)] == each for each in ignored):
                self.mistake(location, f"the environment variable {name} is not set")

    def has_unset(self, location: Location) -> bool:
        """Whether a variable that is not set is named there, or below: what else is missing may be missing for that."""
        return any(place[: len(location)] == location for place, _ in self._unset)

    def environment(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """`environ` with the variables that the file sets: those count more."""
        section = self._values.get(_VARIABLES) if isinstance(self._values, dict) else None
        if section is not None and not isinstance(section, dict):
            self.mistake((_VARIABLES,), "should be names with their values")
        named = section.items() if isinstance(section, dict) else ()
        found = {str(name): _looked_up(value, environ) for name, value in named}
        return {**environ, **{name: value for name, value in found.items() if value is not None}}

    def resolved(self, environ: Mapping[str, str]) -> Json:
        """The values with each `os.environ/NAME` replaced by that variable (LiteLLM's notation). Raises ConfigError."""
        if not isinstance(self._values, dict):
            return self._values
        try:
            return self._resolve({key: value for key, value in self._values.items() if key != _VARIABLES}, (), environ)
        except RecursionError:
            raise ConfigError([f"{self._name}:1: {_TOO_DEEP}"]) from None

    def _resolve(self, value: Json, location: Location, environ: Mapping[str, str]) -> Json:
        if isinstance(value, dict):
            return {key: self._resolve(member, (*location, str(key)), environ) for key, member in value.items()}
        if isinstance(value, list):
            return [self._resolve(member, (*location, index), environ) for index, member in enumerate(value)]
        if not isinstance(value, str) or not value.startswith(_ENVIRONMENT):
            return value
        name = value.removeprefix(_ENVIRONMENT)
        if name not in environ:
            self._unset.append((location, name))
        return environ.get(name)

    def _include_all(self, path: Path) -> None:
        read = {path.resolve()}
        waiting = list(self._taken_out(path))
        while waiting:
            included, mark = waiting.pop(0)
            if included.resolve() in read:
                continue
            read.add(included.resolve())
            waiting += self._included(included, os.path.relpath(included, path.parent), mark)

    def _included(self, path: Path, name: str, mark: yaml.Mark) -> Sequence[tuple[Path, yaml.Mark]]:
        """Take a file in. Gives what it includes itself."""
        try:
            node = _composed(name, path.read_bytes())
        except OSError as error:
            self._cannot_include(mark, f"{name}: {error.strerror}")
            return ()
        if not isinstance(node, yaml.MappingNode) or not isinstance(self._node, yaml.MappingNode):
            self._cannot_include(mark, f"{name}: should be sections with their names")
            return ()
        self._node = _merged(self._node, node)
        return list(self._taken_out(path))

    def _taken_out(self, path: Path) -> Iterator[tuple[Path, yaml.Mark]]:
        """The files that `include` names, relative to the one that says so."""
        listed = _member(self._node, _INCLUDE)
        if listed is None or not isinstance(self._node, yaml.MappingNode):
            return
        self._node.value = [(key, value) for key, value in self._node.value if key.value != _INCLUDE]
        if not isinstance(listed, yaml.SequenceNode) or not all(isinstance(each, yaml.ScalarNode) for each in listed.value):
            self._cannot_include(listed.start_mark, "should be a list of files")
            return
        yield from ((path.parent / each.value, each.start_mark) for each in listed.value)

    def _cannot_include(self, mark: yaml.Mark, text: str) -> None:
        self.mistakes.append(f"{mark.name}:{mark.line + 1}: {_INCLUDE}: {text}")

    def _mark(self, location: Sequence[str | int]) -> yaml.Mark | None:
        node = self._node
        for step in location:
            below = _member(node, step)
            if below is None:
                break
            node = below
        return node.start_mark if node is not None else None


def _composed(name: str, content: bytes) -> yaml.Node | None:
    """The nodes of a text; their marks name the file."""
    try:
        text = content.decode("utf-8-sig")
        loader = yaml.SafeLoader(text)
        loader.name = name
        return loader.get_single_node()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: not UTF-8"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{name}:{line}: {error.reason}"]) from None
    except yaml.MarkedYAMLError as error:
        raise _broken(name, error) from None
    except RecursionError:
        raise ConfigError([f"{name}:1: {_TOO_DEEP}"]) from None


def _constructed(name: str, node: yaml.Node | None) -> Json:
    try:
        return _Loader("").construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        raise _broken(name, error) from None
    except RecursionError:
        raise ConfigError([f"{name}:1: {_TOO_DEEP}"]) from None


class _Loader(yaml.SafeLoader):
    """Tells the line, too, of what only looks like a value, such as 2026-02-30: by itself it does not tell it, but breaks."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Json:
        try:
            return super().construct_object(node, deep)
        except ValueError:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(problem=f"not a valid {kind}", problem_mark=node.start_mark) from None


def _broken(name: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark
    return ConfigError([f"{mark.name}:{mark.line + 1}: {error.problem}" if mark else f"{name}:1: {error.problem}"])


def _merged(base: yaml.MappingNode, included: yaml.MappingNode) -> yaml.MappingNode:
    members = {str(key.value): (key, value) for key, value in base.value}
    for key, value in included.value:
        _, before = members.get(str(key.value), (None, None))
        both = isinstance(before, yaml.SequenceNode) and isinstance(value, yaml.SequenceNode)
        members[str(key.value)] = (key, _joined(before, value) if both else value)
    return yaml.MappingNode(base.tag, list(members.values()), base.start_mark, base.end_mark)


def _joined(one: yaml.SequenceNode, other: yaml.SequenceNode) -> yaml.SequenceNode:
    return yaml.SequenceNode(one.tag, [*one.value, *other.value], one.start_mark, one.end_mark)


def _looked_up(value: Json, environ: Mapping[str, str]) -> str | None:
    if isinstance(value, str) and value.startswith(_ENVIRONMENT):
        return environ.get(value.removeprefix(_ENVIRONMENT))
    return None if value is None else str(value)


def _member(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        element: yaml.Node = node.value[step]
        return element
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
