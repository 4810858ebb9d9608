"""The dialect's schemas: the models that validate requests also draw `/openapi.json`, beside those of the answers.

Source: OpenAI's API reference of `POST /v1/images/edits` (parameters, ranges, `ImagesResponse`, `ErrorResponse`, events).
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from streamedit.wire.wishes import WishFields

MAX_PROMPT_CHARS = 32_000
MAX_IMAGES = 16
NO_IMAGE = "no_image"
"""The type of the mistake that an image reference names no image."""


def _blank_is_absent(value: object) -> object:
    """Forms cannot send null: clients leave the field empty, or write the word."""
    return None if value in ("", "null") else value


_Absent = BeforeValidator(_blank_is_absent)
_Text: TypeAlias = Annotated[str | None, _Absent]
_Flag: TypeAlias = Annotated[bool | None, _Absent]


class EditFields(WishFields):
    """The parameters of an edit beside its images. Fields that are not named here are kept and passed on."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS, description="What to change.")
    model: _Text = Field(None, description="A model of this server (`/v1/models`); its default model when absent.")
    n: Annotated[Annotated[int, Field(ge=1, le=10)] | None, _Absent] = Field(None, description="How many images.")
    size: _Text = Field(None, description="`WIDTHxHEIGHT` in pixels, or `auto`.")
    quality: _Text = None
    background: _Text = Field(None, description="`transparent`, `opaque` or `auto`.")
    output_format: _Text = Field(None, description="`png`, `jpeg`, `webp`, and what else the model can make.")
    output_compression: Annotated[Annotated[int, Field(ge=0, le=100)] | None, _Absent] = Field(
        None, description="Percent, for jpeg and webp."
    )
    input_fidelity: _Text = None
    moderation: _Text = None
    response_format: _Text = None
    stream: _Flag = Field(None, description="Answer with server-sent events.")
    partial_images: Annotated[Annotated[int, Field(ge=0, le=3)] | None, _Absent] = Field(
        None, description="Interim images to show while streaming."
    )
    user: _Text = None
    safety_identifier: _Text = None


def _unwrapped(url: object) -> object:
    """Who writes chats writes `{"url": ...}`."""
    return url["url"] if isinstance(url, dict) and set(url) == {"url"} else url


class ImageReference(BaseModel):
    """An input image in a JSON body: exactly one of `image_url` and `file_id`. xAI's clients write `url`, beside a `type`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"image_url": "https://example.com/input.png"}, {"file_id": "file-abc123"}]},
    )

    image_url: Annotated[str | None, BeforeValidator(_unwrapped)] = Field(
        None,
        validation_alias=AliasChoices("image_url", "url"),
        description="An http(s) or data URL.",
        examples=["https://example.com/input.png", "data:image/png;base64,iVBORw0KGgo="],
    )
    file_id: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="Of a file uploaded to `/v1/files`."
    )
    type: Literal["image_url"] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImageReference":
        if self.image_url is None and self.file_id is None:
            raise PydanticCustomError(NO_IMAGE, "image_url is required")
        if self.image_url is not None and self.file_id is not None:
            raise ValueError("give exactly one of image_url and file_id")
        return self


def _listed(images: object) -> object:
    """xAI's clients write one image without a list around it; null is as good as none."""
    if isinstance(images, dict):
        return [images]
    return [] if images is None else images


_References: TypeAlias = Annotated[list[ImageReference], BeforeValidator(_listed)]


class EditBody(EditFields):
    """A JSON request: the fields, and the images by reference; `image` is taken for `images`."""

    images: _References = Field(min_length=1, max_length=MAX_IMAGES, validation_alias=AliasChoices("images", "image"))
    mask: ImageReference | None = None
    markup: ImageReference | None = None


class EditForm(EditFields):
    """A multipart request: the fields, and the images as files. `image[]` stands for `image` where there are several."""

    image: list[bytes] = Field(min_length=1, max_length=MAX_IMAGES, description="PNG, JPEG or WebP, 50 MB each.")
    mask: bytes | None = Field(None, description="A PNG of the first image's size; edited where it is transparent.")
    markup: bytes | None = None


class TokenDetails(BaseModel):
    """Tokens by kind."""

    text_tokens: int
    image_tokens: int


class UsageFields(BaseModel):
    """What the provider counted."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: TokenDetails
    output_tokens_details: TokenDetails | None = None


class ImageItem(BaseModel):
    """One image of an ImagesResponse."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class ImagesResponse(BaseModel):
    """The answer to a call that does not stream."""

    created: int
    data: list[ImageItem]
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None
    usage: UsageFields | None = None


class ImageEvent(BaseModel):
    """What both kinds of image event say. `image_index` is there when the edit makes several images."""

    b64_json: str
    created_at: int
    size: str
    quality: str
    background: str
    output_format: str
    image_index: int | None = None


class PartialImageEvent(ImageEvent):
    """`event: image_edit.partial_image`."""

    type: Literal["image_edit.partial_image"]
    partial_image_index: int


class CompletedEvent(ImageEvent):
    """`event: image_edit.completed`: one for each image."""

    type: Literal["image_edit.completed"]
    usage: UsageFields


class EdensFields(BaseModel):
    """What Eden AI's route tells beside OpenAI's fields. `cost`: dollars, null where no price is known."""

    cost: float | None
    provider: str | None


class EdensResponse(ImagesResponse, EdensFields):
    """The answer of Eden AI's route to a call that does not stream."""


class EdensCompletedEvent(CompletedEvent, EdensFields):
    """The same event on Eden AI's route."""


class ErrorFields(BaseModel):
    """What went wrong; all four keys are always there."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorFields


class ErrorEvent(BaseModel):
    """`event: error`: the stream ends without all of its images."""

    type: Literal["error"]
    error: ErrorFields


class EditObject(BaseModel):
    """An edit as a resource. `events_url` is for an EventSource; `expires_at` is there once the edit has ended."""

    id: str
    object: Literal["image.edit"]
    status: Literal["queued", "in_progress", "completed", "failed", "cancelled"]
    created_at: int
    model: str
    events_url: str
    expires_at: int | None
    error: ErrorFields | None
    usage: UsageFields | None
    result: ImagesResponse | None
