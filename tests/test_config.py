"""Settings from a file and the environment, and mistakes told in one go."""

from pathlib import Path

import pytest
from configurations import MINIMAL, PROVIDERS, mistakes_of, read

from streamedit.config import from_environment, from_file
from streamedit.documents import ConfigError
from streamedit.portkey.configs import Config, Retry
from streamedit.strategies import Strategy
from streamedit.targets import Setup, Target

LITELLM = """\
model_list:
  - model_name: gpt-image-1
    litellm_params:
      model: openai/gpt-image-1
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
      region_name: eu
    model_info:
      mode: image_edit
      supports_vision: true
  - model_name: gpt-image-1
    litellm_params:
      model: gpt-image-1
      api_base: https://proxy.example/v1
      api_key: sk-2
      organization: org-1
litellm_settings:
  drop_params: true
  cache: true
router_settings:
  routing_strategy: simple-shuffle
  enable_pre_call_checks: true
general_settings:
  master_key: sk-1234
  custom_auth: os.environ/CUSTOM_AUTH
"""


class TestFromFile:
    """A YAML file."""

    def test_litellms_configuration_is_accepted_as_it_stands(self, tmp_path: Path) -> None:
        """Models with one name are targets of one route, `os.environ/` is filled in, the master key opens the door."""
        settings = read(tmp_path, LITELLM, OPENAI_API_KEY="sk-env", CUSTOM_AUTH="x")
        (route,) = settings.routes.all
        first, second = route.targets
        assert (route.model, settings.routes.default_model) == ("gpt-image-1", "gpt-image-1")
        assert (first.provider, first.model, first.api_key, first.api_base) == ("openai", "gpt-image-1", "sk-env", None)
        assert (second.provider, second.model, second.api_key, second.api_base) == (
            "openai", "gpt-image-1", "sk-2", "https://proxy.example/v1",
        )  # fmt: skip
        assert second.params["organization"] == "org-1"
        assert settings.api_keys == ("sk-1234",)

    def test_what_has_no_effect_is_listed(self, tmp_path: Path) -> None:
        """Keys that LiteLLM knows and this server does not are reported as ignored, keys that are used are not."""
        settings = read(tmp_path, LITELLM, OPENAI_API_KEY="sk-env", CUSTOM_AUTH="x")
        assert set(settings.ignored) == {
            "general_settings.custom_auth",
            "router_settings.enable_pre_call_checks",
            "litellm_settings.cache",
            "model_list[0].litellm_params.region_name",
            "model_list[0].model_info.supports_vision",
        }

    def test_what_is_ignored_may_name_what_is_not_set(self, tmp_path: Path) -> None:
        """A variable that only an ignored key names need not be there."""
        settings = read(tmp_path, LITELLM, OPENAI_API_KEY="sk-env")
        assert "general_settings.custom_auth" in settings.ignored

    def test_all_mistakes_are_told_together(self, tmp_path: Path) -> None:
        """Every mistake is found in one go, each with its file, line and place."""
        text = """\
model_list:
  - model_name: a
    litellm_params:
      model: nobody/x
  - model_name: b
    litellm_params:
      model: openai/x
      api_key: os.environ/NOT_SET
  - litellm_params:
      model: mock/mock
server:
  heartbeat_s: -1
  colour: red
"""
        mistakes = mistakes_of(tmp_path, text)
        places = [mistake.split(": ")[:2] for mistake in mistakes]
        assert sorted(places) == [
            ["streamedit.yaml:12", "server.heartbeat_s"],
            ["streamedit.yaml:13", "server.colour"],
            ["streamedit.yaml:4", "model_list[0].litellm_params.model"],
            ["streamedit.yaml:8", "model_list[1].litellm_params.api_key"],
            ["streamedit.yaml:9", "model_list[2].model_name"],
        ]

    def test_names_of_no_model_are_told_beside_other_mistakes(self, tmp_path: Path) -> None:
        """As far as they can be judged: a model with a mistake is a model, and `provider/model` may stand in that."""
        text = """\
model_list:
  - model_name: a
    litellm_params: {model: nobody/x}
  - {model_name: "b/*", litellm_params: {model: mock/*}}
router_settings:
  fallbacks: [{a: [b/1, none, openai/x]}]
  model_group_alias: {c: a, d: nowhere}
litellm_settings: {default_fallbacks: [also-none, c]}
server: {default_model: nothing}
"""
        places = [mistake.split(": ")[:2] for mistake in mistakes_of(tmp_path, text)]
        assert sorted(places) == [
            ["streamedit.yaml:3", "model_list[0].litellm_params.model"],
            ["streamedit.yaml:6", "router_settings.fallbacks[0].a[1]"],
            ["streamedit.yaml:7", "router_settings.model_group_alias.d"],
            ["streamedit.yaml:8", "litellm_settings.default_fallbacks[0]"],
            ["streamedit.yaml:9", "server.default_model"],
        ]

    @pytest.mark.parametrize(
        "section", ["model_list: 1", "model_list: [1, {model_name: 2}]", "router_settings: 1", "server: 1"]
    )
    def test_a_broken_section_hides_no_other_mistake(self, tmp_path: Path, section: str) -> None:
        """Whatever stands where a section should be."""
        text = f"{section}\ngeneral_settings: {{master_key: [1]}}\nlitellm_settings: {{default_fallbacks: [none]}}\n"
        told = mistakes_of(tmp_path, text)
        for words in (
            section.split(":", maxsplit=1)[0],
            "general_settings.master_key",
            "default_fallbacks[0]: no model_name 'none'",
        ):
            assert any(words in line for line in told), words

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "streamedit.yaml:1: model_list: Field required"),
            ("model_list: []\n", "streamedit.yaml:1: model_list: List should have at least 1 item"),
            ("model_list: [\n", "streamedit.yaml:2: expected the node content"),
            ("- a\n- b\n", "streamedit.yaml:1: file: Input should be"),
            ("just text\n", "streamedit.yaml:1: file: Input should be"),
            (
                MINIMAL.replace("mock/mock", "nowhere/x"),
                f"no provider for 'nowhere/x' here; there are: {', '.join(sorted(PROVIDERS))}",
            ),
            (MINIMAL + "server: {default_model: other}\n", "streamedit.yaml:4: server.default_model: no model_name 'other'"),
            (
                MINIMAL + "server: {heartbeat_s: soon}\n",
                "streamedit.yaml:4: server.heartbeat_s: Input should be a valid number",
            ),
            (MINIMAL + "general_settings: {master_key: os.environ/KEY}\n", "the environment variable KEY is not set"),
            (
                MINIMAL.replace("model: mock/mock", "model: azure/a, api_base: https://a.example, api_key: os.environ/KEY"),
                "the environment variable KEY is not set",
            ),
            (
                MINIMAL + "server: {callers_keys: [azur]}\n",
                "server.callers_keys: no provider 'azur' that takes a key; there are:",
            ),
            (MINIMAL + "server: {callers_keys: [darkroom]}\n", "no provider 'darkroom' that takes a key"),
            (MINIMAL + "server: {custom_hosts: [https://a.example/v1]}\n", "server.custom_hosts"),
            (
                MINIMAL + "server: {portkey_configs: {pc-a: {provider: openai, input_guardrails: [x]}}}\n",
                "server.portkey_configs.pc-a: input_guardrails are not supported here",
            ),
        ],
    )
    def test_a_mistake_is_told_where_it_stands(self, tmp_path: Path, text: str, told: str) -> None:
        """One mistake is one line that begins with file and line number."""
        (mistake,) = mistakes_of(tmp_path, text)
        assert told in mistake

    def test_what_portkeys_callers_may_do(self, tmp_path: Path) -> None:
        """Whose own keys are taken, where they may be sent, and the configs that are known by a name; by default none."""
        text = """\
server:
  callers_keys: [openai, azure]
  custom_hosts: ["https://eu.example:8443"]
  portkey_configs:
    pc-house: {provider: openai, retry: {attempts: 2}}
"""
        server = read(tmp_path, MINIMAL + text).server
        assert (server.callers_keys, server.custom_hosts) == (("openai", "azure"), frozenset({"https://eu.example:8443"}))
        assert server.portkey_configs == {"pc-house": Config(provider="openai", retry=Retry(attempts=2))}
        assert read(tmp_path, MINIMAL + "server: {callers_keys: true}\n").server.callers_keys is True
        silent = read(tmp_path, MINIMAL).server
        assert (silent.callers_keys, silent.custom_hosts, silent.portkey_configs) == ((), frozenset(), {})

    @pytest.mark.parametrize("content", [b"a: \x07\n", b"a: \xff\n"])
    def test_a_file_that_is_not_text_is_a_mistake(self, tmp_path: Path, content: bytes) -> None:
        """Control characters and broken UTF-8 are told like any other mistake."""
        path = tmp_path / "streamedit.yaml"
        path.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            from_file(path, {}, PROVIDERS)
        assert caught.value.mistakes[0].startswith("streamedit.yaml:1: ")

    def test_mistakes_do_not_quote_secrets(self, tmp_path: Path) -> None:
        """A mistake about a key does not show the key."""
        mistakes = mistakes_of(tmp_path, MINIMAL + "general_settings: {master_key: [sk-secret]}\n")
        assert "secret" not in "\n".join(mistakes)

    def test_a_section_may_be_empty(self, tmp_path: Path) -> None:
        """A section of which every line is commented out is as good as none."""
        settings = read(tmp_path, MINIMAL + "general_settings:\n  # master_key: sk-1\nserver:\n  # heartbeat_s: 5\n")
        assert (settings.server.heartbeat_s, settings.api_keys) == (15, ())

    def test_the_default_model_may_be_one_that_a_pattern_takes(self, tmp_path: Path) -> None:
        """`default_model` names any model that a request may name."""
        text = MINIMAL + "  - model_name: openai/*\n    litellm_params: {model: openai/*}\nserver: {default_model: openai/x}\n"
        assert read(tmp_path, text).routes.find(None).targets[0].model == "x"

    def test_a_pattern_is_no_default(self, tmp_path: Path) -> None:
        """The first name that is a model is the default; patterns alone give none."""
        pattern = "model_list:\n  - model_name: openai/*\n    litellm_params: {model: openai/*}\n"
        assert read(tmp_path, pattern).routes.default_model is None
        assert read(tmp_path, pattern + MINIMAL.partition("\n")[2]).routes.default_model == "mock"

    def test_openai_takes_from_the_environment_what_the_file_leaves_out(self, tmp_path: Path) -> None:
        """As the OpenAI SDK would: key, base, organization, project; the file goes first, other providers get nothing."""
        text = MINIMAL + "  - model_name: o\n    litellm_params: {model: openai/x, organization: org-file}\n"
        environ = {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://b", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "proj"}
        routes = read(tmp_path, text, **environ).routes
        params = {"organization": "org-file", "project": "proj"}
        assert routes.find("o").targets == (Target("openai", "x", "sk", "http://b", params),)
        assert routes.find("mock").targets == (Target("mock", "mock"),)

    def test_each_provider_takes_its_own_from_the_environment(self, tmp_path: Path) -> None:
        """By the names that LiteLLM has for them."""
        text = MINIMAL + "  - model_name: x\n    litellm_params: {model: xai/grok-imagine-image}\n"
        target = read(tmp_path, text, XAI_API_KEY="xk", OPENAI_API_KEY="sk").routes.find("x").targets[0]
        assert target == Target("xai", "grok-imagine-image", "xk")

    def test_what_a_provider_does_not_read_is_told(self, tmp_path: Path) -> None:
        """Names that hold for all providers, or for this one, are not; prices are read."""
        params = "{model: xai/m, timeout: 5, drop_params: true, output_cost_per_image: 0.1, organization: o, mock_pace_s: 1}"
        text = MINIMAL + f"  - model_name: x\n    litellm_params: {params}\n"
        ignored = read(tmp_path, text).ignored
        assert ignored == tuple(f"model_list[1].litellm_params.{name}" for name in ("organization", "mock_pace_s"))

    def test_what_a_target_lacks_is_told_with_its_line(self, tmp_path: Path) -> None:
        """The provider's own words, at the entry's line."""
        lacking = Setup(mistake=lambda target: None if target.api_base else "mock needs an api_base")
        path = tmp_path / "streamedit.yaml"
        path.write_text(MINIMAL, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            from_file(path, {}, {"mock": lacking})
        [mistake] = caught.value.mistakes
        assert mistake.startswith("streamedit.yaml:")
        assert "mock needs an api_base" in mistake

    @pytest.mark.parametrize(
        ("value", "mistake"),
        [
            ("2026-02-30", "streamedit.yaml:4: not a valid timestamp"),
            ("!!int secret", "streamedit.yaml:4: not a valid int"),
            ("&a [*a]", "streamedit.yaml:1: something is nested too deeply, or in itself"),
            ("[" * 2000 + "]" * 2000, "streamedit.yaml:1: something is nested too deeply, or in itself"),
        ],
        ids=["no date", "no number", "in itself", "deep"],
    )
    def test_what_only_looks_like_a_value_is_a_mistake(self, tmp_path: Path, value: str, mistake: str) -> None:
        """What the YAML parser breaks at is told as any other mistake, without its value."""
        assert mistakes_of(tmp_path, f"{MINIMAL}extra: {value}\n") == (mistake,)

    def test_no_bound_is_infinite(self, tmp_path: Path) -> None:
        """What is no number of seconds is none to wait for."""
        text = f"{MINIMAL}server: {{drain_timeout_s: .inf, heartbeat_s: .nan}}\n"
        assert {mistake.split(": ")[1] for mistake in mistakes_of(tmp_path, text)} == {
            "server.drain_timeout_s", "server.heartbeat_s",
        }  # fmt: skip

    def test_an_environment_key_opens_beside_the_files(self, tmp_path: Path) -> None:
        """STREAMEDIT_API_KEY is one more key."""
        text = MINIMAL + "general_settings: {master_key: sk-1}\n"
        assert read(tmp_path, text, STREAMEDIT_API_KEY="sk-2").api_keys == ("sk-1", "sk-2")

    def test_a_file_without_a_master_key_has_litellms(self, tmp_path: Path) -> None:
        """LITELLM_MASTER_KEY opens, as it does there; the file's own counts more."""
        assert read(tmp_path, MINIMAL, LITELLM_MASTER_KEY="sk-3").api_keys == ("sk-3",)
        text = MINIMAL + "general_settings: {master_key: sk-1}\n"
        assert read(tmp_path, text, LITELLM_MASTER_KEY="sk-3").api_keys == ("sk-1",)

    def test_the_servers_own_redis_counts_more(self, tmp_path: Path) -> None:
        """LiteLLM's is for a file that names none here."""
        text = MINIMAL + "router_settings: {redis_host: there}\n"
        assert read(tmp_path, text).server.redis_url == "redis://there:6379"
        assert read(tmp_path, text + "server: {redis_url: 'redis://here'}\n").server.redis_url == "redis://here"


class TestDatabase:
    """Which database there is, and what is spent in it."""

    @pytest.mark.parametrize("name", ["STREAMEDIT_DATABASE_URL", "DATABASE_URL"])
    def test_the_environment_names_it(self, tmp_path: Path, name: str) -> None:
        """With a file and without one; this server's own name counts more than LiteLLM's, and an empty one is none."""
        environ = {"DATABASE_URL": "", name: "sqlite:////a.db"}
        assert read(tmp_path, MINIMAL, **environ).server.database_url == "sqlite:////a.db"
        assert from_environment(environ, PROVIDERS).server.database_url == "sqlite:////a.db"
        both = {"DATABASE_URL": "sqlite:////b.db", **environ}
        assert from_environment(both, PROVIDERS).server.database_url == "sqlite:////a.db"

    def test_the_file_counts_more(self, tmp_path: Path) -> None:
        """`server.database_url`, then LiteLLM's, then the environment's, then the default."""
        environ = {"DATABASE_URL": "sqlite:////environ.db", "XDG_DATA_HOME": "/data"}
        litellm = MINIMAL + "general_settings: {database_url: 'sqlite:////litellm.db'}\n"
        own = litellm + "server: {database_url: 'sqlite:////own.db'}\n"
        found = [read(tmp_path, text, **environ).server.database_url for text in (own, litellm, MINIMAL)]
        assert found == ["sqlite:////own.db", "sqlite:////litellm.db", "sqlite:////environ.db"]
        assert read(tmp_path, MINIMAL, XDG_DATA_HOME="/data").server.database_url == "sqlite:////data/streamedit/streamedit.db"

    @pytest.mark.parametrize("off", ["none", "'none'", "off", "'off'", "false", ""])
    def test_it_can_be_turned_off(self, tmp_path: Path, off: str) -> None:
        """As YAML and as people write it; then the environment's does not count."""
        server = read(tmp_path, f"{MINIMAL}server: {{database_url: {off}}}\n", DATABASE_URL="sqlite:////a.db").server
        assert server.database_url is None

    @pytest.mark.parametrize(("name", "value"), [("DATABASE_URL", "none"), ("STREAMEDIT_DATABASE_URL", "off")])
    def test_the_environment_turns_it_off(self, tmp_path: Path, name: str, value: str) -> None:
        """LiteLLM's part, too."""
        assert from_environment({name: value}, PROVIDERS).server.database_url is None
        text = MINIMAL + "general_settings: {database_url: os.environ/DATABASE_URL}\n"
        assert read(tmp_path, text, DATABASE_URL="none").server.database_url is None

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("server: {database_url: 'mysql://sk-secret@h/d'}\n", "streamedit.yaml:4: server.database_url"),
            ("general_settings: {database_url: 'mysql://sk-secret@h/d'}\n", "streamedit.yaml:4: general_settings.database_url"),
            ("", "DATABASE_URL"),
        ],
    )
    def test_what_is_no_database_is_told_once(self, tmp_path: Path, text: str, place: str) -> None:
        """Where it stands, and without its password; budgets are not told to lack a database besides."""
        text = f"{MINIMAL}{text}litellm_settings: {{max_budget: 5}}\n"
        (mistake,) = mistakes_of(tmp_path, text, DATABASE_URL="mysql://sk-secret@h/d")
        assert mistake == f"{place}: must begin with sqlite:/// or postgresql://"

    def test_the_default_needs_a_home(self, tmp_path: Path) -> None:
        """What would be lost at the next start is no place for a ledger."""
        storage, database = sorted(mistakes_of(tmp_path, MINIMAL, HOME=""), key=lambda mistake: "database" in mistake)
        assert "server.database_url" in database
        assert "server.storage.folder" in storage
        with pytest.raises(ConfigError, match=r"server\.database_url"):
            from_environment({"HOME": ""}, PROVIDERS)

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("{budgets: [{limit_usd: 5}], database_url: none}\n", "server.budgets"),
            ("{key_defaults: {budgets: [{limit_usd: 5}]}, database_url: none}\n", "server.key_defaults.budgets"),
            ("{end_user_defaults: {budgets: [{limit_usd: 0}]}, database_url: none}\n", "server.end_user_defaults.budgets"),
            ("{database_url: none}\nlitellm_settings: {max_budget: 5}\n", "litellm_settings.max_budget"),
            ("{database_url: none}\nlitellm_settings: {max_end_user_budget: 0}\n", "litellm_settings.max_end_user_budget"),
        ],
    )
    def test_budgets_need_it(self, tmp_path: Path, text: str, place: str) -> None:
        """Nobody is told that there is a bound where nothing counts."""
        (mistake,) = mistakes_of(tmp_path, f"{MINIMAL}server: {text}")
        assert mistake.split(": ")[1:] == [place, "a budget needs a database, and there shall be none"]

    def test_limits_need_none(self, tmp_path: Path) -> None:
        """They are counted in memory, or in Redis."""
        server = read(tmp_path, MINIMAL + "server: {database_url: none, limits: {parallel_edits: 3}}\n").server
        assert (server.database_url, server.limits.parallel_edits) == (None, 3)

    def test_a_period_has_one_budget(self, tmp_path: Path) -> None:
        """Whatever it is called."""
        budgets = "[{limit_usd: 1, period: 1d}, {limit_usd: 2, period: daily}]"
        (mistake,) = mistakes_of(tmp_path, f"{MINIMAL}server: {{budgets: {budgets}}}\n")
        assert mistake == "streamedit.yaml:4: server.budgets: two budgets have the same period"


