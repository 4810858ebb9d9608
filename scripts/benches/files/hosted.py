"""How much longer a plain edit takes when its result is hosted."""

import json
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from scripts.benches.workloads import MEBIBYTE, Stream

from . import asking, bodies
from .cells import Ground, asked
from .images import SMALL_BYTES

STREAM = Stream("hosted", 1, 4 * MEBIBYTE)
"""A result of 3 MiB, before base64."""
_WARM_UP_EDITS = 4


@dataclass(frozen=True)
class Times:
    """ms of edits, one at a time, from the request to the last byte of the answer."""

    told_ms: Sequence[float]
    hosted_ms: Sequence[float]


def measure(ground: Ground, edits: int) -> Times:
    """So many of each, in turn. Raises RuntimeError when what is hosted is not what else is told."""
    told, hosted = (_asking(ground, name) for name in ("b64_json", "url"))
    _check(ground, told(), hosted())
    for _ in range(_WARM_UP_EDITS):
        told(), hosted()
    pairs = [(_timed_ms(told), _timed_ms(hosted)) for _ in range(edits)]
    return Times(*zip(*pairs, strict=True))


def _asking(ground: Ground, response_format: str) -> Callable[[], bytes]:
    fields = {**asked([SMALL_BYTES], workload=1), "response_format": response_format}
    body = bodies.form(fields, "image", [ground.images.image(SMALL_BYTES)])
    return lambda: ground.edit(body)


def _check(ground: Ground, told: bytes, hosted: bytes) -> None:
    url = urlsplit(json.loads(hosted)["data"][0]["url"])
    picture = b64decode(json.loads(told)["data"][0]["b64_json"])
    asking.compare(ground.port, f"{url.path}?{url.query}", memoryview(picture))


def _timed_ms(ask: Callable[[], bytes]) -> float:
    begun_s = time.perf_counter()
    ask()
    return (time.perf_counter() - begun_s) * 1e3
