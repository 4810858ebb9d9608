"""GET /v1/images/results/{name}: a hosted result, for whoever has its signed address, as long as that holds."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit import results
from streamedit.results import Results
from streamedit.web.blobs import Described, blob_answer
from streamedit.web.sse import Answers

_ANYWHERE = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
"""Pages of any origin may show it and read it: they have its address."""

_NEVER_SHOWN = frozenset({"image/svg+xml", "application/octet-stream"})


class ResultRoutes:
    """The handler. `now_s` gives Unix time."""

    def __init__(self, hosted: Results, answers: Answers, now_s: Callable[[], float]) -> None:
        self._results = hosted
        self._answers = answers
        self._now_s = now_s

    def routes(self) -> list[Route]:
        return [Route(f"{results.PATH}/{{name}}", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """The picture, or a range of it."""
        query = request.query_params
        name, expires, signature = request.path_params["name"], query.get("expires", ""), query.get("signature", "")
        result = await self._results.open(name, expires, signature)
        left_s = max(0, int(result.expires_at_s - self._now_s()))
        headers = {**_ANYWHERE, "cache-control": f"private, max-age={left_s}, immutable"}
        is_shown = result.media_type not in _NEVER_SHOWN
        described = Described(result.media_type, result.name, f'"{result.name}"', headers, is_shown)
        return await blob_answer(request, result.blob, described, self._answers)
