"""What is asked: an `EditRequest`, and the `Edit` that it becomes."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from streamedit.uploads import Upload


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image is that a request only names: at an http(s) URL, or among its caller's files. One of both is given.

    `param`: how the request names it (`images[0].image_url`).
    """

    param: str
    url: str | None = field(default=None, repr=False)
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class InputImage:
    """One input image, undecoded, as the client named and typed it.

    `reference`: of an image that is only named; then the upload is empty until it has been brought in.
    """

    upload: Upload
    filename: str
    media_type: str
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class EditOptions:
    """OpenAI's optional parameters; None where the client did not give one.

    `partial_images` is 0-3, `n` 1-10, `output_compression` 0-100 (percent).
    """

    n: int | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    input_fidelity: str | None = None
    moderation: str | None = None
    response_format: str | None = None
    partial_images: int | None = None
    user: str | None = None
    safety_identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller wants a request to be handled, beside what it asks for; nothing of it goes to a provider but `headers`.

    `fallbacks`: models that take over, in order, instead of the configured ones. `retries`: as in a route's policy.
    `timeout_s`: for each call. `tags`: which choose among targets. `metadata`, `trace_id`: the caller's own. `keepalive_s`:
    after how much silence a plain answer is begun. `config`: a plan of the caller's own, in words without its keys. `end_user`:
    whom a header names, where the configuration has one for that.
    """

    fallbacks: tuple[str, ...] | None = None
    retries: int | None = None
    timeout_s: float | None = None
    tags: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    trace_id: str | None = None
    keepalive_s: float | None = None
    config: str = field(default="", repr=False)
    end_user: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The caller's own span, of which a request is a part (W3C Trace Context): ids in lower-case hexadecimal digits.

    `flags`: of its bits the lowest says that the caller keeps the trace. `state`: what tracing systems have to say, verbatim.
    """

    trace_id: str
    span_id: str
    flags: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One validated request to edit images.

    `model` is what the client sent, None when it left the choice to us. `extra` holds the fields that this server does not
    know, as (name, text) in their order: they travel on verbatim; `extra_files` likewise. The mask applies to the first image;
    where it is fully transparent the image is to be edited (OpenAI). `image_index`: which of the edit's n images a call is to
    make, when each call makes one. `parent`, `base_url`: nothing of it goes to a provider; where the caller has reached this
    server, for addresses that it is told.
    """

    prompt: str
    images: tuple[InputImage, ...]
    model: str | None = None
    stream: bool = False
    options: EditOptions = EditOptions()
    mask: InputImage | None = None
    markup: InputImage | None = None
    extra: tuple[tuple[str, str], ...] = ()
    extra_files: tuple[tuple[str, InputImage], ...] = ()
    image_index: int = 0
    wishes: Wishes = Wishes()
    parent: TraceParent | None = None
    base_url: str = ""

    @property
    def n(self) -> int:
        return self.options.n or 1

    @property
    def end_user(self) -> str | None:
        """The caller's own user for whom it asks, by the caller's name."""
        return self.wishes.end_user or self.options.safety_identifier or self.options.user or None

    @property
    def partial_images(self) -> int:
        """How many interim images the client wants to see: none unless it streams."""
        return (self.options.partial_images or 0) if self.stream else 0

    def single(self, image_index: int) -> "EditRequest":
        """The same request for one image: number `image_index` of the edit's n."""
        return replace(self, image_index=image_index, options=replace(self.options, n=None))

    def files(self) -> Iterator[InputImage]:
        """Every upload that the request carries."""
        return (image for _, image in self.named_files())

    def named_files(self) -> Iterator[tuple[str, InputImage]]:
        """The same, each with its parameter."""
        yield from (("image", image) for image in self.images)
        yield from ((name, image) for name, image in (("mask", self.mask), ("markup", self.markup)) if image is not None)
        yield from self.extra_files

    def references(self) -> Iterator[Reference]:
        """What the request only names, in the order of `files`."""
        yield from (image.reference for image in self.files() if image.reference is not None)

    def close(self) -> None:
        """Give back what the uploads hold. Idempotent. Takes milliseconds when much `is_on_disk`."""
        for image in self.files():
            image.upload.close()

    @property
    def is_on_disk(self) -> bool:
        """Something was too large for memory."""
        return any(image.upload.is_on_disk for image in self.files())


@dataclass(frozen=True, slots=True)
class Edit:
    """One accepted edit. `model` is the name that the client is answered with; `created_at_s` is Unix time.

    `owner`: the id of the principal who asked for it, and who alone may read it.
    """

    id: str
    model: str
    created_at_s: int
    owner: str
    n: int = 1


def new_edit_id() -> str:
    """`edit_` and 128 random bits: not to be guessed."""
    return f"edit_{secrets.token_hex(16)}"
