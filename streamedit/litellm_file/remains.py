"""What can be said of a file that has mistakes already, so that all of them are told together."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from streamedit.documents import Location
from streamedit.events import Json, as_object
from streamedit.litellm_file.policies import names_in, rules_of, unserved
from streamedit.litellm_file.sections import LiteLLMSettings, RouterSettings
from streamedit.routes import Route, Routes

_Section = TypeVar("_Section", bound=BaseModel)


def unserved_anyway(values: Json) -> Iterator[tuple[Location, str]]:
    """The places that name a model which is not there, and the names; of sections with mistakes nothing is said.

    A model with a mistake is there. Of `provider/model` nothing is said either: it may stand in such a model.
    """
    sections = as_object(values)
    models = Routes([Route(name, ()) for name in _names(sections.get("model_list"))], None)
    router = _read(RouterSettings, sections.get("router_settings"))
    litellm = _read(LiteLLMSettings, sections.get("litellm_settings"))
    named = [*names_in("router_settings", router), *names_in("litellm_settings", litellm), *_default(sections.get("server"))]
    found = unserved(models, rules_of(router, models), named)
    yield from ((location, name) for location, name in found if "/" not in name)


def _names(entries: Json) -> Sequence[str]:
    each = (as_object(entry).get("model_name") for entry in entries) if isinstance(entries, list) else ()
    return [name for name in each if isinstance(name, str)]


def _read(kind: type[_Section], section: Json) -> _Section:
    try:
        return kind.model_validate(section or {})
    except ValidationError:
        return kind()


def _default(server: Json) -> Iterator[tuple[Location, str]]:
    name = as_object(server).get("default_model")
    if isinstance(name, str):
        yield ("server", "default_model"), name
