"""Requests of Portkey's clients: their headers, the plan that they ask for, and what their answers tell."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request

from streamedit.edits import EditRequest
from streamedit.portkey import headers, plans
from streamedit.portkey.configs import Config
from streamedit.portkey.headers import Asked
from streamedit.portkey.offers import Offers
from streamedit.routing import Plan
from streamedit.web.auth import Door


@dataclass(frozen=True, slots=True)
class Portkey:
    """`offers`: what its callers may use. `stored`: the configs that this server has under names."""

    door: Door
    offers: Offers
    stored: Mapping[str, Config]

    async def asked(self, request: Request) -> Asked | None:
        """What a request's headers say; None where there are none of Portkey's. Raises InvalidRequest, StoreUnavailable."""
        return headers.read(request.headers, await self.door.foreign_key(request), self.stored)

    def planned(self, asked: Asked | None, request: Request, edit: EditRequest) -> tuple[EditRequest, Plan | None]:
        """The edit with its caller's wishes, and the plan of its caller; None for its model's own. Raises CallerError."""
        if asked is None:
            return edit, None
        edit = _as_documented(replace(edit, wishes=asked.wished(edit.wishes)))
        config = asked.config_of(edit)
        if config is None:
            return edit, None
        edit = replace(edit, wishes=replace(edit.wishes, config=config.maker))
        passed = headers.forwarded(request.headers, headers.listed_in(config))
        situation = plans.Situation(edit, asked.metadata, request.url.path, passed, random.random)
        return edit, plans.plan(config, self.offers, situation)


def _as_documented(edit: EditRequest) -> EditRequest:
    """`response_format` is `url` by itself. Source: Portkey's "Image Edits", which knows dall-e-2 alone.

    Whoever names a model wants what that has by itself: those after it have base64.
    """
    if edit.model is not None or edit.options.response_format is not None:
        return edit
    return replace(edit, options=replace(edit.options, response_format="url"))