class TestFromEnvironment:
    """Without a file."""

    def test_the_embedded_providers_serve(self) -> None:
        """Without any key there are the darkroom, which is the default, and the mock, and the server is open."""
        settings = from_environment({}, PROVIDERS)
        assert [route.model for route in settings.routes.all] == ["darkroom", "mock"]
        assert (settings.routes.default_model, settings.api_keys) == ("darkroom", ())

    def test_the_mock_is_always_there(self) -> None:
        """An installation without the darkroom's extra starts too."""
        assert (
            from_environment({}, {name: setup for name, setup in PROVIDERS.items() if name != "darkroom"}).routes.default_model
            == "mock"
        )

    def test_a_key_brings_openai(self) -> None:
        """With OPENAI_API_KEY its models are served, listed and by prefix, and one of them is the default."""
        routes = from_environment({"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://b"}, PROVIDERS).routes
        assert routes.find("openai/gpt-image-9").targets == (Target("openai", "gpt-image-9", "sk", "http://b"),)
        assert routes.find(None).targets == (Target("openai", "gpt-image-2", "sk", "http://b"),)
        assert {"darkroom", "mock", "gpt-image-2"} <= {route.model for route in routes.all}

    def test_a_key_brings_its_provider(self) -> None:
        """Every provider whose key is there, by its prefix, and by the names of its models."""
        routes = from_environment({"XAI_API_KEY": "xk"}, PROVIDERS).routes
        assert routes.find("xai/grok-9").targets == (Target("xai", "grok-9", "xk"),)
        assert "xai/grok-imagine-image" in {route.model for route in routes.all}
        assert routes.default_model == "darkroom"

    @pytest.mark.parametrize(("value", "keys"), [("sk-1", ("sk-1",)), ("", ())])
    def test_the_door_is_closed_by_a_key(self, value: str, keys: tuple[str, ...]) -> None:
        """STREAMEDIT_API_KEY is the key that clients need; an empty variable is none."""
        assert from_environment({"STREAMEDIT_API_KEY": value, "OPENAI_API_KEY": ""}, PROVIDERS).api_keys == keys

    def test_it_is_routed_as_a_file_is(self) -> None:
        """Two retries, five seconds of cooldown; each model of a provider has a health of its own."""
        routes = from_environment({"OPENAI_API_KEY": "sk"}, PROVIDERS).routes
        policy = routes.find("gpt-image-2").policy
        assert (policy.strategy, policy.retries, policy.cooling.cooldown_s) == (Strategy.SIMPLE_SHUFFLE, 2, 5)
        ids = [target.id for route in routes.all for target in route.targets if target.provider == "openai"]
        assert None not in ids
        assert len(set(ids)) == len(ids)

    def test_settings_do_not_show_keys(self) -> None:
        """Settings may be printed."""
        assert "secret" not in repr(from_environment({"STREAMEDIT_API_KEY": "secret", "OPENAI_API_KEY": "secret"}, PROVIDERS))
