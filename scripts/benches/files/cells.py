"""The ways on which large images come and go, each a function of where it leads and of the images' sizes."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from . import asking, bodies
from .images import FEWER_BYTES, Images

_FILES = "/v1/files"
_EDITS = "/v1/images/edits"


@dataclass(frozen=True)
class Ground:
    """The server's port, the images, and the port of a web server that has them."""

    port: int
    images: Images
    shelf_port: int

    def edit(self, body: bodies.Body) -> bytes:
        return asking.post(self.port, _EDITS, body)

    def ids(self) -> Mapping[int, str]:
        """The server's files, by their size."""
        return {file["bytes"]: file["id"] for file in json.loads(asking.get(self.port, _FILES))["data"]}


@dataclass(frozen=True)
class Cell:
    """`stores`: it begins without files, others find those that were stored before. `settings`: what the server needs."""

    name: str
    run: Callable[[Ground, Sequence[int]], object]
    stores: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)


def asked(sizes: Sequence[int], workload: int = 0) -> Mapping[str, str]:
    """The fields of a plain edit, of which the upstream compares every image."""
    sent = f"images={len(sizes)} bytes={sizes[0]} fewer={FEWER_BYTES}"
    return {"model": "relayed", "prompt": f"workload={workload} {sent} piece=16384, please"}


def _upload(at_once: int, ground: Ground, sizes: Sequence[int]) -> None:
    def upload(size: int) -> None:
        asking.post(ground.port, _FILES, bodies.form({"purpose": "vision"}, "file", [ground.images.image(size)]))

    _each(upload, sizes, at_once)


def _read(ground: Ground, sizes: Sequence[int]) -> None:
    ids = ground.ids()

    def read(size: int) -> None:
        asking.compare(ground.port, f"{_FILES}/{ids[size]}/content", ground.images.image(size))

    _each(read, sizes, len(sizes))


def _each(step: Callable[[int], None], sizes: Sequence[int], at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(step, sizes))


def _edit_form(ground: Ground, sizes: Sequence[int]) -> None:
    ground.edit(bodies.form(asked(sizes), "image[]", [ground.images.image(size) for size in sizes]))


def _edit_json(ground: Ground, sizes: Sequence[int]) -> None:
    ground.edit(bodies.inlined(asked(sizes), [ground.images.base64(size) for size in sizes]))


def _edit_ids(ground: Ground, sizes: Sequence[int]) -> None:
    ids = ground.ids()
    ground.edit(bodies.named(asked(sizes), [{"file_id": ids[size]} for size in sizes]))


def _edit_urls(ground: Ground, sizes: Sequence[int]) -> None:
    base = f"http://127.0.0.1:{ground.shelf_port}"
    ground.edit(bodies.named(asked(sizes), [{"image_url": f"{base}/{size}"} for size in sizes]))


CELLS = (
    Cell("files uploaded, one after the other", partial(_upload, 1), stores=True),
    Cell("files uploaded, 4 at a time", partial(_upload, 4), stores=True),
    Cell("files read, all at a time", _read),
    Cell("an edit, images in a form", _edit_form),
    Cell("an edit, images as data URLs", _edit_json, settings={"max_body_bytes": 2 << 30}),
    Cell("an edit, images by `file_id`", _edit_ids),
    Cell("an edit, images by `image_url`", _edit_urls),
)
