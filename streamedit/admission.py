"""Whether an edit may be made; and the permit that it holds while it is.

After its key and its body an edit is judged in this order, and of one that is refused nothing is left behind: the platforms and
models of its key and group (404, 403), whether its end user is blocked (403), the requests and images of the minute and the
room to wait in (429), its budgets, of which the worst case is reserved (429). Then it is an edit: the moderation is asked
(400), it waits for its turn (429 when that does not come), and a provider is called.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import Forbidden, InvalidRequest
from streamedit.limits import RateLimits
from streamedit.moderation import Moderation
from streamedit.parties import EndUser, Party, Principal, Scope, ScopeKind, scope_of
from streamedit.permissions import check_named, left_of, permitted
from streamedit.permits import Permit, Rules, Stores, Tools
from streamedit.pricing import Prices
from streamedit.providers.capabilities import Capabilities, adapted
from streamedit.routing import Plan, Stage
from streamedit.targets import Target
from streamedit.wire.forms import overridden

_MAX_END_USER_CHARS = 512

_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""PostgreSQL knows no NUL, and nobody half a pair."""

_MODEL_FIELDS = frozenset({"image_model"})
"""The Responses API's."""


@dataclass(frozen=True, slots=True)
class Judges:
    """Who knows what an edit may cost, and who what it may show. `capabilities`: of targets, which do not heed every wish."""

    prices: Prices
    moderation: Moderation | None = None
    capabilities: Callable[[Target], Capabilities] = lambda _: Capabilities()


class Admission:
    """Gives permits."""

    def __init__(self, rules: Rules, stores: Stores, judges: Judges, clocks: Clocks) -> None:
        self._rules = rules
        self._registry = stores.registry
        self._judges = judges
        self._tools = Tools(rules, stores, clocks, judges.moderation)

    async def admit(self, edit_id: str, principal: Principal, request: EditRequest, plan: Plan) -> Permit:
        """What a new edit may do. Raises CallerError, StoreUnavailable; then nothing is held."""
        plan = permitted(plan, principal)
        check_named(_models_in(request, plan), principal)
        scopes = await self._scopes(principal, request)
        limited = [scope for scope in scopes if scope.allowance.limits != RateLimits()]
        paid = [scope for scope in scopes if scope.allowance.budgets]
        plan, worst_micros = self._worst_case(plan, request) if paid else (plan, 0)
        permit = Permit(edit_id, plan, _party(principal, request), self._tools)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(permit.close, is_counted=False)
            await permit.enter(limited, request.n)
            await permit.reserve(paid, worst_micros * request.n, is_next=not any(request.references()))
            undo.pop_all()
        return permit

    async def _scopes(self, principal: Principal, request: EditRequest) -> Sequence[Scope]:
        """Raises Forbidden, InvalidRequest, StoreUnavailable."""
        scopes = [Scope(ScopeKind.SERVER, "", self._rules.server)]
        if principal.group is not None:
            scopes.append(scope_of(principal.group))
        if principal.key is not None:
            scopes.append(scope_of(principal.key, self._rules.keys))
        if request.end_user is not None:
            scopes.append(scope_of(await self._end_user(request.end_user), self._rules.end_users))
        return scopes

    async def _end_user(self, name: str) -> EndUser:
        if len(name) > _MAX_END_USER_CHARS:
            told = f"An end user's name has at most {_MAX_END_USER_CHARS} characters."
            raise InvalidRequest(told, param="user", code="string_above_max_length")
        if _NO_TEXT.search(name):
            raise InvalidRequest("An end user's name has no control characters.", param="user", code="invalid_value")
        end_user = await self._registry.end_user(name) or EndUser(name)
        if end_user.is_blocked:
            raise Forbidden("This end user is blocked.", param="user", code="end_user_blocked")
        return end_user

    def _worst_case(self, plan: Plan, request: EditRequest) -> tuple[Plan, int]:
        """The targets of which it is known what an image can cost, and the most that it does, in micro-dollars."""
        told = f"The price of '{plan.model}' is not known here, so that no budget could hold it."
        refusal = Forbidden(told, param="model", code="price_unknown")
        places = ((stage, target) for stage in plan.stages for target in stage.targets)
        known = {(id(stage), id(target)): self._worst_of(stage, target, request) for stage, target in places}
        plan = left_of(plan, lambda stage, target: known[id(stage), id(target)] is not None, refusal)
        return plan, max(micros for micros in known.values() if micros is not None)

    def _worst_of(self, stage: Stage, target: Target, request: EditRequest) -> int | None:
        asked = overridden(request, stage.overrides)
        # Who refuses it costs nothing.
        with suppress(InvalidRequest):
            asked = adapted(asked, self._judges.capabilities(target), target)
        return self._judges.prices.worst_micros(target, asked)


def _models_in(request: EditRequest, plan: Plan) -> Iterator[str]:
    """Those that fields of providers' own name."""
    for stage in plan.stages:
        yield from (text for name, text in overridden(request, stage.overrides).extra if name in _MODEL_FIELDS)


def _party(principal: Principal, request: EditRequest) -> Party:
    group_id = principal.group.id if principal.group else None
    return Party(principal.id, group_id, request.end_user, request.wishes.tags, request.wishes.metadata)
