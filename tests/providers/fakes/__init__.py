"""The providers' documented APIs, played by a local server: each fake checks what it is asked, field by field.

A module here for each provider, with its `FAKES`; the contract suite runs over all of them.
"""

import base64
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image
from upstreams import END, Asked, Hang, Script, chunk, head, json_answer

from streamedit.targets import Target

KEY = "sk-secret-of-the-provider-0123456789"
"""What the fake wants to see, and nobody else."""

COLOURS = ((200, 30, 30), (30, 160, 60), (40, 60, 210), (220, 200, 40))
"""Of the pictures that a fake makes, in turn."""


class Outcome(StrEnum):
    """How a call ends."""

    OK = "ok"
    BLOCKED = "blocked"
    """The provider's moderation, in the form in which it is hardest to see: with a 200 where the provider has one."""
    EMPTY = "empty"
    """A 200 without a picture."""
    GARBAGE = "garbage"
    """A 200 that is no answer at all."""
    REFUSED = "refused"
    """A 400 of the provider's own, which quotes the key."""
    UNAUTHORIZED = "unauthorized"
    BUSY = "busy"
    """A 429 with `retry-after: 7`."""
    DOWN = "down"
    """A 503."""
    SILENT = "silent"
    """The request is taken, and nothing follows."""


class Fake(ABC):
    """One model of one provider, as its documentation has it."""

    name: ClassVar[str]
    """As a configuration writes it: `provider/model`."""
    fields: ClassVar[Mapping[str, str]] = {}
    """What a request to it needs beside an image and a prompt."""
    images: ClassVar[int] = 1
    """How many images a request to it needs."""
    files: ClassVar[Sequence[str]] = ()
    """Names of further files that a request to it needs."""
    params: ClassVar[Mapping[str, object]] = {}
    """What its configuration needs."""
    refuses: ClassVar[Mapping[str, str]] = {}
    """Fields that it must refuse, each with a value."""
    takes_mask: ClassVar[bool] = False
    needs_mask: ClassVar[bool] = False
    """Whether it takes no request without one."""
    partial_images: ClassVar[int] = 0
    """How many interim images it shows when two are asked for."""
    outcomes: ClassVar[Sequence[Outcome]] = tuple(Outcome)
    """What can happen to a call of it."""

    def __init__(self) -> None:
        self.outcome: Outcome = Outcome.OK
        self.url = ""
        self.made = 0

    def target(self) -> Target:
        """Where the fake is."""
        provider, _, model = self.name.partition("/")
        return Target(provider, model, KEY, self.url, self.params)

    def answer(self, asked: Asked) -> Script:
        """The script for a request; a 418 with the words of the check that failed for one that the API would not take."""
        try:
            self.check(asked)
            answer: Script = getattr(self, self.outcome.value)(asked)
            return answer
        except AssertionError as error:
            return [json_answer({"error": {"message": f"{self.name}: {error}", "code": "fake_check"}}, "418 I'm a teapot")]

    @abstractmethod
    def check(self, asked: Asked) -> None:
        """Assert that the API would take the request: its path, its headers, its fields and their values."""

    @abstractmethod
    def ok(self, asked: Asked) -> Script: ...

    def blocked(self, asked: Asked) -> Script:
        raise NotImplementedError

    def empty(self, asked: Asked) -> Script:
        raise NotImplementedError

    def garbage(self, _: Asked) -> Script:
        """Not JSON, with the media type of JSON."""
        return [head("application/json") + chunk(b"<html>oops</html>") + END]

    @abstractmethod
    def refused(self, asked: Asked) -> Script:
        """With the words "bad request of" and the key."""

    @abstractmethod
    def unauthorized(self, asked: Asked) -> Script: ...

    @abstractmethod
    def busy(self, asked: Asked) -> Script: ...

    @abstractmethod
    def down(self, asked: Asked) -> Script: ...

    def silent(self, _: Asked) -> Script:
        """Nothing, until the other side leaves."""
        return [Hang()]

    @abstractmethod
    def images_of(self, asked: Asked) -> list[bytes]:
        """The images of a request as the provider reads them."""

    def mask_of(self, asked: Asked) -> Image.Image:
        """The mask of a request as the provider reads it: white where it edits."""
        raise NotImplementedError

    def filenames_of(self, asked: Asked) -> list[str]:
        """The names of the images of a request; empty where the API has no names for them."""
        return []

    def is_edit(self, asked: Asked) -> bool:
        """Whether this request begins an edit; not so a look at one that runs, or a download."""
        return asked.method == "POST"

    def picture(self) -> bytes:
        """The next picture that the provider makes, 64x48 pixels of one colour."""
        self.made += 1
        return png(COLOURS[(self.made - 1) % len(COLOURS)])


def png(colour: tuple[int, int, int], size_px: tuple[int, int] = (64, 48)) -> bytes:
    """A plain picture."""
    buffer = BytesIO()
    Image.new("RGB", size_px, colour).save(buffer, "PNG")
    return buffer.getvalue()


def decoded(data: bytes | str) -> Image.Image:
    """The picture in a file, or in its base64."""
    image = Image.open(BytesIO(base64.b64decode(data, validate=True) if isinstance(data, str) else data))
    image.load()
    return image


def b64(data: bytes) -> str:
    """Base64 text."""
    return base64.b64encode(data).decode()


def of_data_url(url: str) -> bytes:
    """The content of a data URL, which must be in base64 and of an image type."""
    matched = re.fullmatch(r"data:image/(png|jpeg|webp);base64,(.+)", url, re.DOTALL)
    assert matched, f"not a data URL of an image: {url[:40]}"
    return base64.b64decode(matched[2], validate=True)


def body_of(asked: Asked) -> dict[str, Any]:
    """The JSON of a request."""
    assert asked.headers["content-type"] == "application/json", asked.headers["content-type"]
    value = json.loads(asked.body)
    assert isinstance(value, dict)
    return value


def check_only(given: Iterable[str], allowed: Iterable[str]) -> None:
    """Nothing is sent that the API does not know."""
    unknown = set(given) - set(allowed)
    assert not unknown, f"unknown fields {sorted(unknown)}"


def fakes() -> list[type[Fake]]:
    """Every fake there is."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return [fake for name in names for fake in import_module(f"providers.fakes.{name}").FAKES]
