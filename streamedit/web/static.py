"""Pages and the files that they are made of, as browsers may have them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

PAGES = Path(__file__).parent / "pages"

_BARRED = {
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def guarded(images: str = "'self' data:") -> Mapping[str, str]:
    """Headers for a page that runs nothing but its own files, and is shown in no other page. `images`: whence it shows them."""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src {images}",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {"content-security-policy": "; ".join(policy), **_BARRED}


def page(name: str, guards: Mapping[str, str]) -> Response:
    """A page, which is not kept."""
    return FileResponse(PAGES / name, headers={**guards, "cache-control": "no-store"})


class Assets(StaticFiles):
    """What pages are made of. To be kept, and asked for again by its etag: a page never meets the files of another version."""

    def __init__(self) -> None:
        super().__init__(directory=PAGES)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        answer.headers.update({**guarded(), "cache-control": "no-cache"})
        return answer
