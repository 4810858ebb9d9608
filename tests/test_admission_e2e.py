"""Limits, budgets and the queue as callers meet them: a real server, a database of each kind, a played provider."""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from accounts import MASTER, Accounts, accounting, at, bearer, budget, limits
from clients import PNG, Answer, get, post
from databases import KINDS, fresh_database
from servers import serving
from upstreams import Asked, Hang, Script, ScriptedUpstream, answer, completed, json_answer

from streamedit.budgets import Spend
from streamedit.keys import digest_of, make_key
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.stores import Spends
from streamedit.targets import Target

PRICE_MICROS = 40_000
PRICE = {"output_cost_per_image": "0.04"}

every_kind = pytest.mark.parametrize("kind", KINDS)


def priced(scripted: ScriptedUpstream, model: str = "gpt-image-2", **params: Any) -> Target:
    """A model at the played provider, with a price for its images."""
    return Target("openai", model, "sk-provider", scripted.url, {**PRICE, **params}, id=model)


def paid(asked: Asked) -> Script:
    """An image, streamed or not."""
    if asked.field("stream") == "true":
        return [answer(completed())]
    return [json_answer({"created": 1, "data": [{"b64_json": "QUJD"}]})]


def spend_of(accounts: Accounts, scope: Scope) -> Spend:
    """What was spent of a scope's only budget."""
    spends: Spends = accounts.server.app.state.equipment.spends
    [spend] = accounts.server.run(lambda: spends.of([scope]))[scope.name]
    return spend


async def many(url: Sequence[str], headers: dict[str, str], count: int) -> list[httpx.Response]:
    """So many edits at once, every other one streamed, on these servers in turn."""
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=count)) as client:

        async def ask(number: int) -> httpx.Response:
            fields = {"prompt": "p", "stream": str(number % 2 == 0).lower()}
            files = {"image": ("photo.png", PNG, "image/png")}
            return await client.post(url[number % len(url)], data=fields, files=files, headers=headers)

        return await asyncio.gather(*(ask(number) for number in range(count)))


