"""What a file says without an effect here: it is told once, not ignored in silence."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from streamedit.documents import Location
from streamedit.errors import param_path
from streamedit.events import Json, as_object
from streamedit.litellm_file.policies import ALLOWED_KEYS, RETRY_KEYS
from streamedit.litellm_file.sections import (
    Credential,
    Entry,
    GeneralSettings,
    LiteLLMSettings,
    ModelInfo,
    ModelParams,
    RouterSettings,
    shared,
)
from streamedit.targets import Setup

_BUILT_IN = frozenset({"prometheus", "otel"})
"""LiteLLM's callbacks for what this server does by itself."""

_CALLBACKS = ("callbacks", "success_callback", "failure_callback")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A place of the file that has no effect. `name`: what stands there, where its place does not tell."""

    location: Location
    name: str = ""

    def __str__(self) -> str:
        return f"{param_path(self.location)} ({self.name})" if self.name else param_path(self.location)


def told(leftovers: Sequence[Leftover]) -> tuple[str, ...]:
    """Each once: what several entries of `model_list` have in common is told of all of them together."""
    starred = [re.sub(r"^model_list\[\d+\]\.", "model_list[*].", str(each)) for each in leftovers]
    count = Counter(starred)
    return tuple(dict.fromkeys(star if count[star] > 1 else str(each) for each, star in zip(leftovers, starred, strict=True)))


def leftovers(values: Json, sections: type[BaseModel], providers: Mapping[str, Setup]) -> Iterator[Leftover]:
    """All of a file, valid or not. `values`: as it stands there. `sections`: what is read of it."""
    if not isinstance(values, dict):
        return
    yield from _unread(values, sections, ())
    yield from _of_settings(values)
    for index, entry in enumerate(_list(values.get("model_list"))):
        yield from _of_entry(entry, ("model_list", index), providers)
    for index, credential in enumerate(_list(values.get("credential_list"))):
        yield from _unread(credential, Credential, ("credential_list", index))


def _of_entry(value: Json, location: Location, providers: Mapping[str, Setup]) -> Iterator[Leftover]:
    try:
        entry = Entry.model_validate(value, context=providers)
    except ValidationError:
        return
    if not entry.makes_images(providers):
        yield Leftover(location, entry.model_name)
        return
    own = Setup() if entry.litellm_params.model == "*" else providers[entry.litellm_params.place[0]]
    yield from _unread(value, Entry, location)
    unread = _unread(value["litellm_params"], ModelParams, (*location, "litellm_params"))
    yield from (each for each in unread if each.location[-1] not in own.params)
    yield from _unread(value.get("model_info"), ModelInfo, (*location, "model_info"))


def _of_settings(values: Mapping[str, Json]) -> Iterator[Leftover]:
    router, litellm = (as_object(values.get(name)) for name in ("router_settings", "litellm_settings"))
    yield from _unread(values.get("general_settings"), GeneralSettings, ("general_settings",))
    yield from _unread(router, RouterSettings, ("router_settings",))
    yield from _unread(litellm, LiteLLMSettings, ("litellm_settings",))
    yield from (Leftover(("litellm_settings", name)) for name in shared() if litellm.get(name) and router.get(name))
    yield from _of_policy(router.get("retry_policy"), RETRY_KEYS, ("router_settings", "retry_policy"))
    yield from _of_policy(router.get("allowed_fails_policy"), ALLOWED_KEYS, ("router_settings", "allowed_fails_policy"))
    for model, policy in as_object(router.get("model_group_retry_policy")).items():
        yield from _of_policy(policy, RETRY_KEYS, ("router_settings", "model_group_retry_policy", model))
    for name in _CALLBACKS:
        callbacks = litellm.get(name)
        named = [callbacks] if isinstance(callbacks, str) else _list(callbacks)
        yield from (Leftover(("litellm_settings", name), str(each)) for each in named if each not in _BUILT_IN)


def _of_policy(policy: Json, known: frozenset[str], location: Location) -> Iterator[Leftover]:
    return (Leftover((*location, name)) for name in as_object(policy) if name not in known)


def _unread(section: Json, known: type[BaseModel], location: Location) -> Iterator[Leftover]:
    return (Leftover((*location, str(key))) for key in as_object(section) if key not in known.model_fields)


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()
