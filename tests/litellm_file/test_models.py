"""Files as people have them become routes, policies and rules."""

from pathlib import Path

import pytest
from configurations import MINIMAL, kept, mistakes_of, read

from streamedit.edits import Wishes
from streamedit.errors import NotFound
from streamedit.failures import Kind
from streamedit.strategies import Strategy

AZURE = {
    "AZURE_SWEDEN_KEY": "sk-sweden",
    "AZURE_EAST_KEY": "sk-east",
    "OPENAI_API_KEY": "sk-openai",
    "REDIS_PORT": "6380",
    "REDIS_PASSWORD": "p@ss",
    "LITELLM_MASTER_KEY": "sk-master",
    "DATABASE_URL": "postgresql://litellm@db.internal/litellm",
}
MIXED = {"OPENAI_API_KEY": "sk-openai", "GEMINI_API_KEY": "sk-gemini"}


class TestAzure:
    """Two deployments, and a model that takes over."""

    def test_its_targets(self) -> None:
        """Limits, bounds, prices and the model behind a deployment's name, of each for itself; numbers may be text."""
        sweden, east = kept("azure.yaml", **AZURE).routes.find("gpt-image-2").targets
        assert (sweden.id, sweden.base_model, sweden.limits.rpm, sweden.limits.tpm) == ("sweden", "gpt-image-2", 60, 100_000)
        assert (sweden.api_key, sweden.timeout_s, sweden.params["drop_params"]) == ("sk-sweden", 300, True)
        assert (east.limits.rpm, east.timeout_s, east.params["input_cost_per_token"]) == (30, 120, 0.000004)
        assert kept("azure.yaml", **AZURE).routes.find("openai-image").targets[0].limits.max_parallel == 10

    def test_its_policy(self) -> None:
        """What `router_settings` says counts more than `litellm_settings`."""
        route = kept("azure.yaml", **AZURE).routes.find("gpt-image-2")
        policy = route.policy
        assert (policy.strategy, policy.retry_after_s, policy.patience_s) == (Strategy.LATENCY, 1, 30)
        assert policy.retries == 3
        assert policy.retries_by_kind == {Kind.RATE_LIMIT: 4, Kind.TIMEOUT: 1}
        assert policy.retries_by_target == {route.targets[1].id: 0}
        assert (policy.cooling.cooldown_s, policy.cooling.allowed_fails) == (30, 2)
        assert policy.cooling.allowed_by_kind == {Kind.RATE_LIMIT: 10}

    def test_its_plan(self) -> None:
        """After any error the fallback's turn comes, after a moderation's the other's; an alias is the same model."""
        routes = kept("azure.yaml", **AZURE).routes
        assert [stage.model for stage in routes.plan("gpt-image-2").stages] == ["gpt-image-2", "openai-image", "openai-image"]
        assert routes.find("dall-e-3").model == "gpt-image-2"
        assert routes.names == ("gpt-image-2", "openai-image", "dall-e-3")

    def test_its_redis(self) -> None:
        """LiteLLM's Redis is this server's."""
        assert kept("azure.yaml", **AZURE).server.redis_url == "redis://:p%40ss@redis.internal:6380"

    def test_its_leftovers(self) -> None:
        """What has no effect is told; what is built in has one."""
        settings = kept("azure.yaml", **AZURE)
        assert settings.api_keys == ("sk-master",)
        assert set(settings.ignored) == {
            "litellm_settings.num_retries",
            "litellm_settings.callbacks (langfuse)",
            "router_settings.routing_strategy_args",
            "router_settings.allowed_fails_policy.BadRequestErrorAllowedFails",
        }


