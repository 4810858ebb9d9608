"""A YAML file of which every value knows its line, so that mistakes can be told where they stand."""

from collections.abc import Mapping, Sequence

import yaml

from streamedit.errors import param_path
from streamedit.events import Json

_ENVIRONMENT = "os.environ/"

_TOO_DEEP = "something is nested too deeply, or in itself"


class ConfigError(Exception):
    """A configuration with mistakes; `mistakes` has one line for each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Document:
    """A YAML text, its values, and the line of each: mistakes are told where they stand."""

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._unset: list[tuple[tuple[str | int, ...], str]] = []
        self.mistakes: list[str] = []
        try:
            text = content.decode("utf-8-sig")
            self._node = yaml.compose(text, yaml.SafeLoader)
            self._values = _Loader(text).get_single_data() or {}
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ConfigError([f"{name}:{line}: not UTF-8"]) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise ConfigError([f"{name}:{line}: {error.reason}"]) from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError([f"{name}:{line}: {error.problem}"]) from None
        except RecursionError:
            raise ConfigError([f"{name}:1: {_TOO_DEEP}"]) from None

    def mistake(self, location: Sequence[str | int], text: str) -> None:
        self.mistakes.append(f"{self._name}:{self._line(location)}: {param_path(location) or 'file'}: {text}")

    def report_unset(self, ignored: Sequence[str]) -> None:
        """Variables that are not set are mistakes where something reads them."""
        for location, name in self._unset:
            if not f"{param_path(location)}.".startswith(tuple(f"{key}." for key in ignored)):
                self.mistake(location, f"the environment variable {name} is not set")

    def resolved(self, environ: Mapping[str, str]) -> Json:
        """The values with each `os.environ/NAME` replaced by that variable (LiteLLM's notation). Raises ConfigError."""
        try:
            return self._resolve(self._values, (), environ)
        except RecursionError:
            raise ConfigError([f"{self._name}:1: {_TOO_DEEP}"]) from None

    def _resolve(self, value: Json, location: tuple[str | int, ...], environ: Mapping[str, str]) -> Json:
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

    def _line(self, location: Sequence[str | int]) -> int:
        node = self._node
        for step in location:
            below = _member(node, step)
            if below is None:
                break
            node = below
        return node.start_mark.line + 1 if node is not None else 1


class _Loader(yaml.SafeLoader):
    """Tells the line, too, of what only looks like a value, such as 2026-02-30: by itself it does not tell it, but breaks."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Json:
        try:
            return super().construct_object(node, deep)
        except ValueError:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(problem=f"not a valid {kind}", problem_mark=node.start_mark) from None


def _member(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        element: yaml.Node = node.value[step]
        return element
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
