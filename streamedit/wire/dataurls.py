"""data: URLs (RFC 2397, and the URL standard's reading of them) with images in base64, as JSON requests carry them."""

import re
from collections.abc import Mapping

import pybase64

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest
from streamedit.uploads import Upload

_HEAD = re.compile(r"data:((?:(?!; *base64).)*); *base64", re.ASCII | re.IGNORECASE | re.DOTALL)
_PIECE_CHARS = 1 << 20
"""Decoded at a time: a long decode would hold the interpreter from other threads."""


class Base64Decoder:
    """Base64 that comes in pieces (RFC 4648, section 4): strict, and the same however it is cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_padded = False

    def decode(self, text: bytes) -> bytes:
        """What can be told by now. Raises ValueError for what is no base64, and for anything behind its padding."""
        text = self._rest + text
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        return self._decode_groups(text[:whole])

    def end(self) -> None:
        """Nothing follows. Raises ValueError when the last group of four is not whole."""
        if self._rest:
            raise ValueError("the last group of four is not whole")

    def _decode_groups(self, text: bytes) -> bytes:
        if not text:
            return b""
        padding = text.find(b"=")
        if self._is_padded or 0 <= padding < len(text) - 2:
            raise ValueError("something follows the padding")
        self._is_padded = padding >= 0
        return pybase64.b64decode(text, validate=True)


def decode(url: str, param: str, inlaid: Mapping[str, Upload]) -> InputImage:
    """The image in a data URL. Of one whose base64 is a key of `inlaid` it has been decoded already. Runs in a thread.

    Raises InvalidRequest naming `param` for any other URL and for broken base64.
    """
    head, comma, text = url.partition(",")
    if head[:5].lower() != "data:":
        raise InvalidRequest(f"{param} must be an http(s) or data URL.", param=param, code="unsupported_image_url")
    said = _HEAD.fullmatch(head)
    if not comma or said is None:
        raise InvalidRequest(f"{param} must be a data URL in base64.", param=param, code="invalid_data_url")
    upload = inlaid[text] if text in inlaid else _decoded(text, param)
    return InputImage(upload, "image", said[1] or "application/octet-stream")


def broken(param: str) -> InvalidRequest:
    """The error that a data URL's base64 is none."""
    return InvalidRequest(f"{param} is not valid base64.", param=param, code="invalid_data_url")


def _decoded(text: str, param: str) -> Upload:
    upload, decoder = Upload(), Base64Decoder()
    try:
        for start in range(0, len(text), _PIECE_CHARS):
            upload.feed(decoder.decode(text[start : start + _PIECE_CHARS].encode("ascii")))
        decoder.end()
    except ValueError as error:
        raise broken(param) from error
    return upload
