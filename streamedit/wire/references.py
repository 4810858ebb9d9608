"""How a JSON body names an image -> InputImage: what a data URL holds is in it, anything else stays a reference."""

import re
from collections.abc import Mapping

from streamedit.edits import InputImage, Reference
from streamedit.errors import InvalidRequest
from streamedit.uploads import Upload
from streamedit.wire import dataurls
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.schemas import ImageReference

MAX_URL_CHARS = 8192

_WEB = re.compile(r"https?://", re.IGNORECASE)
_NAMED = re.compile(r"\w+://[^/?#]+/(?:[^?#]*/)?([a-z0-9][\w.-]{0,127})(?:[?#].*)?", re.ASCII | re.IGNORECASE | re.DOTALL)


def resolve(named: ImageReference, param: str, inlaid: Mapping[str, Upload], limits: BodyLimits) -> InputImage:
    """The image that the parameter `param` names; `inlaid` as in `dataurls.decode`. Raises InvalidRequest, TooLarge."""
    if named.file_id is not None:
        return _referred("image", Reference(f"{param}.file_id", file_id=named.file_id))
    image = at_url(named.image_url or "", f"{param}.image_url", inlaid)
    limits.check_image(image.upload.size_bytes, param)
    return image


def at_url(url: str, param: str, inlaid: Mapping[str, Upload]) -> InputImage:
    """What an http(s) URL names, or a data URL holds; `param`: how the request names that. Raises InvalidRequest."""
    return _on_the_web(url, param) if _WEB.match(url) else dataurls.decode(url, param, inlaid)


def _on_the_web(url: str, param: str) -> InputImage:
    if len(url) > MAX_URL_CHARS:
        raise InvalidRequest(f"{param} is longer than {MAX_URL_CHARS} characters.", param=param, code="invalid_value")
    return _referred(_filename(url), Reference(param, url=url))


def _referred(filename: str, reference: Reference) -> InputImage:
    return InputImage(Upload(), filename, "application/octet-stream", reference)


def _filename(url: str) -> str:
    """The last segment of the URL's path where that is a plain name."""
    named = _NAMED.fullmatch(url)
    return named[1] if named else "image"
