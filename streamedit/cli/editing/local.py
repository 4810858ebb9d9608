"""Edits in this process: no server is needed."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

from streamedit.cli.editing import Asked, Facts, Heard, InputFile
from streamedit.cli.editing.pictures import picture_of
from streamedit.sdk.calls import aimage_edit
from streamedit.sdk.models import ImageEditCompletedEvent, ImageEditEvent


class Local:
    """Edits as a configuration has them made, without one the environment; see `Maker`."""

    def __init__(self, config: Path | None) -> None:
        self._config = config

    async def events(self, asked: Asked) -> AsyncGenerator[Heard]:
        made: list[ImageEditCompletedEvent] = []
        async with await aimage_edit(**_arguments(asked), stream=True, config=self._config) as stream:
            async for event in stream:
                if isinstance(event, ImageEditCompletedEvent):
                    made.append(event)
                yield picture_of(_fields(event))
        yield _facts(made)


def _arguments(asked: Asked) -> dict[str, Any]:
    return {
        "image": [_file(image) for image in asked.images],
        "prompt": asked.prompt,
        "model": asked.model,
        "mask": None if asked.mask is None else _file(asked.mask),
        "n": asked.n,
        "partial_images": asked.partial_images,
        **asked.fields,
    }


def _file(file: InputFile) -> tuple[str, bytes]:
    return file.name, file.content


def _fields(event: ImageEditEvent) -> dict[str, Any]:
    names = ("type", "b64_json", "image_index", "partial_image_index", "size")
    return {name: event.get(name) for name in names}


def _facts(made: list[ImageEditCompletedEvent]) -> Facts:
    """Of images that were made for themselves each has its price; the costs of those that have none are not known."""
    if not made:
        return Facts()
    costs = [Decimal(str(event.cost_usd)) for event in made if event.cost_usd is not None]
    return Facts(made[0].edit_id, made[0].model, made[0].provider, sum(costs, Decimal()) if costs else None)