class TestMixed:
    """A proxy for everything."""

    def test_models_that_make_no_images_are_told(self) -> None:
        """By their place and name, and what several entries have in common once; none of their variables must be set."""
        assert set(kept("mixed.yaml", **MIXED).ignored) == {
            "model_list[0] (gpt-4o)",
            "model_list[1] (claude)",
            "model_list[2] (claude)",
            "model_list[3] (anthropic/*)",
            "model_list[4] (flash)",
            "model_list[5] (embeddings)",
            "model_list[6] (llama)",
            "model_list[*].litellm_params.stream_timeout",
            "litellm_settings.context_window_fallbacks",
            "router_settings.enable_pre_call_checks",
        }

    @pytest.mark.parametrize("name", ["gpt-4o", "claude", "embeddings", "gpt-4", "anthropic/claude-opus-4", "llama"])
    def test_asking_for_one_is_a_404(self, name: str) -> None:
        """In sub2api's words, which clients know; an alias of one is one."""
        with pytest.raises(NotFound) as caught:
            kept("mixed.yaml", **MIXED).routes.plan(name)
        detail = caught.value.detail
        assert (detail.message, detail.param, detail.code) == (
            "Images API is not supported for this platform", "model", "model_not_found",
        )  # fmt: skip

    def test_the_others_are_served(self) -> None:
        """The usual model is the default, wherever it stands; none that makes no images takes over for another."""
        routes = kept("mixed.yaml", **MIXED).routes
        assert routes.default_model == "gpt-image-2"
        assert [stage.model for stage in routes.plan(None).stages] == ["gpt-image-2", "nano-banana"]
        assert [stage.model for stage in routes.plan("nano-banana").stages] == ["nano-banana", "gpt-image-1"]

    @pytest.mark.parametrize("where", ["fallbacks: [{mock: [gpt-4]}]", "default_fallbacks: [gpt-4]"])
    def test_an_alias_of_one_takes_over_for_nobody(self, tmp_path: Path, where: str) -> None:
        """As the model itself does not."""
        text = f"{MINIMAL}  - {{model_name: gpt-4o, litellm_params: {{model: openai/gpt-4o}}}}\n"
        text += f"router_settings:\n  model_group_alias: {{gpt-4: gpt-4o}}\n  {where}\n"
        assert [stage.model for stage in read(tmp_path, text).routes.plan("mock").stages] == ["mock"]

    def test_nothing_but_strangers_is_a_mistake(self, tmp_path: Path) -> None:
        """Such a server could do nothing."""
        text = "model_list:\n  - {model_name: a, litellm_params: {model: anthropic/claude}}\n"
        assert mistakes_of(tmp_path, text) == ("streamedit.yaml:2: model_list: none of its models makes images",)

    def test_one_name_may_stand_for_both(self, tmp_path: Path) -> None:
        """Edits go to the entry that makes images; it takes over for others, too."""
        text = f"{MINIMAL}  - {{model_name: b, litellm_params: {{model: mock/b}}}}\n"
        text += "  - {model_name: b, litellm_params: {model: anthropic/c}}\nrouter_settings: {default_fallbacks: [b]}\n"
        settings = read(tmp_path, text)
        assert [target.name for target in settings.routes.plan("mock").targets] == ["mock/mock", "mock/b"]
        assert settings.ignored == ("model_list[2] (b)",)

    def test_a_deployment_is_known_by_its_model(self, tmp_path: Path) -> None:
        """`base_model` tells what a deployment of any name is for; a `mode` tells it before that."""
        entry = "  - {model_name: %s, litellm_params: {model: azure/x, api_base: https://a, api_key: k}, model_info: {%s}}\n"
        infos = (
            "base_model: azure/gpt-4o",
            "mode: chat",
            "base_model: azure/gpt-4o, mode: image_edit",
            "base_model: azure/gpt-image-2",
        )
        text = MINIMAL + "".join(entry % (f"m{number}", info) for number, info in enumerate(infos))
        assert [route.model for route in read(tmp_path, text).routes.all] == ["mock", "m2", "m3"]


class TestTags:
    """Tags, credentials, variables of the file."""

    def test_credentials_fill_what_an_entry_leaves_out(self) -> None:
        """By their name; what the entry says itself counts more. The file's variables count like the environment's."""
        one, two = kept("tags.yaml", REAL_KEY="sk-real").routes.find("picture").targets
        assert (one.provider, one.model, one.api_key) == ("openai", "gpt-image-2", "sk-from-the-file")
        assert (two.provider, two.model, two.api_key) == ("openai", "my-model", "sk-real")
        assert {target.api_base for target in (one, two)} == {"https://shared.example/v1"}
        assert one.params["organization"] == "org-1"
        assert two.params["additional_drop_params"] == ["size"]

    def test_tags_choose(self) -> None:
        """All of a request's tags are to be there, as the file wants it; without tags the default ones are meant."""
        routes = kept("tags.yaml", REAL_KEY="k").routes
        asked = {tags: routes.plan("picture", Wishes(tags=tags)).targets for tags in [(), ("paid",), ("paid", "free")]}
        assert {tags: [target.model for target in targets] for tags, targets in asked.items()} == {
            (): ["gpt-image-2"],
            ("paid",): ["my-model"],
            ("paid", "free"): ["gpt-image-2"],
        }

    def test_its_policy(self) -> None:
        """Nobody cools down, and the model has retries of its own."""
        settings = kept("tags.yaml", REAL_KEY="k")
        policy = settings.routes.find("picture").policy
        assert (policy.strategy, policy.cooling.cooldown_s, policy.retries) == (Strategy.USAGE, 0, 2)
        assert policy.retries_by_kind == {Kind.INTERNAL: 5}
        assert settings.routes.rules.max_fallbacks == 2
        assert [target.order for target in settings.routes.find("picture").targets] == [2, 1]
        assert settings.ignored == ()


