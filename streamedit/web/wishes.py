"""How a caller wants a request to be handled, where it says that in headers."""

from collections.abc import Mapping

from streamedit.wire.forms import validated
from streamedit.wire.wishes import WishHeaders


def read_headers(headers: Mapping[str, str]) -> WishHeaders:
    """What a request's headers say. Raises InvalidRequest naming the header."""
    return validated(lambda: WishHeaders.model_validate(dict(headers)))
