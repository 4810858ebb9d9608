"""What `streamedit edit` asks for, and what it hears of it, wherever the edit is made."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture as it lies on disk."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """One edit. `fields`: further ones as a form has them, OpenAI's and the provider's own."""

    prompt: str = field(repr=False)
    images: tuple[InputFile, ...]
    mask: InputFile | None = None
    model: str | None = None
    n: int = 1
    partial_images: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """A partial image, or a finished one. `index`: of the partial images; `image_index`: which of the edit's n images it is of.

    `size`: as its event says, in pixels (`1024x1024`); None where it does not.
    """

    content: bytes = field(repr=False)
    is_partial: bool
    index: int = 0
    image_index: int = 0
    size: str | None = None

    @property
    def type(self) -> str:
        """OpenAI's name of its event."""
        return "image_edit.partial_image" if self.is_partial else "image_edit.completed"


@dataclass(frozen=True, slots=True)
class Note:
    """Something beside the pictures that whoever watches should know. `type`: for scripts."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an edit after its end; None where it is not known. `cost_usd`: dollars."""

    edit_id: str | None = None
    model: str | None = None
    provider: str | None = None
    cost_usd: Decimal | None = None


Heard: TypeAlias = Picture | Note | Facts
"""Pictures and notes as they come; the facts are the last."""


class Maker(Protocol):
    """Where edits are made."""

    def events(self, asked: Asked) -> AsyncGenerator[Heard]:
        """What comes of an edit. Whoever closes it early, or is cancelled, cancels the edit.

        Raises EditError for an edit that failed, Unreachable.
        """
        ...


class Unreachable(Exception):
    """The server cannot be reached, or not any more."""
