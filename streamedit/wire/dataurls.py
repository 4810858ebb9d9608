"""data: URLs (RFC 2397) with images in base64, as JSON requests carry them. Runs in a thread."""

import binascii

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest
from streamedit.uploads import Upload

_PIECE_CHARS = 1 << 20
"""Decoded at a time, a multiple of 4: a long decode would hold the interpreter from other threads."""


def decode(url: str, param: str) -> InputImage:
    """The image in a data URL. Raises InvalidRequest naming `param` for any other URL and for broken base64."""
    if not url.startswith("data:"):
        raise InvalidRequest(f"{param} must be a data URL.", param=param, code="unsupported_image_url")
    head, comma, text = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";base64")
    if not comma or encoding or ";base64" not in head:
        raise InvalidRequest(f"{param} must be a data URL in base64.", param=param, code="invalid_data_url")
    upload = Upload()
    try:
        for start in range(0, len(text), _PIECE_CHARS):
            upload.feed(binascii.a2b_base64(text[start : start + _PIECE_CHARS], strict_mode=True))
    except ValueError as error:
        raise InvalidRequest(f"{param} is not valid base64.", param=param, code="invalid_data_url") from error
    return InputImage(upload, "image", media_type or "application/octet-stream")
