"""What a server says of itself: its models, its health, its metrics, its API."""

from collections.abc import Collection, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit import routes
from streamedit.errors import Forbidden, ShuttingDown
from streamedit.events import Json
from streamedit.gateway import Gateway
from streamedit.parties import Principal
from streamedit.permissions import may_ask
from streamedit.telemetry import Telemetry
from streamedit.web.answers import error_answer, json_answer
from streamedit.web.auth import Door
from streamedit.web.openapi import document
from streamedit.wire import bodies


def _may_ask(model: routes.Route, principal: Principal) -> bool:
    return may_ask((model.model, model.pattern), frozenset(target.provider for target in model.targets), principal)


class SystemRoutes:
    """The handlers of the routes beside the edits."""

    def __init__(
        self, gateway: Gateway, door: Door, telemetry: Telemetry, started_at_s: int, metrics_keys: Collection[str]
    ) -> None:
        self._gateway = gateway
        self._door = door
        self._telemetry = telemetry
        self._started_at_s = started_at_s
        self._metrics_keys = metrics_keys
        self._openapi = document()

    def routes(self) -> list[Route]:
        return [
            Route("/v1/models", self.models),
            Route("/models", self.models),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
        ]

    async def models(self, request: Request) -> Response:
        """OpenAI's list, each model with its first target's provider and what that can do."""
        principal = await self._door.authenticate(request)
        known = self._gateway.routes
        listed = [self._model(name) for name in known.names if _may_ask(known.find(name), principal)]
        return json_answer({"object": "list", "data": listed})

    def _model(self, name: str) -> Mapping[str, Json]:
        provider, capabilities = self._gateway.provider_of(name)
        is_default = name == self._gateway.routes.default_model
        told = bodies.model_object(name, provider, capabilities.described(), is_default=is_default)
        return {**told, "created": self._started_at_s}

    async def live(self, _: Request) -> Response:
        return json_answer({"status": "live"})

    async def ready(self, _: Request) -> Response:
        if not self._gateway.is_ready:
            return error_answer(ShuttingDown("The server is not ready.").detail)
        return json_answer({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """What everybody has done and spent: for master keys, and for those that the configuration names."""
        principal = await self._door.authenticate(request)
        if principal.key is not None and principal.id not in self._metrics_keys:
            raise Forbidden("This key may not read the metrics.", code="master_key_required")
        return Response(self._telemetry.exposition(), media_type="text/plain; version=0.0.4")

    async def openapi(self, _: Request) -> Response:
        return json_answer(self._openapi)
