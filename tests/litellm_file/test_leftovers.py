"""What has no effect is told."""

from pathlib import Path

from configurations import MINIMAL, mistakes_of, read

from streamedit.documents import Location
from streamedit.litellm_file.leftovers import Leftover, told


def at(*location: str | int) -> Leftover:
    """A place."""
    place: Location = location
    return Leftover(place)


def test_what_entries_have_in_common_is_told_once() -> None:
    """One entry's own is told with its place; whole entries each."""
    rpm = [at("model_list", index, "litellm_params", "x") for index in (0, 3)]
    whole = [Leftover(("model_list", index), "chat") for index in (1, 2)]
    assert told([*rpm, at("model_list", 3, "litellm_params", "y"), *whole, at("cache"), at("cache")]) == (
        "model_list[*].litellm_params.x",
        "model_list[3].litellm_params.y",
        "model_list[1] (chat)",
        "model_list[2] (chat)",
        "cache",
    )


def test_every_section_is_looked_at(tmp_path: Path) -> None:
    """Sections, keys of sections, of policies and of credentials; callbacks by their names."""
    text = f"""{MINIMAL}    x: 1
    model_info: {{team_id: a}}
guardrails: []
credential_list: [{{credential_name: c, credential_values: {{}}, x: 1}}]
general_settings: {{alerting: [slack]}}
router_settings:
  routing_groups: []
  allowed_fails_policy: {{ContentPolicyViolationErrorAllowedFails: 1, TimeoutErrorAllowedFails: 1}}
  retry_policy: {{Other: 1, TimeoutErrorRetries: 1}}
  model_group_retry_policy: {{mock: {{Other: 1}}}}
litellm_settings: {{success_callback: langfuse, failure_callback: [otel, sentry], set_verbose: true}}
"""
    assert set(read(tmp_path, text).ignored) == {
        "guardrails",
        "credential_list[0].x",
        "general_settings.alerting",
        "router_settings.routing_groups",
        "router_settings.allowed_fails_policy.ContentPolicyViolationErrorAllowedFails",
        "router_settings.retry_policy.Other",
        "router_settings.model_group_retry_policy.mock.Other",
        "litellm_settings.set_verbose",
        "litellm_settings.success_callback (langfuse)",
        "litellm_settings.failure_callback (sentry)",
        "model_list[0].x",
        "model_list[0].model_info.team_id",
    }


def test_a_variable_of_what_is_ignored_is_no_mistake_beside_another(tmp_path: Path) -> None:
    """Only what is read must be set, in a file with mistakes, too."""
    chat = "  - {model_name: c, litellm_params: {model: anthropic/c, api_key: os.environ/NOT_SET}}\n"
    text = f"{MINIMAL}{chat}general_settings: {{slack_url: os.environ/NOT_SET}}\nserver: {{heartbeat_s: 0}}\n"
    assert [mistake.split(": ")[1] for mistake in mistakes_of(tmp_path, text)] == ["server.heartbeat_s"]
