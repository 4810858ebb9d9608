"""`image_edit` and `aimage_edit`: LiteLLM's signature, and `stream`.

Each opens an editor for its one call; whoever edits often keeps an `Editor` open. Source of names and order: LiteLLM 1.106
(`litellm/images/main.py`).
"""

import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from typing import Any, Literal, TypeAlias, overload

from streamedit.sdk.blocking import Editor
from streamedit.sdk.editor import AsyncEditor
from streamedit.sdk.models import ImageEditEvent, ImagesResponse
from streamedit.sdk.pictures import Pictures
from streamedit.sdk.streams import AsyncStream, Stream

_Fields: TypeAlias = Mapping[str, Any] | None
_EDITORS = ("config", "log", "environ")
"""What is said of the editor, and not of the edit."""


@overload
def image_edit(
    image: Pictures = ..., prompt: str | None = ..., model: str | None = ..., *, stream: Literal[True], **kwargs: Any
) -> Stream: ...


@overload
def image_edit(
    image: Pictures = ...,
    prompt: str | None = ...,
    model: str | None = ...,
    mask: Pictures = ...,
    n: int | None = ...,
    quality: str | None = ...,
    response_format: str | None = ...,
    size: str | None = ...,
    user: str | None = ...,
    extra_headers: _Fields = ...,
    extra_query: _Fields = ...,
    extra_body: _Fields = ...,
    timeout: float | None = ...,
    custom_llm_provider: str | None = ...,
    *,
    stream: Literal[False] | None = ...,
    config: str | os.PathLike[str] | None = ...,
    **kwargs: Any,
) -> ImagesResponse: ...


@overload
def image_edit(
    image: Pictures = ..., prompt: str | None = ..., model: str | None = ..., *, stream: bool | None, **kwargs: Any
) -> ImagesResponse | Stream: ...


def image_edit(  # noqa: PLR0913, PLR0917 - LiteLLM's
    image: Pictures = None,
    prompt: str | None = None,
    model: str | None = None,
    mask: Pictures = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    user: str | None = None,
    extra_headers: _Fields = None,
    extra_query: _Fields = None,
    extra_body: _Fields = None,
    timeout: float | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImagesResponse | Stream:
    """One edit, made in this process: its pictures, or with `stream=True` its events as they come. Blocks.

    `image`, `mask`: as `Picture` has it. `config`: a YAML file of a server's. `model`: one of the configuration, or LiteLLM's
    name of any (`gemini/gemini-2.5-flash-image`), with a key from the environment or in `api_key`. `timeout`: seconds for each
    call of a provider. `response_format="url"` gives files. What has no name here goes to the provider, which may refuse it.
    Raises APIError.
    """
    said = locals()
    editor, said = _parted({**said.pop("kwargs"), **said})
    if said.pop("stream", None):
        return Stream(_events(editor, said))
    with Editor(**editor) as opened:
        return opened.edit(**said)


@overload
async def aimage_edit(
    image: Pictures = ..., prompt: str | None = ..., model: str | None = ..., *, stream: Literal[True], **kwargs: Any
) -> AsyncStream: ...


@overload
async def aimage_edit(
    image: Pictures = ...,
    prompt: str | None = ...,
    model: str | None = ...,
    mask: Pictures = ...,
    n: int | None = ...,
    quality: str | None = ...,
    response_format: str | None = ...,
    size: str | None = ...,
    user: str | None = ...,
    extra_headers: _Fields = ...,
    extra_query: _Fields = ...,
    extra_body: _Fields = ...,
    timeout: float | None = ...,
    custom_llm_provider: str | None = ...,
    *,
    stream: Literal[False] | None = ...,
    config: str | os.PathLike[str] | None = ...,
    **kwargs: Any,
) -> ImagesResponse: ...


@overload
async def aimage_edit(
    image: Pictures = ..., prompt: str | None = ..., model: str | None = ..., *, stream: bool | None, **kwargs: Any
) -> ImagesResponse | AsyncStream: ...


async def aimage_edit(  # noqa: PLR0913, PLR0917 - LiteLLM's
    image: Pictures = None,
    prompt: str | None = None,
    model: str | None = None,
    mask: Pictures = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    user: str | None = None,
    extra_headers: _Fields = None,
    extra_query: _Fields = None,
    extra_body: _Fields = None,
    timeout: float | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImagesResponse | AsyncStream:
    """As `image_edit`, without blocking. Who cancels it cancels the provider's call."""
    said = locals()
    editor, said = _parted({**said.pop("kwargs"), **said})
    if said.pop("stream", None):
        return await AsyncStream.opened(_async_events(editor, said))
    async with AsyncEditor(**editor) as opened:
        return await opened.edit(**said)


def _parted(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of the editor, and of the edit."""
    editor = {name: said[name] for name in _EDITORS if name in said}
    return editor, {name: value for name, value in said.items() if name not in editor}


def _events(editor: Mapping[str, Any], said: Mapping[str, Any]) -> Generator[ImageEditEvent]:
    with Editor(**editor) as opened:
        yield from opened.events(said)


async def _async_events(editor: Mapping[str, Any], said: Mapping[str, Any]) -> AsyncGenerator[ImageEditEvent]:
    async with AsyncEditor(**editor) as opened, aclosing(opened.events(said)) as events:
        async for event in events:
            yield event
