"""From a configuration file to the providers that are asked: a real server between scripted upstreams."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clients import Answer, get, post
from configurations import read
from servers import serving
from upstreams import ScriptedUpstream, answer, completed, json_answer, upstream

from streamedit.clocks import SYSTEM_CLOCKS, Clocks

NOW_S = 1_790_000_000.0
"""It stays the same second."""

GOOD = [answer(completed())]
BROKEN = [json_answer({"error": {"message": "broken", "type": "server_error", "code": None}}, "500 Internal Server Error")]
BLOCKED = [
    json_answer({"error": {"message": "no", "type": "invalid_request_error", "code": "moderation_blocked"}}, "400 Bad Request")
]
WRONG = [json_answer({"error": {"message": "no", "type": "invalid_request_error", "param": "size"}}, "400 Bad Request")]
BUSY = [json_answer({"error": {"message": "slow down", "type": "rate_limit"}}, "429 Too Many Requests", retry_after="7")]

TWO_MODELS = """\
model_list:
  - {{model_name: gpt-image-2, litellm_params: {{model: openai/gpt-image-2, api_key: k, api_base: "{one}"}}}}
  - {{model_name: other, litellm_params: {{model: openai/gpt-image-1, api_key: k, api_base: "{two}"}}}}
server: {{drain_timeout_s: 0, patience_s: 0}}
"""

ONE_MODEL = """\
model_list:
  - {{model_name: gpt-image-2, litellm_params: {{model: openai/a, api_key: k, api_base: "{one}", {first}}}}}
  - {{model_name: gpt-image-2, litellm_params: {{model: openai/b, api_key: k, api_base: "{two}", {second}}}}}
server: {{drain_timeout_s: 0, patience_s: 0}}
"""


class Server:
    """One that is configured by a file, before two upstreams. `slept_s`: how long it has waited; it took no time."""

    def __init__(self, folder: Path, one: ScriptedUpstream, two: ScriptedUpstream) -> None:
        self._folder = folder
        self.one, self.two = one, two
        self.slept_s: list[float] = []

    @contextmanager
    def configured(self, text: str, **parts: str) -> Iterator["Server"]:
        """For a `with` block, with this file."""
        settings = read(self._folder, text.format(one=self.one.url, two=self.two.url, **parts), STREAMEDIT_DATABASE_URL="none")
        with serving(settings, Clocks(SYSTEM_CLOCKS.clock, lambda: NOW_S, self._sleep)) as running:
            self._url = running.edits_url
            yield self

    def edit(self, model: str | None = None, **fields: str) -> Answer:
        """The answer to a streamed edit."""
        return post(self._url, {"stream": "true", **({"model": model} if model else {}), **fields})

    @property
    def asked(self) -> tuple[int, int]:
        """How often each upstream was."""
        return len(self.one.asked), len(self.two.asked)

    @property
    def listed(self) -> list[str]:
        """The models that it tells of."""
        return [model["id"] for model in get(self._url.replace("/images/edits", "/models")).json["data"]]

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Before it is configured."""
    with upstream() as one, upstream() as two:
        yield Server(tmp_path, one, two)


def _play(server: Server, one: Any, two: Any) -> None:
    server.one.play(one)
    server.two.play(two)


def test_a_fallback_takes_over(server: Server) -> None:
    """After an error of 500 and its retries the other model makes the edit."""
    _play(server, BROKEN, GOOD)
    with server.configured(TWO_MODELS + "router_settings: {{num_retries: 1, fallbacks: [{{gpt-image-2: [other]}}]}}\n"):
        assert server.edit().names == ["completed"]
    assert server.asked == (2, 1)
    assert server.two.asked[0].field("model") == "gpt-image-1"


def test_without_a_fallback_the_error_is_told(server: Server) -> None:
    """After LiteLLM's two retries."""
    _play(server, BROKEN, GOOD)
    with server.configured(TWO_MODELS):
        assert server.edit().status == 500
    assert server.asked == (3, 0)


