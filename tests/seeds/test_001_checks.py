"""llmapi.site's promise: "It uses the same platform, group permission, content moderation, concurrency, and billing checks".

Each check by itself, each in sub2api's words where it has any, and all of them in their order, over one server.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from accounts import Accounts, accounting, budget, limits
from clients import Answer, post
from databases import KINDS
from moderations import PlayedModeration, moderating
from upstreams import Asked, Script, ScriptedUpstream, json_answer

from streamedit.targets import Target

PRICE_MICROS = 40_000


@dataclass(frozen=True, slots=True)
class Site:
    """A server as llmapi.site is one: gpt-image-2 at a platform, groups, keys, a moderation, prices."""

    accounts: Accounts
    moderation: PlayedModeration
    provider: ScriptedUpstream

    def post(self, headers: dict[str, str], prompt: str = "a bright studio") -> Answer:
        return post(f"{self.accounts.server.url}/v1/images/edits", {"model": "gpt-image-2", "prompt": prompt}, headers=headers)

    def holding(self) -> threading.Event:
        """From now on the provider waits for this before it answers."""
        goes_on = threading.Event()

        def script(_: Asked) -> Script:
            yield goes_on
            yield _PICTURE

        self.provider.serve(script)
        return goes_on


_PICTURE = json_answer({"created": 1, "data": [{"b64_json": "QUJD"}]})


@contextmanager
def llmapi(kind: str, folder: Path, provider: ScriptedUpstream) -> Iterator[Site]:
    """The site, with a database of this kind."""
    provider.serve(lambda _: [_PICTURE])
    target = Target("openai", "gpt-image-2", "sk-provider", provider.url, {"output_cost_per_image": "0.04"}, id="t")
    with moderating() as played:
        settings = played.settings(mode="pre_block")
        with accounting(kind, folder, target, moderation=settings, queue_size=0) as accounts:
            accounts.group(id="openai", platforms=("openai",))
            accounts.group(id="gemini", platforms=("gemini",))
            accounts.group(id="no-images", platforms=("openai",), images=False)
            yield Site(accounts, played, provider)


@pytest.mark.parametrize("kind", KINDS)
def test_platform_group_permission_content_moderation_concurrency_and_billing_checks(
    kind: str, tmp_path: Path, scripted: ScriptedUpstream
) -> None:
    """Whoever fails one is refused by it, and asks nobody further on; whoever fails none gets a picture."""
    with llmapi(kind, tmp_path, scripted) as site:
        give = site.accounts.key

        # First of all the key is judged.
        assert _told(site.post({"authorization": "Bearer sk-wrong"})) == (401, "invalid_request_error", "invalid_api_key")

        # Nobody comes in with a wrong key.
        other = site.post(give(group="gemini")[1])
        assert (other.status, other.error["message"]) == (404, "Images API is not supported for this platform")

        # Group permission.
        without = site.post(give(group="no-images")[1])
        assert (without.status, without.error["type"]) == (403, "permission_error")
        assert without.error["message"] == "Image generation is not enabled for this group"

        # Content moderation: nothing was refused before by asking it.
        assert site.moderation.asked == []
        blocked = site.post(give(group="openai")[1], "a picture of violence")
        assert _told(blocked) == (400, "image_generation_user_error", "moderation_blocked")
        assert "violence" in blocked.error["message"]

        # Concurrency: one at a time, and no room to wait.
        goes_on = site.holding()
        _, single = give(group="openai", allowance=limits(parallel=1))
        running = post(f"{site.accounts.server.edits_url}/async", {"prompt": "p"}, headers=single)
        assert running.status == 202
        assert scripted.came.acquire(timeout=10)
        full = site.post(single)
        assert _told(full) == (429, "rate_limit_error", "gateway_queue_full")
        goes_on.set()

        # Billing: room for one edit.
        _, poor = give(group="openai", allowance=budget(PRICE_MICROS))
        assert site.post(poor).status == 200
        assert _told(site.post(poor)) == (429, "insufficient_quota", "insufficient_quota")

        # Everything in order, and nobody was called for those who were refused.
        assert site.post(give(group="openai", allowance=budget(9 * PRICE_MICROS))[1]).status == 200
        assert len(scripted.asked) == 3
        site.accounts.server.wait_until_idle()
        assert site.accounts.server.left_behind() == (0, 0)


def test_a_bad_request_is_told_before_what_its_key_may_not_do(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """As sub2api does: the key, then the body, then platform and permission."""
    with llmapi("sqlite", tmp_path, scripted) as site:
        _, headers = site.accounts.key(group="gemini")
        url = f"{site.accounts.server.url}/v1/images/edits"
        bad = post(url, {"prompt": "p"}, [("prompt", (None, "p"))], headers=headers)
        assert (bad.status, bad.error["message"]) == (400, "image file is required")
        assert post(url, {"prompt": "p"}, [("prompt", (None, "p"))], headers={"authorization": "Bearer x"}).status == 401


def test_what_is_blocked_takes_nothing_of_a_budget(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """What the moderation has blocked is not paid."""
    with llmapi("sqlite", tmp_path, scripted) as site:
        _, headers = site.accounts.key(group="openai", allowance=budget(PRICE_MICROS))
        assert site.post(headers, "a picture of violence").status == 400
        assert site.post(headers).status == 200


def test_what_a_config_puts_in_the_place_of_a_prompt_is_judged(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A harmless prompt lets nothing else in: not by Portkey's `override_params`, not by a field of the provider's own."""
    with llmapi("sqlite", tmp_path, scripted) as site:
        _, headers = site.accounts.key()
        for override in ({"prompt": "a picture of violence"}, {"instructions": "show violence"}):
            config = {"x-portkey-config": json.dumps({"provider": "openai", "override_params": override})}
            assert _told(site.post({**headers, **config}))[2] == "moderation_blocked"
        assert scripted.asked == []


def _told(answer: Answer) -> tuple[int, str, str | None]:
    return answer.status, answer.error["type"], answer.error["code"]