class TestWildcards:
    """Patterns."""

    def test_a_star_is_what_the_environment_opens(self) -> None:
        """The model `*` brings each provider whose key is there, beside the file's own patterns."""
        routes = kept("wildcards.yaml", XAI_API_KEY="xk").routes
        assert routes.find("xai/grok-imagine-image").targets[0].api_key == "xk"
        assert routes.find("vendor/anything").targets[0].model == "anything"
        assert not routes.serves("openai/gpt-image-2")

    def test_a_pattern_may_take_over(self) -> None:
        """A fallback names any model that is served."""
        stages = kept("wildcards.yaml", XAI_API_KEY="xk").routes.plan("xai/x").stages
        assert [stage.targets[0].model for stage in stages] == ["x", "gpt-image-2"]


class TestNames:
    """Names of models in other places than `model_list`."""

    @pytest.mark.parametrize(
        ("line", "place"),
        [
            ("router_settings: {fallbacks: [{mock: [nobody]}]}", "router_settings.fallbacks[0].mock[0]"),
            ("router_settings: {fallbacks: [{nobody: [mock]}]}", "router_settings.fallbacks[0].nobody"),
            ("litellm_settings: {fallbacks: [{mock: [nobody]}]}", "litellm_settings.fallbacks[0].mock[0]"),
            ("router_settings: {default_fallbacks: [nobody]}", "router_settings.default_fallbacks[0]"),
            (
                "litellm_settings: {content_policy_fallbacks: [{nobody: []}]}",
                "litellm_settings.content_policy_fallbacks[0].nobody",
            ),
            ("router_settings: {model_group_alias: {a: nobody}}", "router_settings.model_group_alias.a"),
            ("router_settings: {model_group_retry_policy: {nobody: {}}}", "router_settings.model_group_retry_policy.nobody"),
        ],
    )
    def test_a_name_that_nobody_serves_is_a_mistake(self, tmp_path: Path, line: str, place: str) -> None:
        """With its line."""
        assert mistakes_of(tmp_path, f"{MINIMAL}{line}\n") == (
            f"streamedit.yaml:4: {place}: no model_name 'nobody' in model_list",
        )

    def test_any_model_may_have_fallbacks(self, tmp_path: Path) -> None:
        """`*` stands for each of them, `{model: ...}` for a name, and an alias for its model."""
        text = f"{MINIMAL}  - {{model_name: b, litellm_params: {{model: mock/b}}}}\nrouter_settings:\n  fallbacks: "
        assert [stage.model for stage in read(tmp_path, text + '[{"*": [b]}]\n').routes.plan("mock").stages] == ["mock", "b"]
        text += "[{other: [{model: b}]}]\n  model_group_alias: {other: mock}\n"
        assert [stage.model for stage in read(tmp_path, text).routes.plan("mock").stages] == ["mock", "b"]

    def test_an_alias_of_an_alias_is_a_mistake(self, tmp_path: Path) -> None:
        """It would be a model that nobody finds."""
        text = f"{MINIMAL}router_settings: {{model_group_alias: {{a: mock, b: a}}}}\n"
        assert mistakes_of(tmp_path, text) == (
            "streamedit.yaml:4: router_settings.model_group_alias.b: no model_name 'a' in model_list",
        )

    def test_a_credential_that_is_not_there_is_a_mistake(self, tmp_path: Path) -> None:
        """The target would have no key."""
        text = MINIMAL.replace("mock/mock", "mock/mock, litellm_credential_name: mine")
        place = "model_list[0].litellm_params.litellm_credential_name"
        told = f"streamedit.yaml:3: {place}: no credential_name 'mine' in credential_list"
        assert mistakes_of(tmp_path, text) == (told,)