def test_another_takes_over_what_a_moderation_blocks(server: Server) -> None:
    """Only for that: another mistake of the caller's is told at once."""
    text = TWO_MODELS + "router_settings: {{content_policy_fallbacks: [{{gpt-image-2: [other]}}]}}\n"
    with server.configured(text):
        _play(server, BLOCKED, GOOD)
        assert server.edit().names == ["completed"]
        assert server.asked == (1, 1)
        _play(server, WRONG, GOOD)
        assert (server.edit().status, server.asked) == (400, (1, 0))


def test_an_alias_is_another_name(server: Server) -> None:
    """The upstream is asked by its own; the default model may be one."""
    _play(server, GOOD, GOOD)
    text = TWO_MODELS.replace("patience_s: 0", "patience_s: 0, default_model: mine")
    with server.configured(text + "router_settings: {{model_group_alias: {{mine: other}}}}\n"):
        assert [server.edit(name).status for name in ("mine", None)] == [200, 200]
        assert server.listed == ["gpt-image-2", "other", "mine"]
    assert (server.asked, server.two.asked[0].field("model")) == ((0, 2), "gpt-image-1")


def test_retry_after_is_kept(server: Server) -> None:
    """A retry comes as late as the provider asks for."""
    server.one.play(BUSY, GOOD)
    with server.configured(TWO_MODELS):
        assert server.edit().names == ["completed"]
    assert server.slept_s == [7]


def test_a_target_may_have_retries_of_its_own(server: Server) -> None:
    """`num_retries` of an entry counts more than the router's."""
    _play(server, BROKEN, GOOD)
    with server.configured(TWO_MODELS.replace("api_key: k,", "api_key: k, num_retries: 0,")):
        assert server.edit().status == 500
    assert server.asked == (1, 0)


def test_order_goes_first(server: Server) -> None:
    """Those of a higher order are asked when those before them fail, and at once."""
    with server.configured(ONE_MODEL, first="order: 2", second="order: 1"):
        _play(server, GOOD, GOOD)
        assert [server.edit().status for _ in range(4)] == [200] * 4
        assert server.asked == (0, 4)
        _play(server, GOOD, BROKEN)
        assert (server.edit().status, server.asked, server.slept_s) == (200, (1, 1), [])


def test_weights_share_edits(server: Server) -> None:
    """LiteLLM's default strategy: by lot, and who has no weight has no lot."""
    _play(server, GOOD, GOOD)
    with server.configured(ONE_MODEL, first="weight: 0", second="weight: 1"):
        assert [server.edit().status for _ in range(4)] == [200] * 4
    assert server.asked == (0, 4)


def test_a_full_target_is_passed_over(server: Server) -> None:
    """So many requests a minute; when all are full the edit is refused, and nothing was begun."""
    _play(server, GOOD, GOOD)
    with server.configured(ONE_MODEL, first="order: 1, rpm: 1", second="order: 2, rpm: 1"):
        assert [server.edit().status for _ in range(3)] == [200, 200, 503]
    assert server.asked == (1, 1)


def test_a_failing_target_cools_down(server: Server) -> None:
    """A rate limit is enough; then the other has all edits."""
    _play(server, BUSY, GOOD)
    with server.configured(ONE_MODEL + "router_settings: {{cooldown_time: 300}}\n", first="order: 1", second="order: 2"):
        assert [server.edit().status for _ in range(3)] == [200] * 3
    assert server.asked == (1, 3)


def test_a_model_for_other_things_is_refused(server: Server) -> None:
    """As sub2api does; it is not listed."""
    chat = "model_list:\n  - {{model_name: gpt-4o, litellm_params: {{model: openai/gpt-4o, api_key: k}}}}\n"
    with server.configured(TWO_MODELS.replace("model_list:\n", chat)):
        refused = server.edit("gpt-4o")
    assert (refused.status, refused.error["message"]) == (404, "Images API is not supported for this platform")
