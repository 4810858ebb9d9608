"""A call's arguments -> the edit that it asks for, and what it says of where that is to be made.

The fields are read as those of a form are over HTTP, by the same code: what is refused there is so here, in the same words.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.litellm_file.sections import ModelParams
from streamedit.providers import CATALOGUE
from streamedit.sdk import pictures
from streamedit.wire import wishes
from streamedit.wire.forms import File, Text, assembled
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.nested import flatten
from streamedit.wire.schemas import EditFields

_PICTURES = ("image", "mask", "markup")
_OTHER_NAMES = {"base_url": "api_base", "max_retries": "num_retries"}
"""OpenAI's package's, and those that go with them in LiteLLM."""

_UNSUPPORTED = ("extra_query", "litellm_credential_name")
_BOOKKEEPING = frozenset({"logger_fn", "verbose", "no-log", "caching", "cache", "client", "shared_session", "extra_body"})
_LITELLMS = "litellm_"
"""What LiteLLM's callers say of its logs, caches and clients: nothing of a picture, and nothing here."""

_ACCOUNTS = ("aws_", "azure_", "vertex_")
_CREDENTIALS = frozenset(name for entry in CATALOGUE.values() for name in entry.setup.environment)


@dataclass(frozen=True, slots=True)
class Arguments:
    """`params`: of a deployment, by LiteLLM's names (`api_key`, `api_base`, `drop_params` ...); `fields`: all others."""

    fields: Mapping[str, Any]
    params: Mapping[str, Any]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Arguments":
        """What is None was not said. Raises InvalidRequest for what has no meaning anywhere."""
        said = {**said, **(said.get("extra_body") or {})}
        if unsupported := next((name for name in _UNSUPPORTED if said.get(name)), None):
            told = f"{unsupported} is not supported here."
            raise InvalidRequest(told, param=unsupported, code="unsupported_parameter")
        ignored = {name for name in said if name in {*_BOOKKEEPING, *_UNSUPPORTED} or name.startswith(_LITELLMS)}
        named = {_OTHER_NAMES.get(name, name): value for name, value in said.items() if name not in ignored}
        given = {name: value for name, value in named.items() if value is not None}
        if "timeout" in given:
            # OpenAI's package has httpx's, which has several.
            given["timeout"] = getattr(given["timeout"], "read", given["timeout"])
        params = {name: value for name, value in given.items() if _is_of_deployment(name)}
        return cls({name: value for name, value in given.items() if name not in params}, params)

    def request(self, limits: BodyLimits) -> EditRequest:
        """The edit; the caller closes it. Runs in a thread: it reads files. Raises CallerError, StorageFull."""
        texts = [pair for name, value in self.fields.items() for pair in _texts(name, value)]
        files: list[File] = []
        with ExitStack() as undo:
            for name, param, picture in self._pictures():
                image = pictures.opened(picture, param, limits)
                undo.callback(image.upload.close)
                files.append((name, image))
            request = assembled(texts, files, limits)
            undo.pop_all()
        return request

    def _pictures(self) -> Iterator[tuple[str, str, pictures.Picture]]:
        """Each with its field's name, and with how it is called."""
        for name, value in self.fields.items():
            if name in _PICTURES or _are_files(value):
                each = pictures.listed(value)
                yield from ((name, name if len(each) == 1 else f"{name}[{at}]", one) for at, one in enumerate(each))


def _is_of_deployment(name: str) -> bool:
    if name in EditFields.model_fields:
        return False
    return name in ModelParams.model_fields or name in _CREDENTIALS or name.startswith(_ACCOUNTS)


def _are_files(value: object) -> bool:
    return pictures.is_file(value) or (isinstance(value, list) and bool(value) and all(map(pictures.is_file, value)))


def _texts(name: str, value: object) -> Sequence[Text]:
    """A field as a form has it; none for pictures."""
    if name in _PICTURES or _are_files(value):
        return ()
    try:
        text = json.dumps(value)
    except (TypeError, ValueError) as error:
        told = f"{name} cannot be sent: {type(value).__name__} is no JSON."
        raise InvalidRequest(told, param=name, code="invalid_type") from error
    if not isinstance(value, dict | list | tuple) or name not in EditFields.model_fields:
        return flatten(name, json.loads(text))
    if not wishes.is_wish(name):
        raise InvalidRequest(f"{name} must be a text, a number or a boolean.", param=name, code="invalid_type")
    return [(name, text)]