@every_kind
def test_a_budget_for_fifty_pays_fifty_of_two_hundred(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """At once, at two servers with one database: fifty are made and paid, the others are 429s, for which nobody was asked."""
    scripted.serve(paid)
    with (
        fresh_database(kind, tmp_path) as url,
        serving(at(url, priced(scripted))) as first,
        serving(at(url, priced(scripted))) as second,
    ):
        accounts = Accounts(first)
        key, headers = accounts.key(allowance=budget(50 * PRICE_MICROS))
        answers = asyncio.run(many([first.edits_url, second.edits_url], headers, 200))
        assert Counter(each.status_code for each in answers) == {200: 50, 429: 150}
        assert len(scripted.asked) == 50
        for refused in (each for each in answers if each.status_code == 429):
            error = Answer.of(refused).error
            assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
            assert "x-edit-id" not in refused.headers
        for server in (first, second):
            server.wait_until_idle()
            assert server.left_behind() == (0, 0)
        spent = Scope(ScopeKind.KEY, key.id, key.allowance)
        first.wait_for(lambda: spend_of(accounts, spent).reserved_micros == 0)
        assert spend_of(accounts, spent).spent_micros == 50 * PRICE_MICROS


def test_a_budget_is_full_until_its_period_ends(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The refusal says when that is, and tells clients not to try again by themselves."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        _, headers = accounts.key(allowance=budget(PRICE_MICROS, "1d"))
        assert post(accounts.server.edits_url, headers=headers).status == 200
        accounts.server.wait_until_idle()
        refused = post(accounts.server.edits_url, headers=headers)
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert refused.headers["x-should-retry"] == "false"


def test_what_costs_less_than_its_worst_case_leaves_room(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The worst case is reserved, the real cost is spent: one after the other there is room for more."""
    scripted.serve(
        lambda _: [
            json_answer(
                {
                    "created": 1,
                    "data": [{"b64_json": "QUJD"}],
                    "usage": {
                        "input_tokens": 10,
                        "output_tokens": 100,
                        "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
                    },
                }
            )
        ]
    )
    target = Target("openai", "gpt-image-2", "sk-provider", scripted.url, id="t")
    with accounting("sqlite", tmp_path, target) as accounts:
        key, headers = accounts.key(allowance=budget(2_000_000))
        answers = []
        for _ in range(12):
            answers.append(post(accounts.server.edits_url, headers=headers).status)
            accounts.server.wait_until_idle()
        assert answers == [200] * 12
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == 12 * (10 * 5 + 100 * 30)


def test_an_edit_that_was_broken_off_is_paid_in_full(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Nobody can tell what the provider takes for it: its worst case is spent."""
    scripted.serve(lambda _: [Hang()])
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        key, headers = accounts.key(allowance=budget(10 * PRICE_MICROS))
        edit = post(f"{accounts.server.edits_url}/async", headers=headers).json
        assert scripted.came.acquire(timeout=10)
        httpx.post(f"{accounts.server.edits_url}/{edit['id']}/cancel", headers=headers).raise_for_status()
        accounts.server.wait_until_idle()
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == PRICE_MICROS


def test_an_edit_that_a_provider_refuses_costs_nothing(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Its reservation is free again."""
    scripted.serve(
        lambda _: [json_answer({"error": {"message": "no", "type": "t", "param": None, "code": "c"}}, "400 Bad Request")]
    )
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        key, headers = accounts.key(allowance=budget(10 * PRICE_MICROS))
        assert post(accounts.server.edits_url, headers=headers).status == 400
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == 0


def test_what_a_provider_makes_nothing_of_makes_no_edit_cheap(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The worst case is that of the request as the provider is asked: its own choice of a quality may be the dearest."""
    scripted.serve(paid)
    azure = Target("azure_ai", "gpt-image-2", "sk-provider", scripted.url, id="t")
    with accounting("sqlite", tmp_path, azure) as accounts:
        _, headers = accounts.key(allowance=budget(500_000))
        refused = post(accounts.server.edits_url, {"quality": "low"}, headers=headers)
        assert (refused.status, refused.error["code"]) == (429, "insufficient_quota")
        assert scripted.asked == []


def test_a_cost_beyond_the_worst_case_is_spent_and_told(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A provider that takes more than its documentation says has taken it; the log names the edit. Others are not named."""
    costs = iter((0.05, 0.04))

    def script(_: Asked) -> Script:
        usage = {"input_tokens": 1, "output_tokens": 1, "cost": next(costs)}
        return [json_answer({"created": 1, "data": [{"b64_json": "QUJD"}], "usage": usage})]

    scripted.serve(script)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        key, headers = accounts.key(allowance=budget(10 * PRICE_MICROS))
        dear, _ = (post(accounts.server.edits_url, headers=headers).headers["x-edit-id"] for _ in range(2))
        accounts.server.wait_until_idle()
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == 90_000
        lines = [json.loads(line) for line in accounts.server.log_text.splitlines()]
        [told] = [line for line in lines if line["event"] == "edit cost more than its worst case"]
        assert (told["edit_id"], told["spent_micros"], told["worst_micros"]) == (dear, 50_000, PRICE_MICROS)


def test_refusals_are_counted(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Whatever a request is refused with before it is an edit is a metric by its code; an edit that is made is none."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        accounts.end_user(id="mallory", is_blocked=True)
        url = accounts.server.edits_url
        limited, poor = (accounts.key(allowance=each)[1] for each in (limits(requests=1), budget(1)))
        narrow, plain = accounts.key(models=("other",))[1], accounts.key()[1]
        asked = [
            *((limited, {}),) * 3, (poor, {}), (narrow, {}), (plain, {"user": "mallory"}), (plain, {"prompt": ""}), ({}, {}),
        ]  # fmt: skip
        statuses = [post(url, fields, headers=headers).status for headers, fields in asked]
        assert statuses == [200, 429, 429, 429, 403, 403, 400, 401]
        text = get(f"{accounts.server.url}/metrics", bearer(MASTER)).body.decode()
        counted = dict(re.findall(r'streamedit_refusals_total\{code="(\w+)"\} (\d+)', text))
        assert counted == {
            "rate_limit_exceeded": "2", "insufficient_quota": "1", "model_not_allowed": "1", "end_user_blocked": "1",
            "invalid_value": "1", "invalid_api_key": "1",
        }  # fmt: skip


@every_kind
@pytest.mark.parametrize("tokens", [-1_000_000, 10**30])
def test_what_no_provider_can_have_counted_is_not_believed(
    kind: str, tokens: int, tmp_path: Path, scripted: ScriptedUpstream
) -> None:
    """It gives no budget anything back, stops no other edit's settlement, and not the server."""
    usage = {"input_tokens": 10, "output_tokens": tokens}
    scripted.serve(lambda _: [json_answer({"created": 1, "data": [{"b64_json": "QUJD"}], "usage": usage})])
    target = Target("openai", "gpt-image-2", "sk-provider", scripted.url, id="t")
    with accounting(kind, tmp_path, target) as accounts:
        key, headers = accounts.key(allowance=budget(2_000_000))
        assert [post(accounts.server.edits_url, headers=headers).status for _ in range(2)] == [200, 200]
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == 2 * 10 * 5


def test_n_images_are_reserved_together(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Room for three images is no room for four."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        _, headers = accounts.key(allowance=budget(3 * PRICE_MICROS))
        assert post(accounts.server.edits_url, {"n": "4"}, headers=headers).error["code"] == "insufficient_quota"
        assert scripted.asked == []


def test_a_model_without_a_price_cannot_be_held_by_a_budget(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """It is refused to a key with a budget, and not to others."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, Target("openai", "made-up", "sk-provider", scripted.url, id="t")) as accounts:
        _, headers = accounts.key(allowance=budget(10**9))
        refused = post(accounts.server.edits_url, headers=headers)
        assert (refused.status, refused.error["code"], refused.error["param"]) == (403, "price_unknown", "model")
        assert post(accounts.server.edits_url, headers=accounts.key()[1]).status == 200


@every_kind
def test_each_scope_has_its_budget(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The server's, a group's and an end user's count beside the key's own, for all keys together."""
    scripted.serve(paid)
    defaults = {"budgets": [{"limit_micros": PRICE_MICROS, "period": "1d"}]}
    budgets = [{"limit_micros": 4 * PRICE_MICROS}]
    with accounting(kind, tmp_path, priced(scripted), end_user_defaults=defaults, budgets=budgets) as accounts:
        accounts.group(id="team", allowance=budget(2 * PRICE_MICROS))
        _, one = accounts.key(group="team")
        _, other = accounts.key(group="team")
        _, alone = accounts.key()

        def ask(headers: dict[str, str], user: str) -> int:
            status = post(accounts.server.edits_url, {"user": user}, headers=headers).status
            accounts.server.wait_until_idle()
            return status

        assert [ask(one, "anna"), ask(one, "anna"), ask(other, "bert"), ask(other, "carl")] == [200, 429, 200, 429]
        assert [ask(alone, "anna"), ask(alone, "dora"), ask(alone, "emil"), ask(alone, "fred")] == [429, 200, 200, 429]


def test_a_blocked_end_user_is_refused(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Whichever of OpenAI's fields, or the configured header, names them."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted), user_header="x-user") as accounts:
        accounts.end_user(id="mallory", is_blocked=True)
        _, headers = accounts.key()
        for fields in ({"user": "mallory"}, {"safety_identifier": "mallory"}):
            refused = post(accounts.server.edits_url, fields, headers=headers)
            assert (refused.status, refused.error["code"]) == (403, "end_user_blocked")
        assert post(accounts.server.edits_url, headers={**headers, "x-user": "mallory"}).status == 403
        assert post(accounts.server.edits_url, {"user": "anna"}, headers=headers).status == 200


def test_an_end_user_is_the_same_by_header_and_field(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Headers are bytes: in UTF-8 a name is what it is in a body; what is none is taken as HTTP has it, in Latin-1."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted), user_header="x-user") as accounts:
        accounts.end_user(id="Zoë 🦊", is_blocked=True)
        accounts.end_user(id="Zoë", is_blocked=True)
        _, headers = accounts.key()
        for name in ("Zoë 🦊".encode(), "Zoë".encode(), "Zoë".encode("latin-1")):
            files = {"image": ("photo.png", PNG, "image/png")}
            sent = [*((key.encode(), value.encode()) for key, value in headers.items()), (b"x-user", name)]
            refused = httpx.post(accounts.server.edits_url, data={"prompt": "p"}, files=files, headers=sent)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "end_user_blocked")


@every_kind
@pytest.mark.parametrize(("user", "code"), [("a" * 513, "string_above_max_length"), ("a\0b", "invalid_value")])
def test_no_end_user_has_such_a_name(kind: str, user: str, code: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """What a database could not keep is the caller's mistake, and told as that."""
    scripted.serve(paid)
    with accounting(kind, tmp_path, priced(scripted)) as accounts:
        refused = post(accounts.server.edits_url, {"user": user}, headers=accounts.key()[1])
        assert (refused.status, refused.error["param"], refused.error["code"]) == (400, "user", code)
        assert post(accounts.server.edits_url, {"user": "Zoë 🦊"}, headers=accounts.key()[1]).status == 200


def test_requests_of_a_minute(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Two are answered with what is left, the third with when to come back; nothing is left behind of it."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        _, headers = accounts.key(allowance=limits(requests=2))
        for left in ("1", "0"):
            made = post(accounts.server.edits_url, {"stream": "true"}, headers=headers)
            assert made.status == 200
            assert (made.headers["x-ratelimit-limit-requests"], made.headers["x-ratelimit-remaining-requests"]) == ("2", left)
        refused = post(accounts.server.edits_url, headers=headers)
        assert (refused.status, refused.error["type"], refused.error["code"]) == (429, "requests", "rate_limit_exceeded")
        assert 50 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        accounts.server.wait_until_idle()
        assert accounts.server.left_behind() == (0, 0)


def test_a_hundred_posts_with_one_key_count_once(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A repeated Idempotency-Key takes nothing of a limit or a budget: who joins an edit asks for nothing."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        allowance = Allowance(RateLimits(1, 1, 1), budget(PRICE_MICROS).budgets)
        _, headers = accounts.key(allowance=allowance)
        repeated = {**headers, "idempotency-key": "once"}

        async def ask() -> list[httpx.Response]:
            async with httpx.AsyncClient(timeout=30) as client:
                files = {"image": ("photo.png", PNG, "image/png")}
                posts = (
                    client.post(accounts.server.edits_url, data={"prompt": "p"}, files=files, headers=repeated)
                    for _ in range(100)
                )
                return await asyncio.gather(*posts)

        answers = asyncio.run(ask())
        assert Counter(each.status_code for each in answers) == {200: 100}
        assert len({each.headers["x-edit-id"] for each in answers}) == 1
        assert len(scripted.asked) == 1


@contextmanager
def held(scripted: ScriptedUpstream) -> Iterator[threading.Event]:
    """The provider answers nobody before the event is set."""
    goes_on = threading.Event()

    def script(asked: Asked) -> Script:
        yield goes_on
        yield from paid(asked)

    scripted.serve(script)
    try:
        yield goes_on
    finally:
        goes_on.set()


def test_an_edit_waits_for_its_turn(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """One at a time: the second is queued, its stream gets heartbeats, and it is made when the first has ended."""
    with held(scripted) as goes_on, accounting("sqlite", tmp_path, priced(scripted), heartbeat_s=0.05) as accounts:
        _, headers = accounts.key(allowance=limits(parallel=1))
        first = post(f"{accounts.server.edits_url}/async", headers=headers).json
        assert scripted.came.acquire(timeout=10)
        with httpx.stream(
            "POST", accounts.server.edits_url, data={"prompt": "p", "stream": "true"},
            files={"image": ("photo.png", PNG, "image/png")}, headers=headers, timeout=30,
        ) as second:  # fmt: skip
            lines = second.iter_lines()
            assert next(lines).startswith(":")
            queued = get(f"{accounts.server.edits_url}/{second.headers['x-edit-id']}", headers).json
            assert (queued["status"], len(scripted.asked)) == ("queued", 1)
            assert get(f"{accounts.server.edits_url}/{first['id']}", headers).json["status"] == "in_progress"
            goes_on.set()
            assert "event: image_edit.completed" in list(lines)
        assert len(scripted.asked) == 2


def test_a_full_queue_refuses_at_once(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """One is made, one waits, the third is refused in sub2api's words, and told when to come back at the latest."""
    with held(scripted), accounting("sqlite", tmp_path, priced(scripted), queue_size=1) as accounts:
        _, headers = accounts.key(allowance=limits(parallel=1))
        for _ in range(2):
            assert post(f"{accounts.server.edits_url}/async", headers=headers).status == 202
        refused = post(accounts.server.edits_url, headers=headers)
        assert (refused.status, refused.error["code"]) == (429, "gateway_queue_full")
        assert refused.error["message"] == "Too many pending requests, please retry later"
        assert 0 < int(refused.headers["retry-after"]) <= 30
        # Somebody else's edit goes on.
        assert post(f"{accounts.server.edits_url}/async", headers=accounts.key()[1]).status == 202


def test_who_waited_in_vain_may_come_again(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A 429 after the time to wait; nobody was asked, so that the same Idempotency-Key then begins anew."""
    with held(scripted) as goes_on, accounting("sqlite", tmp_path, priced(scripted), queue_wait_s=0.1) as accounts:
        _, headers = accounts.key(allowance=Allowance(RateLimits(parallel_edits=1), budget(2 * PRICE_MICROS).budgets))
        first = post(f"{accounts.server.edits_url}/async", headers=headers).json
        repeated = {**headers, "idempotency-key": "again"}
        refused = post(accounts.server.edits_url, headers=repeated)
        assert (refused.status, refused.error["code"]) == (429, "gateway_concurrency_limit")
        goes_on.set()
        assert get(f"{accounts.server.url}{first['events_url']}").status == 200
        accounts.server.wait_until_idle()
        made = post(accounts.server.edits_url, headers=repeated)
        assert (made.status, "idempotent-replayed" in made.headers) == (200, False)
        assert len(scripted.asked) == 2


def test_cancelling_what_waits_calls_nobody(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Its place and its reservation are free again."""
    with held(scripted) as goes_on, accounting("sqlite", tmp_path, priced(scripted)) as accounts:
        key, headers = accounts.key(allowance=Allowance(RateLimits(parallel_edits=1), budget(9 * PRICE_MICROS).budgets))
        edits = [post(f"{accounts.server.edits_url}/async", headers=headers).json["id"] for _ in range(2)]
        assert scripted.came.acquire(timeout=10)
        cancelled = httpx.post(f"{accounts.server.edits_url}/{edits[1]}/cancel", headers=headers).json()
        assert cancelled["status"] == "cancelled"
        goes_on.set()
        accounts.server.wait_until_idle()
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        accounts.server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert (spend_of(accounts, scope).spent_micros, len(scripted.asked)) == (PRICE_MICROS, 1)


def test_keys_without_limits_have_the_configurations(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """`key_defaults` are for keys that say nothing themselves; the master key has none of them."""
    scripted.serve(paid)
    defaults = {"limits": {"requests_per_minute": 1}}
    with accounting("sqlite", tmp_path, priced(scripted), key_defaults=defaults) as accounts:
        _, plain = accounts.key()
        _, own = accounts.key(allowance=limits(requests=2))
        asked = {
            name: [post(accounts.server.edits_url, headers=headers).status for _ in range(3)]
            for name, headers in (("plain", plain), ("own", own), ("master", bearer(MASTER)))
        }
        assert asked == {"plain": [200, 429, 429], "own": [200, 200, 429], "master": [200, 200, 200]}


def test_no_field_reaches_a_model_that_is_not_the_keys(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """The Responses API's text model has an image model beside it, which the request or a config may name."""
    target = Target("openai_responses", "gpt-5.2", "sk-provider", scripted.url, id="t")
    with accounting("sqlite", tmp_path, target) as accounts:
        _, headers = accounts.key(models=("gpt-5.2",))
        config = {"x-portkey-config": '{"provider": "openai_responses", "override_params": {"image_model": "gpt-image-2"}}'}
        for fields, more in (({"image_model": "gpt-image-2"}, {}), ({}, config)):
            refused = post(accounts.server.edits_url, {"prompt": "p", **fields}, headers={**headers, **more})
            assert (refused.status, refused.error["code"]) == (403, "model_not_allowed")
        assert scripted.asked == []


def test_metrics_are_not_for_every_key(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """They tell what everybody has spent: a master key reads them, and a key that the configuration names."""
    with accounting("sqlite", tmp_path, priced(scripted), metrics_keys=["key_prometheus00"]) as accounts:
        _, text = make_key("key_prometheus00")
        key, plain = accounts.key()
        accounts.change(key, id="key_prometheus00", digest=digest_of(text))
        url = f"{accounts.server.url}/metrics"
        assert [get(url, headers).status for headers in (bearer(MASTER), bearer(text), plain, {})] == [200, 200, 403, 401]


def test_models_are_listed_for_those_who_may_use_them(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A key sees its own models, and may ask no other."""
    scripted.serve(paid)
    with accounting("sqlite", tmp_path, priced(scripted), Target("darkroom", "darkroom")) as accounts:
        _, headers = accounts.key(models=("darkroom",))
        listed = get(f"{accounts.server.url}/v1/models", headers).json["data"]
        assert [model["id"] for model in listed] == ["darkroom"]
        refused = post(accounts.server.edits_url, {"model": "gpt-image-2"}, headers=headers)
        assert (refused.status, refused.error["code"]) == (403, "model_not_allowed")
        assert scripted.asked == []
