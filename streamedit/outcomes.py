"""How edits and attempts end, in few words: metrics must not grow by what providers or callers make up. Pure."""

import re
from collections.abc import Iterator

from streamedit.errors import EditError, ErrorDetail

COMPLETED = "completed"
ABANDONED = "abandoned"
"""An attempt that was broken off: the edit was cancelled, or its time was over."""
CANCELLED = "cancelled"
OTHER = "other"
"""What nobody here has a name for."""

_CODE = re.compile(r"[A-Za-z][\w.:-]{0,63}", re.ASCII)
"""Whatever looks otherwise is no code, and might quote what should not be quoted."""

_OURS = """
    invalid_value invalid_type invalid_json invalid_multipart invalid_encoding invalid_data_url unsupported_image_url
    unreadable_file
    invalid_image_url too_many_images too_many_parts string_above_max_length empty_image image_too_large image_too_large_to_edit
    unsupported_parameter invalid_image_file invalid_image_size invalid_mask mask_required mask_size_mismatch invalid_size
    invalid_seed invalid_output_format invalid_output_compression prompt_not_understood missing_required_parameter
    model_not_found edit_not_found invalid_token invalid_idempotency_key invalid_http too_many_fallbacks no_target_for_tags
    upstream_empty upstream_event_too_large upstream_failed upstream_incomplete upstream_malformed upstream_payment_required
    upstream_too_large upstream_unauthorized execution_error execution_interrupted mock_refused mock_unavailable
    mock_error too_many_pixels conversion_timeout file_not_found file_too_large too_many_files result_not_found
    invalid_signature
    background_required colour_required crop_too_large edit_takes_too_long image_required invalid_background
    mask_covers_everything text_cannot_be_written text_required unknown_background
    invalid_provider provider_not_configured incomplete_provider invalid_custom_host invalid_config config_not_found
    header_not_allowed invalid_api_key image_not_judged expired_api_key group_not_found master_key_required
    no_database api_key_not_found api_key_revoked group_in_use end_user_not_found cross_site_request
    model_not_allowed model_not_supported platform_not_supported images_not_enabled end_user_blocked price_unknown
"""
"""Codes that this server makes up where it raises an error; those of the tree of errors itself come beside them."""

_PROVIDERS = """
    rate_limit_exceeded insufficient_quota billing_hard_limit_reached content_policy_violation content_filter
    context_length_exceeded deployment_not_found DeploymentNotFound OperationNotSupported invalid_image_format
    invalid_image invalid_prompt server_error engine_overloaded account_deactivated organization_restricted
    unknown_parameter unsupported_value unsupported_file
    image_generation_server_error image_generation_user_error invalid_request_error rate_limit_error authentication_error
    permission_error api_error overloaded_error timeout_error requests tokens upstream_error not_found_error
"""
"""Codes of OpenAI and of those who speak as it does (Azure, LiteLLM), and types where there is no code."""


def outcome_of(error: ErrorDetail | None) -> str:
    """What a record says of an end: `completed`, or the error's code, or else its type."""
    if error is None:
        return COMPLETED
    return name_of(error.code or error.type)


def name_of(text: str) -> str:
    """A code or a type that a provider has made up, if it looks like one."""
    return text if _CODE.fullmatch(text) else OTHER


def label_of(outcome: str) -> str:
    """The same as a metric's label: of those there are few, whatever providers answer."""
    return outcome if outcome in _KNOWN else OTHER


def _tree(error: type[EditError]) -> Iterator[str]:
    yield from (name for name in (error.code, error.type) if name)
    for below in error.__subclasses__():
        yield from _tree(below)


_KNOWN = frozenset({COMPLETED, ABANDONED, *_OURS.split(), *_PROVIDERS.split(), *_tree(EditError)})
