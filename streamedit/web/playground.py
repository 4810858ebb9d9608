"""The playground: a page on which somebody edits a photograph and watches it happen. It is a client like any other."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from streamedit.web.static import Assets, guarded, page

_GUARDS = guarded("'self' data: blob: https:")
"""It shows what its user has chosen, what came out of it, and pictures whose provider tells an address."""


async def _page(_: Request) -> Response:
    """The same for everybody: what it may do, the key that its user gives it decides."""
    return page("playground.html", _GUARDS)


def routes() -> list[BaseRoute]:
    """The page and its files."""
    return [Route("/", _page), Mount("/assets", Assets())]
