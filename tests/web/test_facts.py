"""What answers tell of their edit, in this server's names and in those of other gateways."""

from streamedit import tally
from streamedit.web.facts import LITELLM_HEADERS, PORTKEY_HEADERS, litellm, portkey

TOLD = {
    "x-request-id": "req_1",
    "x-edit-id": "edit_1",
    tally.MODEL: "m",
    tally.ATTEMPTS: "3",
    tally.RETRIES: "1",
    tally.FALLBACKS: "1",
    tally.COST: "0.04",
    tally.OVERHEAD_MS: "1.5",
}


def test_litellms_callers_find_litellms_names() -> None:
    """The model group, retries, fallbacks, cost and overhead, and the call's id, which is the caller's own or the edit's."""
    told = litellm({"x-litellm-api-key": "k"}, TOLD)
    assert told == {
        "x-litellm-call-id": "edit_1",
        "x-litellm-model-group": "m",
        "x-litellm-attempted-retries": "1",
        "x-litellm-attempted-fallbacks": "1",
        "x-litellm-response-cost": "0.04",
        "x-litellm-overhead-duration-ms": "1.5",
    }
    assert set(told) == set(LITELLM_HEADERS)
    assert litellm({"x-litellm-call-id": "c"}, TOLD)["x-litellm-call-id"] == "c"


def test_what_is_not_known_is_not_told() -> None:
    """An answer without an edit has only its own id."""
    assert litellm({"x-litellm-tags": "a"}, {"x-request-id": "req_1"}) == {"x-litellm-call-id": "req_1"}


def test_nobody_else_is_told_in_litellms_names() -> None:
    """A request without any header of LiteLLM's gets none."""
    assert litellm({"authorization": "Bearer k", "x-portkey-trace-id": "t"}, TOLD) == {}


def test_portkeys_callers_find_portkeys_names() -> None:
    """The provider as they have named it, else as Portkey does; which option it was; their trace, else the edit's id."""
    asked = {"x-portkey-provider": "@azure-openai", "x-portkey-trace-id": "t-1"}
    edit = {**TOLD, tally.PROVIDER: "azure", tally.OPTION: "config.targets[1]"}
    told = portkey(asked, edit)
    assert told == {
        "x-portkey-provider": "@azure-openai",
        "x-portkey-retry-attempt-count": "1",
        "x-portkey-last-used-option-index": "config.targets[1]",
        "x-portkey-trace-id": "t-1",
    }
    assert set(told) == set(PORTKEY_HEADERS)
    other = portkey({"x-portkey-provider": "openai"}, {**TOLD, tally.PROVIDER: "gemini"})
    assert (other["x-portkey-provider"], other["x-portkey-last-used-option-index"]) == ("google", "config")
    assert other["x-portkey-trace-id"] == "edit_1"


def test_an_answer_without_an_edit_has_a_trace_alone() -> None:
    """Of a bounded length."""
    assert portkey({"x-portkey-config": "{"}, {"x-request-id": "req_1"}) == {"x-portkey-trace-id": "req_1"}
    assert portkey({"x-portkey-trace-id": "t" * 999}, {"x-request-id": "req_1"}) == {"x-portkey-trace-id": "t" * 256}
    assert portkey({"x-litellm-tags": "a"}, TOLD) == {}
