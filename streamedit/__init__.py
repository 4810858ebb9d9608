"""streamedit: watch an image edit happen.

`image_edit` and `aimage_edit` make edits in this process, `Editor` and `AsyncEditor` many of them; `streamedit serve` is the
server that does so for others.
"""

from streamedit.documents import ConfigError
from streamedit.errors import EditError
from streamedit.sdk.blocking import Editor
from streamedit.sdk.calls import aimage_edit, image_edit
from streamedit.sdk.editor import AsyncEditor
from streamedit.sdk.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ConflictError,
    ContentPolicyViolationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
    UnprocessableEntityError,
    UnsupportedParamsError,
)
from streamedit.sdk.models import (
    Image,
    ImageEditCompletedEvent,
    ImageEditEvent,
    ImageEditPartialImageEvent,
    ImagesResponse,
    Usage,
)
from streamedit.sdk.pictures import Picture
from streamedit.sdk.streams import AsyncStream, Stream
from streamedit.version import __version__

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncEditor",
    "AsyncStream",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "EditError",
    "Editor",
    "Image",
    "ImageEditCompletedEvent",
    "ImageEditEvent",
    "ImageEditPartialImageEvent",
    "ImagesResponse",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "Picture",
    "RateLimitError",
    "ServiceUnavailableError",
    "Stream",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "Usage",
    "__version__",
    "aimage_edit",
    "image_edit",
]
