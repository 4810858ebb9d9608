"""A ComfyUI workflow in its API format, and the places in it that a configuration gives names to.

The format (of "Save (API format)", now "Export (API)"): `{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["4",
0]}, "_meta": {"title": "..."}}}`; a list of two is a link to another node's output.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from streamedit.events import Json
from streamedit.providers.capabilities import PARAMETERS, Extra
from streamedit.targets import Target

PARAMS = frozenset({"workflow", "inputs", "output", "poll_s", "preview_method", "seed", "steps", "negative_prompt"})
"""What is read of a target's parameters; the last three are defaults for the inputs that mostly have these names."""

_FILES = frozenset({"image", "mask", "markup"})
_OWN = frozenset({"prompt", "width", "height"}) | _FILES
_TAKEN = (frozenset(PARAMETERS) | {"images", "model", "stream", "workflow", "inputs", "output", "timeout"}) - _FILES
_WHOLE = frozenset({"seed", "steps"})
"""Inputs of which it is known that they take whole numbers: in a saved workflow 8.0 is `8`, too."""

_Graph: TypeAlias = Mapping[str, Mapping[str, Json]]


class Mistake(ValueError):
    """What is wrong with a workflow or with the names given to its inputs, in words."""


@dataclass(frozen=True, slots=True)
class Place:
    """One input of one node."""

    node: str
    input: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """`places`: where each named input goes. `output`: the node whose picture is wanted; None for the last that saves one."""

    graph: _Graph
    places: Mapping[str, tuple[Place, ...]]
    output: str | None = None

    @classmethod
    def of(cls, target: Target) -> "Workflow":
        """As the target is configured; read once. Raises Mistake."""
        path = target.text("workflow")
        if path is None:
            raise Mistake("workflow is missing: the file that ComfyUI's 'Save (API format)' writes")
        return _read(path, json.dumps(target.params.get("inputs")), target.text("output"))

    @property
    def draws_mask_into_image(self) -> bool:
        """The mask goes where the first image goes: as its transparency, for a LoadImage whose MASK is used."""
        return self.places.get("mask") == self.places["image"][:1]

    @property
    def extras(self) -> Mapping[str, Extra]:
        """The named inputs that are no parameters of OpenAI's, of the kinds that their values in the workflow have."""
        return {name: self._extra(name, places[0]) for name, places in self.places.items() if name not in _OWN}

    def filled(self, values: Mapping[Place, Json]) -> dict[str, Json]:
        """The graph with these values in place of its own."""
        own: dict[str, dict[str, Json]] = {}
        for place, value in values.items():
            own.setdefault(place.node, {})[place.input] = value
        return {
            number: {**node, "inputs": {**node["inputs"], **own[number]}} if number in own else node
            for number, node in self.graph.items()
        }

    def name_of(self, place: Place) -> str | None:
        """What callers call an input."""
        return next((name for name, places in self.places.items() if place in places), None)

    def _extra(self, name: str, place: Place) -> Extra:
        node = self.graph[place.node]
        value = node["inputs"][place.input]
        if isinstance(value, bool):
            return Extra("flag")
        if isinstance(value, int | float):
            return Extra("integer" if name in _WHOLE else "number")
        return Extra("file") if str(node["class_type"]).startswith("LoadImage") and place.input == "image" else Extra()


@lru_cache(maxsize=1024)
def _read(path: str, inputs_json: str, output: str | None) -> Workflow:
    graph = _graph(path)
    places = dict(_places(graph, json.loads(inputs_json)))
    return Workflow(graph, places, None if output is None else _node(graph, output, "output"))


def _graph(path: str) -> _Graph:
    try:
        graph = json.loads(Path(path).expanduser().read_bytes())
    except OSError as error:
        raise Mistake(f"workflow: '{path}' cannot be read: {error.strerror}") from None
    except ValueError:
        raise Mistake(f"workflow: '{path}' is not JSON") from None
    if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
        raise Mistake(f"workflow: '{path}' is in the editor's own format: save it with 'Save (API format)' or 'Export (API)'")
    if not isinstance(graph, dict) or not graph or not all(map(_is_node, graph.values())):
        raise Mistake(f"workflow: '{path}' is no workflow in ComfyUI's API format: each node has a class_type and inputs")
    return graph


def _is_node(node: Json) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _places(graph: _Graph, inputs: Json) -> Iterator[tuple[str, tuple[Place, ...]]]:
    if not isinstance(inputs, dict) or not {"prompt", "image"} <= inputs.keys():
        raise Mistake("inputs must say where prompt and image go, as in `prompt: 6.inputs.text`")
    if ("width" in inputs) != ("height" in inputs):
        raise Mistake("inputs: width and height must both be named, or none of them")
    for name, texts in inputs.items():
        if name in _TAKEN:
            raise Mistake(f"inputs.{name}: the name is taken: give the input another one")
        listed = texts if isinstance(texts, list) and texts else [texts]
        yield name, tuple(_place(graph, name, text) for text in listed)


def _place(graph: _Graph, name: str, text: Json) -> Place:
    node, found, field = text.rpartition(".inputs.") if isinstance(text, str) else ("", "", "")
    if not found or not node or not field:
        raise Mistake(f"inputs.{name}: '{text}' is no place: write NODE.inputs.INPUT, as in 6.inputs.text")
    number = _node(graph, node, f"inputs.{name}")
    inputs = graph[number]["inputs"]
    if field not in inputs:
        raise Mistake(f"inputs.{name}: {_called(graph, number)} has no input '{field}': it has {', '.join(inputs)}")
    if isinstance(inputs[field], list):
        raise Mistake(f"inputs.{name}: '{field}' of {_called(graph, number)} comes from node {inputs[field][0]}: name that one")
    return Place(number, field)


def _node(graph: _Graph, named: str, param: str) -> str:
    """The number of a node that is named by it, or by its title."""
    if named in graph:
        return named
    titled = [number for number, node in graph.items() if _title(node) == named]
    if len(titled) > 1:
        raise Mistake(f"{param}: there are {len(titled)} nodes with the title '{named}': {', '.join(titled)}")
    if not titled:
        raise Mistake(f"{param}: there is no node '{named}': there are {', '.join(f'{n} ({_title(graph[n])})' for n in graph)}")
    return titled[0]


def _title(node: Mapping[str, Json]) -> str:
    meta = node.get("_meta")
    return str(meta.get("title") or node["class_type"]) if isinstance(meta, dict) else str(node["class_type"])


def _called(graph: _Graph, number: str) -> str:
    return f"node {number} ({graph[number]['class_type']})"
