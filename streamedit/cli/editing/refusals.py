"""What went wrong with an edit, in words: what, at which parameter, and what would help."""

from collections.abc import Iterator, Mapping

from streamedit.cli.exits import Exit
from streamedit.errors import Cancelled, ErrorDetail

_TIMEOUT = 408

_OPTIONS: Mapping[str, str] = {
    "image": "IMAGE",
    "image[]": "IMAGE",
    "prompt": "PROMPT",
    "output_format": "--format, or the end of -o",
    "output_compression": "--compression",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in ("mask", "model", "n", "size", "quality", "background", "user", "partial_images")
    },
}
"""Where the command has a parameter."""

_NOT_UNDERSTOOD, _REPERTOIRE = "prompt_not_understood", " All that it can do:"

_HELP_BY_CODE: Mapping[str, str] = {
    "model_not_found": "`streamedit models` lists those that there are.",
    _NOT_UNDERSTOOD: "`streamedit models darkroom` shows all that it can do, with examples.",
    "unsupported_parameter": "Leave it away, or choose a model that takes it: `streamedit models` tells.",
    "moderation_blocked": "Other words, or another picture, may pass.",
    "rate_limit_exceeded": "Wait a little, and try again.",
    "budget_exceeded": "Whoever gives out the keys can raise the budget.",
    "upstream_unauthorized": "Look at the provider's API key in the environment or in the configuration.",
    "upstream_unreachable": "Is the network there? `streamedit doctor --online` looks.",
}

_HELP_BY_STATUS: Mapping[int, str] = {
    401: "Name a key in STREAMEDIT_KEY, or with --key.",
    403: "This key may not do that.",
    410: "The server keeps an edit for a while only: begin again.",
}


def exit_of(error: ErrorDetail) -> Exit:
    """Refused, or failed: then the same may succeed another time. A configuration with mistakes begins nothing."""
    if error.param == "config":
        return Exit.NOT_BEGUN
    return Exit.FAILED if error.status >= 500 or error.status == _TIMEOUT else Exit.REFUSED


def told(error: ErrorDetail) -> Iterator[str]:
    """A line each."""
    if error.code == Cancelled.code or error.param == "config":
        yield error.message
        return
    yield f"{'Failed' if exit_of(error) is Exit.FAILED else 'Refused'}: {_briefly(error)}"
    if error.param:
        yield f"  Parameter: {_place(error.param)}"
    if advice := _advice(error):
        yield f"  {advice}"


def fields_of(error: ErrorDetail) -> Mapping[str, Mapping[str, str | None]]:
    """OpenAI's envelope."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def _briefly(error: ErrorDetail) -> str:
    """Without the list of all that the darkroom can do, which has a command of its own."""
    return error.message.partition(_REPERTOIRE)[0] if error.code == _NOT_UNDERSTOOD else error.message


def _place(param: str) -> str:
    option = _OPTIONS.get(param)
    return f"{param} ({option})" if option else param


def _advice(error: ErrorDetail) -> str | None:
    waits = error.headers.get("retry-after", "")
    if waits.isdecimal():
        return f"Try again in {waits} s."
    return _HELP_BY_CODE.get(error.code or "") or _HELP_BY_STATUS.get(error.status)
